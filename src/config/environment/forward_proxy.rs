//! The forward proxy of mcpo's own requests, from the variables that curl and Python read: `http_proxy`, `https_proxy`,
//! `all_proxy` and `no_proxy`, in lower or upper case; lower case wins.
//!
//! Invariant: a request that nothing exempts never bypasses the proxy.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use crate::config::{ConfigError, Environment};

/// The schemes that reqwest supports.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// Which requests use which proxy. The URLs may hold a password.
#[derive(Clone, Default, PartialEq)]
pub struct ForwardProxy {
    http: Option<Url>,
    https: Option<Url>,
    exempt: Vec<Exemption>,
}

/// One entry of `no_proxy`.
#[derive(Clone, PartialEq)]
struct Exemption {
    hosts: ExemptHosts,
    /// `None` is any port.
    port: Option<u16>,
}

#[derive(Clone, PartialEq)]
enum ExemptHosts {
    All,
    /// One address, or a network.
    Network(IpNet),
    /// A name in lower case, and all names below it.
    Domain(String),
}

impl ForwardProxy {
    /// Reads the proxy from `environment`.
    ///
    /// # Errors
    ///
    /// A variable is not the URL of a proxy.
    pub(crate) fn parse(environment: &Environment) -> Result<Self, ConfigError> {
        let all = proxy(environment, "ALL_PROXY")?;
        Ok(Self {
            http: proxy(environment, "HTTP_PROXY")?.or_else(|| all.clone()),
            https: proxy(environment, "HTTPS_PROXY")?.or(all),
            exempt: variable(environment, "NO_PROXY").map_or_else(Vec::new, |(_, list)| exemptions(list)),
        })
    }

    /// The proxy for a request to this URL; `None` if the request goes directly.
    pub fn of(&self, url: &Url) -> Option<&Url> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.exempt.iter().any(|exemption| exemption.covers(url)))
    }

    /// The URLs of the proxies.
    pub(crate) fn urls(&self) -> impl Iterator<Item = &Url> {
        [&self.http, &self.https].into_iter().flatten()
    }

    /// Whether a proxy is on the host of this name.
    pub fn is_on(&self, name: &str) -> bool {
        let hosts = [&self.http, &self.https].into_iter().flatten().filter_map(Url::host_str);
        hosts.into_iter().any(|host| host.eq_ignore_ascii_case(name))
    }
}

impl std::fmt::Debug for ForwardProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ForwardProxy")
    }
}

/// Returns a variable in either case, with the name that was found.
fn variable<'e>(environment: &'e Environment, name: &str) -> Option<(String, &'e str)> {
    let lower = name.to_lowercase();
    let found = [lower.as_str(), name].into_iter().find_map(|name| Some((name, environment.get(name)?)));
    found.map(|(name, value)| (name.to_owned(), value.trim())).filter(|(_, value)| !value.is_empty())
}

fn proxy(environment: &Environment, name: &str) -> Result<Option<Url>, ConfigError> {
    let Some((name, value)) = variable(environment, name) else { return Ok(None) };
    let whole = match value.split_once("://") {
        // Desktops write it so, and mean the version of today.
        Some(("socks", rest)) => format!("socks5://{rest}"),
        Some(_) => value.to_owned(),
        None => format!("http://{value}"),
    };
    let url = Url::parse(&whole).ok().filter(|url| SCHEMES.contains(&url.scheme()) && url.has_host());
    url.map(Some).ok_or_else(|| {
        // It may hold a password, so it is not shown.
        ConfigError::at(name, "not the URL of a proxy; write it as in http://proxy.example.com:3128")
    })
}

fn exemptions(list: &str) -> Vec<Exemption> {
    let entries = list.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
    entries.map(Exemption::parse).collect()
}

impl Exemption {
    /// `*`, a name, an address or a network; one with a port is for that port alone.
    fn parse(entry: &str) -> Self {
        let entry = entry.split_once("://").map_or(entry, |(_, entry)| entry);
        if let Some(network) = network(entry) {
            return Self { hosts: ExemptHosts::Network(network), port: None };
        }
        let port = entry.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = port.map_or((entry, None), |(host, port)| (host, Some(port)));
        let hosts = match network(host) {
            Some(network) => ExemptHosts::Network(network),
            None if host == "*" => ExemptHosts::All,
            None => ExemptHosts::Domain(domain(host.trim_start_matches('*').trim_start_matches('.'))),
        };
        Self { hosts, port }
    }

    fn covers(&self, url: &Url) -> bool {
        let here = match (&self.hosts, url.host()) {
            (ExemptHosts::All, _) => true,
            (ExemptHosts::Network(network), Some(Host::Ipv4(address))) => {
                network.contains(&IpAddr::V4(address))
            }
            (ExemptHosts::Network(network), Some(Host::Ipv6(address))) => {
                network.contains(&IpAddr::V6(address).to_canonical())
                    || network.contains(&IpAddr::V6(address))
            }
            (ExemptHosts::Domain(domain), Some(Host::Domain(host))) => is_below(host, domain),
            _ => false,
        };
        here && self.port.is_none_or(|port| url.port_or_known_default() == Some(port))
    }
}

/// An address, in brackets or not, or a network.
fn network(text: &str) -> Option<IpNet> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.parse().ok().or_else(|| bare.parse::<IpAddr>().ok().map(IpNet::from))
}

/// A name as URLs have it.
fn domain(name: &str) -> String {
    let name = name.trim_end_matches('.');
    Host::parse(name).map_or_else(|_| name.to_lowercase(), |host| host.to_string())
}

/// Whether `host` is `domain` or a name below it.
fn is_below(host: &str, domain: &str) -> bool {
    let above = host.trim_end_matches('.').strip_suffix(domain);
    !domain.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let proxy =
            ForwardProxy::parse(&Environment::of(variables)).unwrap_or_else(|error| panic!("{error}"));
        proxy.of(&Url::parse(url).expect("a URL")).map(ToString::to_string)
    }

    #[test]
    fn no_proxy_exempts_names_addresses_networks_and_ports() {
        for (list, url, exempt) in [
            ("*", "http://127.0.0.1:1/", true),
            ("*", "http://[::1]/", true),
            ("*", "https://example.com/", true),
            (" a.test , * ", "http://10.0.0.1/", true),
            ("example.com", "http://example.com:81/", true),
            ("example.com", "http://mcp.EXAMPLE.com/", true),
            (".example.com", "http://mcp.example.com/", true),
            (".example.com", "http://example.com/", true),
            ("*.example.com", "http://mcp.example.com/", true),
            ("Example.COM.", "http://example.com./", true),
            ("bücher.example", "http://xn--bcher-kva.example/", true),
            ("example.com", "http://notexample.com/", false),
            ("example.com", "http://example.com.evil.test/", false),
            ("example.com:8080", "http://example.com:8080/", true),
            ("example.com:8080", "http://example.com/", false),
            ("example.com:443", "https://example.com/", true),
            ("http://example.com", "http://example.com/", true),
            ("a.test b.test", "http://b.test/", true),
            ("127.0.0.1", "http://127.0.0.1:9/", true),
            ("127.0.0.1:9", "http://127.0.0.1:9/", true),
            ("127.0.0.1:8", "http://127.0.0.1:9/", false),
            ("127.0.0.0/8,10.0.0.0/8", "http://10.1.2.3/", true),
            ("10.0.0.0/8", "http://11.1.2.3/", false),
            ("0.1", "http://10.0.0.1/", false),
            ("::1", "http://[::1]:9/", true),
            ("[::1]", "http://[::1]:9/", true),
            ("[::1]:9", "http://[::1]:9/", true),
            ("[::1]:8", "http://[::1]:9/", false),
            ("fd00::/8", "http://[fd12::1]/", true),
            ("10.0.0.0/8", "http://[::ffff:10.0.0.1]/", true),
            (",, .", "http://example.com/", false),
            ("", "http://example.com/", false),
        ] {
            let found = of(&[("ALL_PROXY", "http://p:1"), ("NO_PROXY", list)], url);
            assert_eq!(found.is_none(), exempt, "{list} {url}");
        }
    }

    #[test]
    fn each_scheme_has_its_variable_and_lower_case_counts_first() {
        let (http, https) = ("http://h.test/", "https://h.test/");
        for (variables, url, expected) in [
            (&[("HTTP_PROXY", "http://p:1")][..], http, Some("http://p:1/")),
            (&[("HTTP_PROXY", "http://p:1")], https, None),
            (&[("https_proxy", "p:1")], https, Some("http://p:1/")),
            (&[("http_proxy", "127.0.0.1:3128")], http, Some("http://127.0.0.1:3128/")),
            (&[("ALL_PROXY", "http://all"), ("HTTP_PROXY", "http://p")], http, Some("http://p/")),
            (&[("ALL_PROXY", "http://all"), ("HTTP_PROXY", "http://p")], https, Some("http://all/")),
            (&[("http_proxy", "http://low"), ("HTTP_PROXY", "http://up")], http, Some("http://low/")),
            (&[("http_proxy", " "), ("HTTP_PROXY", "http://up")], http, None),
            (&[("HTTP_PROXY", "http://p"), ("no_proxy", "h.test"), ("NO_PROXY", "")], http, None),
            (&[("all_proxy", "socks://p:1080")], http, Some("socks5://p:1080")),
        ] {
            assert_eq!(of(variables, url).as_deref(), expected, "{variables:?} {url}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_and_not_shown() {
        for value in ["ftp://user:hunter2@p", "http://", "http://user:hunter2@p:port"] {
            let error = ForwardProxy::parse(&Environment::of(&[("https_proxy", value)])).expect_err(value);
            assert!(error.to_string().starts_with("https_proxy: not the URL of a proxy"), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
