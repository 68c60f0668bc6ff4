//! The connection limit: how many connections one client address may have open.
//!
//! Invariant: one address never holds more than its share, so that others can connect. Connections are counted before
//! the first byte, and thus before TLS. Those beyond the share are closed at once.

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

/// The divisor of an address's share: it may have a quarter of all connections, and at least one.
const SHARE: u32 = 4;

/// Counts the open connections of each address.
pub(super) struct ConnectionLimit {
    share: u32,
    /// Trusted proxies, which carry the connections of many clients.
    exempt: TrustedProxies,
    open: Mutex<HashMap<IpAddr, u32>>,
}

impl ConnectionLimit {
    /// Limits each address to its share of `slots`, of which trusted proxies may use all.
    pub(super) fn new(slots: NonZeroU32, exempt: TrustedProxies) -> Self {
        Self { share: slots.get().div_ceil(SHARE), exempt, open: Mutex::default() }
    }

    /// Wraps `service`, so that it only gets the connections that the limit admits.
    pub(super) fn before<S, E>(
        self: Arc<Self>,
        service: S,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = E, InitError = S::InitError>
    where
        S: ServiceFactory<TcpStream, Config = (), Response = (), Error = E>,
        S::Service: 'static,
    {
        apply_fn_factory(service, move |stream: TcpStream, service: &S::Service| {
            let admitted = self.admit(&stream).map(|slot| (service.call(stream), slot));
            async move {
                match admitted {
                    Some((served, _slot)) => served.await,
                    None => Ok(()),
                }
            }
        })
    }

    /// Returns a slot for the connection; `None` if its address has used up its share, or if it is closed already.
    fn admit(self: &Arc<Self>, stream: &TcpStream) -> Option<Slot> {
        let peer: io::Result<_> = stream.peer_addr();
        self.enter(peer.ok()?.ip())
    }

    fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let share = if self.exempt.contain(address) { u32::MAX } else { self.share };
        let holder = access::network(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(holder).or_default();
        (*count < share).then(|| {
            *count += 1;
            Slot { limit: self.clone(), holder }
        })
    }
}

/// One open connection.
struct Slot {
    limit: Arc<ConnectionLimit>,
    holder: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.limit.open.lock().unwrap_or_else(PoisonError::into_inner);
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
        let limit =
            Arc::new(ConnectionLimit::new(NonZeroU32::new(8).expect("above 0"), TrustedProxies::default()));
        let enter = |from: &str| limit.enter(address(from));
        let first = enter("192.0.2.1");
        let second = enter("::ffff:192.0.2.1");
        assert!(first.is_some() && second.is_some());
        assert!(enter("192.0.2.1").is_none(), "the share is taken");
        let others = [enter("192.0.2.2"), enter("2001:db8::1"), enter("2001:db8::ffff")];
        assert!(others.iter().all(Option::is_some));
        assert!(enter("2001:db8::2").is_none(), "a site is one holder");
        assert!(enter("2001:db8:0:1::1").is_some(), "another site is another");
        drop(first);
        assert!(enter("192.0.2.1").is_some(), "a slot is free again");
        drop((second, others));
        assert!(limit.open.lock().expect("unpoisoned").is_empty(), "nobody is remembered who has left");
    }

    #[test]
    fn a_trusted_proxy_may_take_all() {
        let given = RawOption { value: "10.0.0.0/8".to_owned(), origin: "--trusted-proxy".to_owned() };
        let proxies = TrustedProxies::parse(&[given]).expect("a network");
        let limit = Arc::new(ConnectionLimit::new(NonZeroU32::MIN, proxies));
        let enter = |from: &str| limit.enter(address(from));
        let open = ["10.0.0.1", "10.0.0.1", "192.0.2.1"].map(enter);
        assert!(open.iter().all(Option::is_some));
        assert!(enter("192.0.2.1").is_none() && enter("10.0.0.1").is_some());
    }

    #[test]
    fn there_is_always_one_slot() {
        let limit = Arc::new(ConnectionLimit::new(NonZeroU32::MIN, TrustedProxies::default()));
        assert!(limit.enter(address("::1")).is_some());
    }
}
