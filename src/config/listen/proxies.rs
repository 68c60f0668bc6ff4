//! `--trusted-proxy`: the reverse proxies whose `X-Forwarded-*` headers count.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::{ConfigError, RawOption};

/// The reverse proxies in front of mcpo, by their addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Parses the values of `--trusted-proxy`.
    ///
    /// # Errors
    ///
    /// A value is neither an address nor a network.
    pub fn parse(given: &[RawOption]) -> Result<Self, ConfigError> {
        given.iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    /// Whether `address` is one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

fn network(given: &RawOption) -> Result<IpNet, ConfigError> {
    let text = given.value.trim();
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| {
        given.error(format_args!(
            "\"{text}\" is not an address; write one such as 10.0.0.1, or a network such as 10.0.0.0/8"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(texts: &[&str]) -> Result<TrustedProxies, ConfigError> {
        let given =
            |text: &&str| RawOption { value: (*text).to_owned(), origin: "--trusted-proxy".to_owned() };
        TrustedProxies::parse(&texts.iter().map(given).collect::<Vec<_>>())
    }

    #[test]
    fn addresses_and_networks_are_trusted() {
        let proxies = proxies(&["10.0.0.0/8", " 192.0.2.1", "2001:db8::/32"]).expect("good");
        let trusts = |address: &str| proxies.contain(address.parse().expect("an address"));
        for trusted in ["10.1.2.3", "192.0.2.1", "::ffff:10.1.2.3", "2001:db8::1"] {
            assert!(trusts(trusted), "{trusted}");
        }
        for stranger in ["11.0.0.1", "192.0.2.2", "2001:db9::1", "127.0.0.1"] {
            assert!(!trusts(stranger), "{stranger}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "proxy.example", "10.0.0.0/33", "10.0.0.1:80", "*"] {
            assert!(proxies(&[text]).is_err(), "{text}");
        }
    }
}
