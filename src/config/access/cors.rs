//! `--cors-allow-origins`: any origin, or a list of origins as browsers write them.

use url::{Origin, Url};

use crate::config::{ConfigError, RawOption};

/// `--cors-allow-origins`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    /// `*`: any origin, never with credentials.
    Any,
    /// These origins, compared exactly.
    Listed(Vec<String>),
}

/// Returns the allowed origins. An empty list means any, and so does `*` among others.
pub(crate) fn origins(given: &[RawOption]) -> Result<CorsOrigins, ConfigError> {
    let origins = given.iter().map(origin).collect::<Result<Vec<_>, _>>()?;
    if origins.is_empty() || origins.iter().any(|origin| origin == "*") {
        return Ok(CorsOrigins::Any);
    }
    Ok(CorsOrigins::Listed(origins))
}

/// Returns the origin as a browser sends it, in lower case and without a default port, since origins are compared
/// exactly.
fn origin(given: &RawOption) -> Result<String, ConfigError> {
    let text = given.value.trim();
    if text == "*" {
        return Ok(text.to_owned());
    }
    let refused = || {
        let help = "is not an origin; write it as in https://app.example.com or http://localhost:3000, without a path, \
                    or * for any";
        given.error(format_args!("\"{text}\" {help}"))
    };
    let (_, authority) = text.split_once("://").ok_or_else(refused)?;
    if authority.contains(['/', '?', '#', '@', '*', '\\']) || authority.contains(char::is_whitespace) {
        return Err(refused());
    }
    let url = Url::parse(text).map_err(|_| refused())?;
    match url.origin() {
        origin @ Origin::Tuple(..) => Ok(origin.ascii_serialization()),
        // Browser extensions and app shells have schemes of their own, such as capacitor://localhost.
        Origin::Opaque(_) if url.has_host() => Ok(text.to_owned()),
        Origin::Opaque(_) => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::{CorsOrigins, RawOption, origins};

    fn parse(values: &[&str]) -> Result<CorsOrigins, String> {
        let given = |value: &&str| RawOption {
            value: (*value).to_owned(),
            origin: "--cors-allow-origins".to_owned(),
        };
        origins(&values.iter().map(given).collect::<Vec<_>>()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_star_anywhere_means_any_and_so_does_nothing() {
        for values in [&[][..], &["*"], &["https://a.example", "*"]] {
            assert_eq!(parse(values), Ok(CorsOrigins::Any), "{values:?}");
        }
    }

    #[test]
    fn origins_are_spelled_as_browsers_send_them() {
        let given = [
            "https://App.example.com:443",
            "http://localhost:3000",
            "capacitor://localhost",
            "http://[::1]:80",
        ];
        let sent =
            ["https://app.example.com", "http://localhost:3000", "capacitor://localhost", "http://[::1]"];
        assert_eq!(parse(&given), Ok(CorsOrigins::Listed(sent.map(str::to_owned).into())));
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for value in [
            "",
            "app.example.com",
            "https://a.example/",
            "https://*.a.example",
            "https://",
            "null",
            "https://u@a",
        ] {
            assert!(parse(&[value]).is_err(), "{value}");
        }
    }
}
