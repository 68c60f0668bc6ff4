//! What kind of network an IP address belongs to.
//!
//! Invariant: [`AddressKind::Public`] is a list of what is known to be global; all that is not known is refused.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use url::{Host, Url};

use crate::config::is_loopback_host;

/// The kind of network that an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressKind {
    /// The internet.
    Public,
    /// A network of ours: private (RFC 1918, RFC 4193) or shared (RFC 6598) addresses.
    Private,
    /// This machine.
    Loopback,
    /// No server to log in to: link-local and multicast addresses, metadata services of clouds, ranges of
    /// special use (RFC 6890).
    Special,
}

impl AddressKind {
    /// The kind of the host of `url`, if that can be read without looking up a name: `localhost` is loopback (RFC 6761
    /// section 6.3).
    pub(crate) fn written_in(url: &Url) -> Option<Self> {
        match url.host()? {
            Host::Ipv4(address) => Some(of_v4(address)),
            Host::Ipv6(address) => Some(of_v6(address)),
            name @ Host::Domain(_) => is_loopback_host(&name).then_some(Self::Loopback),
        }
    }

    pub(crate) fn is_public(self) -> bool {
        self == Self::Public
    }

    /// Whether it is inside: on this machine or a network of ours.
    pub(crate) fn is_local(self) -> bool {
        matches!(self, Self::Private | Self::Loopback)
    }

    pub(crate) fn is_ordinary(self) -> bool {
        self != Self::Special
    }
}

impl From<IpAddr> for AddressKind {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "a public address",
            Self::Private => "a private address",
            Self::Loopback => "a loopback address",
            Self::Special => "an address of special use",
        })
    }
}

fn of_v4(address: Ipv4Addr) -> AddressKind {
    match address.octets() {
        // Metadata services in ranges that are otherwise in use: Alibaba's, and Azure's wire server.
        [100, 100, 100, 200] | [168, 63, 129, 16] => AddressKind::Special,
        [127, ..] => AddressKind::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => AddressKind::Private,
        // This network, link-local, IETF protocols, documentation, 6to4 relays, benchmarks, multicast, reserved.
        [0, ..] | [169, 254, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => {
            AddressKind::Special
        }
        [198, 51, 100, _] | [203, 0, 113, _] | [224..=255, ..] => AddressKind::Special,
        _ => AddressKind::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> AddressKind {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressKind::Loopback,
        // The metadata service of Amazon.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => AddressKind::Special,
        [0xfc00..=0xfdff, ..] => AddressKind::Private,
        // IPv4 addresses, mapped or behind NAT64 (RFC 6052). On a network with NAT64, public addresses look like this.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            match of_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))) {
                AddressKind::Public => AddressKind::Public,
                _ => AddressKind::Special,
            }
        }
        // IETF protocols with Teredo, documentation, 6to4.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => AddressKind::Special,
        // What is assigned for global unicast.
        [0x2000..=0x3fff, ..] => AddressKind::Public,
        _ => AddressKind::Special,
    }
}

#[cfg(test)]
mod tests {
    use super::AddressKind::*;
    use super::*;

    #[test]
    fn tells_the_kinds_apart() {
        let table = [
            (Public, "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0"),
            (
                Public,
                "169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.1 192.167.255.255 192.169.0.0",
            ),
            (Public, "198.17.255.255 198.20.0.0 223.255.255.255"),
            (Public, "2606:4700::1111 2001:200::1 2a00:1450::1 2001:db7::1 2001:db9::1"),
            (Public, "::ffff:1.1.1.1 64:ff9b::1.1.1.1"),
            (
                Private,
                "10.0.0.0 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 100.64.0.0 100.127.255.255",
            ),
            (Private, "fc00::1 fd12:3456::1 fdff:ffff::1"),
            (Loopback, "127.0.0.1 127.255.255.254 ::1"),
            (Special, "169.254.169.254 169.254.0.1 100.100.100.200 168.63.129.16 192.0.0.192 fd00:ec2::254"),
            (
                Special,
                "0.0.0.0 0.1.2.3 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9",
            ),
            (Special, "224.0.0.1 239.1.2.3 240.0.0.1 255.255.255.255"),
            (
                Special,
                ":: fe80::1 febf::1 fec0::1 ff02::1 2001:db8::1 2002:7f00:1:: 2001::1 2001:1ff::1 3fff::1",
            ),
            (
                Special,
                "::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::10.0.0.1",
            ),
            (
                Special,
                "64:ff9b::169.254.169.254 64:ff9b::127.0.0.1 64:ff9b:1::1.1.1.1 100::1 4000::1 1fff::1",
            ),
        ];
        for (kind, addresses) in table {
            for address in addresses.split(' ') {
                assert_eq!(AddressKind::from(address.parse::<IpAddr>().unwrap()), kind, "{address}");
            }
        }
    }

    #[test]
    fn reads_addresses_however_they_are_written() {
        let table = [
            ("http://0x7f.1/", Some(Loopback)),
            ("http://2130706433/", Some(Loopback)),
            ("https://[::1]:8443/x", Some(Loopback)),
            ("https://LocalHost./", Some(Loopback)),
            ("https://a.localhost", Some(Loopback)),
            ("http://0251.0376.169.254/", Some(Special)),
            ("https://[::ffff:a00:1]", Some(Special)),
            ("https://192.168.257", Some(Private)),
            ("https://notlocalhost", None),
            ("https://127.0.0.1.example.com", None),
            ("data:,x", None),
        ];
        for (url, kind) in table {
            assert_eq!(AddressKind::written_in(&Url::parse(url).unwrap()), kind, "{url}");
        }
    }
}
