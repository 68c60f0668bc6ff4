//! The host names that the gateway accepts.
//!
//! Invariant: a gateway that only listens on loopback addresses only accepts names of this machine and the host of its
//! public URL.

use actix_web::http::Uri;
use url::{Host, Url};

use crate::config::is_loopback_host;

/// The host names that the gateway accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// Any name, because a gateway on a network does not know its own names.
    Any,
    /// Names of this machine, and the host of the public URL.
    Local(Option<Host>),
}

impl Hosts {
    /// The names for a gateway that only listens on loopback addresses.
    pub fn local(public_url: Option<&Url>) -> Self {
        Self::Local(public_url.and_then(Url::host).map(|host| host.to_owned()))
    }

    pub(super) fn admit(&self, authority: &str) -> bool {
        let Self::Local(public) = self else { return true };
        match host(authority) {
            Some(host) if is_loopback_host(&host) => true,
            found => found.is_some() && found == *public,
        }
    }
}

/// Returns the host of `host:port`.
fn host(authority: &str) -> Option<Host> {
    let uri: Uri = authority.parse().ok()?;
    // Parsed as browsers do, so that an oddly spelled address does not count as a name.
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
