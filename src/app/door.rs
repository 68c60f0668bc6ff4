//! The door: how many connections one address may have open, whatever it does on them.
//!
//! Invariant: one address never takes more than its share of the places, so that others find some free. It is counted
//! before the first byte, and so before TLS too; what is over the share is closed at once.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
};

use actix_service::{Service as _, ServiceFactory, apply_fn_factory};
use tokio::net::TcpStream;

use crate::{access, config::TrustedProxies};

/// An address may have one place in so many, and one at least.
const SHARE: u32 = 4;

/// Counts the open connections of each address.
pub(super) struct Door {
    share: u32,
    /// They bring the connections of many.
    exempt: TrustedProxies,
    open: Mutex<HashMap<IpAddr, u32>>,
}

impl Door {
    /// A door to so many places, of which trusted proxies may take all.
    pub(super) fn new(places: NonZeroU32, exempt: TrustedProxies) -> Self {
        Self { share: places.get().div_ceil(SHARE), exempt, open: Mutex::default() }
    }

    /// Lets as many connections through to `service` as each address may have.
    pub(super) fn before<S, E>(
        self: Arc<Self>,
        service: S,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = E, InitError = S::InitError>
    where
        S: ServiceFactory<TcpStream, Config = (), Response = (), Error = E>,
        S::Service: 'static,
    {
        apply_fn_factory(service, move |stream: TcpStream, service: &S::Service| {
            let admitted = self.admit(&stream).map(|place| (service.call(stream), place));
            async move {
                match admitted {
                    Some((served, _place)) => served.await,
                    None => Ok(()),
                }
            }
        })
    }

    /// A place for the connection; nothing where its address has its share, or is gone already.
    fn admit(self: &Arc<Self>, stream: &TcpStream) -> Option<Place> {
        let peer: io::Result<_> = stream.peer_addr();
        self.enter(peer.ok()?.ip())
    }

    fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let share = if self.exempt.contain(address) { u32::MAX } else { self.share };
        let holder = access::network(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(holder).or_default();
        (*count < share).then(|| {
            *count += 1;
            Place { door: self.clone(), holder }
        })
    }
}

/// One open connection.
struct Place {
    door: Arc<Door>,
    holder: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.door.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RawOption;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let door = Arc::new(Door::new(NonZeroU32::new(8).expect("above 0"), TrustedProxies::default()));
        let enter = |from: &str| door.enter(address(from));
        let first = enter("192.0.2.1");
        let second = enter("::ffff:192.0.2.1");
        assert!(first.is_some() && second.is_some());
        assert!(enter("192.0.2.1").is_none(), "the share is taken");
        let others = [enter("192.0.2.2"), enter("2001:db8::1"), enter("2001:db8::ffff")];
        assert!(others.iter().all(Option::is_some));
        assert!(enter("2001:db8::2").is_none(), "a site is one holder");
        assert!(enter("2001:db8:0:1::1").is_some(), "another site is another");
        drop(first);
        assert!(enter("192.0.2.1").is_some(), "a place is free again");
        drop((second, others));
        assert!(door.open.lock().expect("unpoisoned").is_empty(), "nobody is remembered who has left");
    }

    #[test]
    fn a_trusted_proxy_may_take_all() {
        let given = RawOption { value: "10.0.0.0/8".to_owned(), origin: "--trusted-proxy".to_owned() };
        let proxies = TrustedProxies::parse(&[given]).expect("a network");
        let door = Arc::new(Door::new(NonZeroU32::MIN, proxies));
        let enter = |from: &str| door.enter(address(from));
        let open = ["10.0.0.1", "10.0.0.1", "192.0.2.1"].map(enter);
        assert!(open.iter().all(Option::is_some));
        assert!(enter("192.0.2.1").is_none() && enter("10.0.0.1").is_some());
    }

    #[test]
    fn there_is_always_one_place() {
        let door = Arc::new(Door::new(NonZeroU32::MIN, TrustedProxies::default()));
        assert!(door.enter(address("::1")).is_some());
    }
}
