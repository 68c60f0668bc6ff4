//! URLs and headers of remote servers, checked where they enter. What is refused is never echoed: either may hold
//! a secret.

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// An `http` or `https` URL with a host.
pub(super) fn url(text: &str) -> Result<Url, String> {
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

/// Adds a header, its value marked sensitive.
pub(super) fn add_header(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), String> {
    let name: HeaderName = name
        .trim()
        .parse()
        .map_err(|_| "not a header name; use letters, digits and -, as in \"X-Api-Key\"".to_owned())?;
    let mut value: HeaderValue = value.trim_matches([' ', '\t']).parse().map_err(|_| {
        format!("the value of {name} holds a line break or another character that no header may")
    })?;
    value.set_sensitive(true);
    if headers.insert(&name, value).is_some() {
        return Err(format!("{name} is given twice (case does not count); keep one of the two"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{HeaderMap, add_header, url};

    #[test]
    fn a_url_is_http_or_https_with_a_host() {
        assert_eq!(
            url(" https://example.com/mcp ").as_ref().map(AsRef::as_ref),
            Ok("https://example.com/mcp")
        );
        assert!(url("HTTP://localhost:9000").is_ok());
        for bad in ["", "example.com/mcp", "localhost:8000", "ftp://example.com", "http://", "http://a:99999"]
        {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_header_is_trimmed_and_sensitive() {
        let mut headers = HeaderMap::new();
        add_header(&mut headers, "X-Token", " abc ").expect("valid");
        assert_eq!(headers["x-token"], "abc");
        assert!(headers["x-token"].is_sensitive());
    }

    #[test]
    fn a_refused_header_keeps_its_value_to_itself() {
        let mut headers = HeaderMap::new();
        add_header(&mut headers, "X-Token", "hunter2").expect("valid");
        for (name, value) in [("X-Token", "hunter2\n"), ("x-token", "hunter2"), ("X Token", "hunter2")] {
            let error = add_header(&mut headers, name, value).expect_err(name);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
