//! Client information: the client's address, and what trusted reverse proxies report about the request.
//!
//! Invariant: `X-Forwarded-*` only counts if the connection comes from a trusted proxy. `Forwarded` (RFC 7239) is not
//! read, because a proxy that sets one of the two passes the other on as the client sent it, so only one can be
//! trusted.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::{
    dev::ServiceRequest,
    http::{
        header::{self, HeaderMap},
        uri::Authority,
    },
};

use super::hosts::Hosts;
use crate::config::TrustedProxies;

/// The configuration of what is in front of the gateway.
#[derive(Debug, Clone)]
pub struct Front {
    /// The trusted proxies.
    pub proxies: TrustedProxies,
    /// The host names that the gateway accepts.
    pub hosts: Hosts,
    /// Whether connections use TLS.
    pub tls: bool,
}

/// The client's address, and the gateway's URL as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientInfo {
    /// The client address: the one that a trusted proxy reports, else the peer of the connection.
    pub(super) address: IpAddr,
    /// The scheme of the URL as the client sees it.
    scheme: &'static str,
    /// The host and port of the URL as the client sees it.
    host: String,
    /// The path prefix under which a proxy serves the gateway: empty, or of the form `/a/b`.
    pub(super) prefix: String,
}

/// Returns the host and port that a request is for; those in the request target take precedence over the `Host` header
/// (RFC 9112 section 3.2.2).
pub(super) fn authority(request: &ServiceRequest) -> Option<&str> {
    let target = request.uri().authority().map(Authority::as_str);
    let header = || Some(request.headers().get(header::HOST)?.to_str().unwrap_or_default());
    target.or_else(header)
}

impl ClientInfo {
    pub(super) fn of(front: &Front, request: &ServiceRequest) -> Self {
        let connected = request.peer_addr().map_or(Ipv4Addr::UNSPECIFIED.into(), |address| address.ip());
        Self::read(front, connected, authority(request).unwrap_or_default(), request.headers())
    }

    /// Returns scheme and host of the gateway as the client sees them, such as `https://example.com`.
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    fn read(front: &Front, connected: IpAddr, host: &str, headers: &HeaderMap) -> Self {
        let connected = connected.to_canonical();
        let scheme = if front.tls { "https" } else { "http" };
        if !front.proxies.contain(connected) {
            return Self { address: connected, scheme, host: host.to_owned(), prefix: String::new() };
        }
        let scheme = match last(headers, "x-forwarded-proto") {
            Some(proto) if proto.eq_ignore_ascii_case("https") => "https",
            Some(proto) if proto.eq_ignore_ascii_case("http") => "http",
            _ => scheme,
        };
        let host = last(headers, "x-forwarded-host").unwrap_or(host).to_owned();
        let prefix = last(headers, "x-forwarded-prefix").and_then(path).unwrap_or_default().to_owned();
        Self { address: client(&front.proxies, connected, headers), scheme, host, prefix }
    }
}

/// Returns the nearest address that is not a trusted proxy's.
///
/// Each proxy appends its client's address, and everything before it may be forged.
fn client(proxies: &TrustedProxies, connected: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut nearest = connected;
    let lists: Vec<_> = headers.get_all("x-forwarded-for").collect();
    let hops = lists.iter().rev().flat_map(|list| list.to_str().unwrap_or_default().rsplit(','));
    for hop in hops {
        let Some(address) = hop_address(hop.trim()) else { break };
        nearest = address;
        if !proxies.contain(address) {
            break;
        }
    }
    nearest
}

/// Parses an address with or without brackets and port.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let plain = hop.parse().or_else(|_| hop.parse().map(|socket: SocketAddr| socket.ip()));
    let address: IpAddr = plain.or_else(|_| hop.trim_matches(['[', ']']).parse()).ok()?;
    Some(address.to_canonical())
}

/// Returns the value that the nearest proxy added.
fn last<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let value = headers.get_all(name).last()?.to_str().ok()?.rsplit(',').next()?.trim();
    (!value.is_empty()).then_some(value)
}

/// Returns a path without its trailing slash; `None` if it has anything but plain segments.
///
/// The path becomes part of documents, so it must not carry anything else into them.
fn path(text: &str) -> Option<&str> {
    let path = text.trim_end_matches('/');
    let segments = || path.strip_prefix('/').into_iter().flat_map(|path| path.split('/'));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
    let good = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain);
    (segments().next().is_some() && segments().all(good)).then_some(path)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::config::RawOption;

    /// A gateway behind proxies of these networks.
    fn front(proxies: &[&str]) -> Front {
        let given =
            |text: &&str| RawOption { value: (*text).to_owned(), origin: "--trusted-proxy".to_owned() };
        let proxies = TrustedProxies::parse(&proxies.iter().map(given).collect::<Vec<_>>());
        Front { proxies: proxies.expect("networks"), hosts: Hosts::Any, tls: false }
    }

    fn client_of(front: &Front, from: &str, headers: &[(&str, &str)]) -> (String, String) {
        let request =
            headers.iter().fold(TestRequest::default(), |request, header| request.append_header(*header));
        let connected = from.parse().expect("an address");
        let client = ClientInfo::read(front, connected, "own:8000", request.to_http_request().headers());
        (client.address.to_string(), client.origin())
    }

    #[test]
    fn strangers_are_not_believed() {
        let headers = [
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
            ("forwarded", "for=192.0.2.1;host=evil.example"),
        ];
        let own = |address: &str| (address.to_owned(), "http://own:8000".to_owned());
        assert_eq!(client_of(&front(&[]), "10.0.0.1", &headers), own("10.0.0.1"));
        assert_eq!(client_of(&front(&["10.0.0.2"]), "10.0.0.1", &headers), own("10.0.0.1"));
        assert_eq!(client_of(&front(&[]), "::ffff:10.0.0.1", &headers), own("10.0.0.1"));
        assert_eq!(client_of(&front(&["10.0.0.1"]), "10.0.0.1", &headers[3..]), own("10.0.0.1"));
    }

    #[test]
    fn a_proxy_says_where_a_request_comes_from() {
        let front = front(&["10.0.0.0/8"]);
        let headers = [
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "HTTPS"),
            ("x-forwarded-host", "a.example"),
        ];
        let told = ("192.0.2.1".to_owned(), "https://a.example".to_owned());
        assert_eq!(client_of(&front, "10.0.0.1", &headers), told);
    }

    #[test]
    fn a_prefix_is_a_plain_path() {
        for (text, expected) in [("/a", "/a"), ("/a/b-c_d/", "/a/b-c_d"), ("/a%20b", "/a%20b")] {
            assert_eq!(path(text), Some(expected), "{text}");
        }
        for text in
            ["", "/", "a", "//evil.example", "/a//b", "/a/../b", "/.", "/a?b", "/a b", "/\"", "https://h/"]
        {
            assert_eq!(path(text), None, "{text}");
        }
        let headers = [("x-forwarded-prefix", "/a")];
        let of = |proxies: &[&str]| {
            let request = TestRequest::default().append_header(headers[0]).to_http_request();
            let connected = "10.0.0.1".parse().expect("an address");
            ClientInfo::read(&front(proxies), connected, "own", request.headers()).prefix
        };
        assert_eq!((of(&["10.0.0.1"]).as_str(), of(&[]).as_str()), ("/a", ""));
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_counts() {
        let front = front(&["10.0.0.0/8"]);
        for (lists, address) in [
            (&["203.0.113.9, 192.0.2.1"][..], "192.0.2.1"),
            (&["203.0.113.9, 192.0.2.1, 10.0.0.3"], "192.0.2.1"),
            (&["203.0.113.9", "192.0.2.1,10.0.0.3"], "192.0.2.1"),
            (&["10.0.0.4, 10.0.0.3"], "10.0.0.4"),
            (&["192.0.2.1, unknown, 10.0.0.3"], "10.0.0.3"),
            (&["unknown"], "10.0.0.1"),
            (&[""], "10.0.0.1"),
            (&["192.0.2.1:4711"], "192.0.2.1"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
        ] {
            let headers: Vec<_> = lists.iter().map(|list| ("x-forwarded-for", *list)).collect();
            assert_eq!(client_of(&front, "10.0.0.1", &headers).0, address, "{lists:?}");
        }
    }
}
