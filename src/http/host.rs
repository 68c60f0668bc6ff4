//! DNS rebinding: a web page whose name is made to lead to this machine is, for the browser, of the same origin as a
//! gateway that listens here, and may call it without CORS. Its requests bear its own name as `Host`.
//!
//! Invariant: a gateway that listens on loopback addresses alone answers only to names of this machine and to that of
//! its public URL.

use actix_web::{
    Error,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Uri, header, uri::Authority},
    middleware::Next,
    web::Data,
};
use tracing::info;
use url::{Host, Url};

use super::{
    error::ApiError,
    peer::{self, Front},
};

/// The names that a gateway answers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// Any: whoever listens on a network knows not by which names it is reached.
    Any,
    /// Those of this machine, and that of the public URL.
    Local(Option<Host>),
}

impl Hosts {
    /// Those of a gateway that listens on loopback addresses alone.
    pub fn local(public_url: Option<&Url>) -> Self {
        Self::Local(public_url.and_then(Url::host).map(|host| host.to_owned()))
    }

    fn admit(&self, authority: &str) -> bool {
        let Self::Local(public) = self else { return true };
        match host(authority) {
            // RFC 6761 section 6.3: these names never leave the machine.
            Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => true,
            Some(Host::Ipv4(address)) if address.is_loopback() => true,
            Some(Host::Ipv6(address)) if address.is_loopback() => true,
            found => found.is_some() && found == *public,
        }
    }
}

/// Refuses requests that were meant for another host (RFC 9110 section 15.5.20).
pub(super) async fn check<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let admitted = match (request.app_data::<Data<Front>>(), of(&request)) {
        (Some(front), Some(authority)) => front.hosts.admit(authority),
        // A browser always names the host; HTTP/1.0 need not.
        _ => true,
    };
    if admitted {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    info!(client = %peer::address(&request), "refused a request for another host");
    Ok(request.error_response(ApiError::Misdirected).map_into_right_body())
}

/// Host and port that a request is for; those of its target come before the header (RFC 9112 section 3.2.2).
pub(super) fn of(request: &ServiceRequest) -> Option<&str> {
    let target = request.uri().authority().map(Authority::as_str);
    let header = || Some(request.headers().get(header::HOST)?.to_str().unwrap_or_default());
    target.or_else(header)
}

/// The host of `host:port`.
fn host(authority: &str) -> Option<Host> {
    let uri: Uri = authority.parse().ok()?;
    // As browsers do, so that no spelling of an address is taken for a name.
    Host::parse(uri.authority()?.host().trim_end_matches('.')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_admitted() {
        let url = Url::parse("https://Tools.example:8443/mcp").expect("a URL");
        let hosts = Hosts::local(Some(&url));
        for ours in [
            "localhost",
            "LOCALHOST:8000",
            "localhost.",
            "a.localhost:1",
            "127.0.0.1",
            "127.1.2.3:8000",
            "[::1]:8000",
            "tools.example",
            "tools.example:80",
        ] {
            assert!(hosts.admit(ours), "{ours}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "192.168.0.1",
            "0.0.0.0:8000",
            "[::2]",
            "sub.tools.example",
            "",
            "a b",
        ] {
            assert!(!hosts.admit(foreign), "{foreign}");
        }
        assert!(!Hosts::local(None).admit("tools.example"));
        assert!(Hosts::Any.admit("evil.example"));
    }
}
