//! URLs over HTTP, checked where they enter. A URL that is refused is never repeated: it may hold a secret.

use url::{Host, Url};

/// An `http` or `https` URL with a host.
pub(crate) fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => {
            "not a whole URL; write it as in \"https://example.com/mcp\"".to_owned()
        }
        error => format!("not a valid URL: {error}"),
    })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(format!("the URL's scheme is \"{scheme}\"; use http or https")),
    }
}

/// Whether the URL's host is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host().is_some_and(|host| is_loopback_host(&host))
}

/// Whether a host is this machine, by its address or by a name that never leaves it (RFC 6761 section 6.3).
pub fn is_loopback_host<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.as_ref().strip_suffix('.').unwrap_or(name.as_ref());
            name == "localhost" || name.ends_with(".localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_url_is_http_or_https_with_a_host() {
        assert_eq!(
            parse(" https://example.com/mcp ").as_ref().map(AsRef::as_ref),
            Ok("https://example.com/mcp")
        );
        assert!(parse("HTTP://localhost:9000").is_ok());
        for bad in ["", "example.com/mcp", "localhost:8000", "ftp://example.com", "http://", "http://a:99999"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
