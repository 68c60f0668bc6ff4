//! `--jwt-issuer` and `--jwt-audience`: which tokens callers may use.

use std::time::Duration;

use url::Url;

use crate::config::{ConfigError, Options, RawOption, http_url};

/// The allowed difference between the clocks of the issuer and of this machine.
const LEEWAY: Duration = Duration::from_secs(60);

/// Which JSON Web Tokens (RFC 7519) are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwt {
    /// The issuer of accepted tokens.
    pub issuer: IssuerIdentifier,
    /// `aud` must have one of these; never empty.
    pub audiences: Vec<String>,
    /// The allowed clock difference.
    pub leeway: Duration,
}

/// An issuer identifier (RFC 8414 section 2): an https URL without query and fragment, or http on this machine.
///
/// Identifiers are compared character by character (RFC 8414 section 3.3), so the text is kept as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerIdentifier {
    text: String,
    url: Url,
}

impl IssuerIdentifier {
    /// Reads an identifier.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it and what to do.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim().to_owned();
        let url = http_url::parse(&text)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("holds a user name or a password; an issuer has none, so remove them".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("holds a query or a fragment; an issuer has none, so remove it".to_owned());
        }
        let issuer = Self { text, url };
        if !issuer.may_refer_to(&issuer.url) {
            return Err(
                "an issuer beyond this machine needs https: its keys would come unprotected".to_owned()
            );
        }
        Ok(issuer)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same as a URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the issuer's keys may come from `url`: over https, or over http if both are on this machine.
    pub fn may_refer_to(&self, url: &Url) -> bool {
        let plain = |url: &Url| url.scheme() == "http" && http_url::is_loopback(url);
        url.scheme() == "https" || (plain(&self.url) && plain(url))
    }
}

impl Jwt {
    /// Tokens of `issuer` for any of `audiences`, which must not be empty.
    pub fn new(issuer: IssuerIdentifier, audiences: Vec<String>) -> Self {
        Self { issuer, audiences, leeway: LEEWAY }
    }

    /// Parses the two options, which need each other.
    pub(crate) fn parse(options: &Options) -> Result<Option<Self>, ConfigError> {
        match (&options.jwt_issuer, options.jwt_audience.as_slice()) {
            (None, []) => Ok(None),
            (Some(issuer), []) => Err(issuer.error(
                "not every token of an issuer is meant for this gateway; say with --jwt-audience which ones are",
            )),
            (None, [audience, ..]) => {
                Err(audience.error("an audience needs its issuer; give --jwt-issuer as well"))
            }
            (Some(given), audiences) => {
                let issuer = IssuerIdentifier::parse(&given.value).map_err(|error| given.error(error))?;
                Ok(Some(Self::new(issuer, audiences.iter().map(audience).collect::<Result<_, _>>()?)))
            }
        }
    }
}

fn audience(given: &RawOption) -> Result<String, ConfigError> {
    match given.value.trim() {
        "" => Err(given.error("is empty; write what the tokens have as \"aud\"")),
        audience => Ok(audience.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_stays_as_it_was_written() {
        for text in [
            "https://Id.example.com",
            "https://id.example.com/",
            "https://id.example.com:443/realms/a",
            "http://127.0.0.1:8080/realms/a/",
            "http://localhost:8080",
            "http://[::1]:1",
        ] {
            assert_eq!(IssuerIdentifier::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(IssuerIdentifier::parse(" https://a ").unwrap().as_str(), "https://a");
    }

    #[test]
    fn keys_come_over_https_or_stay_on_this_machine() {
        let may = |issuer: &str, url: &str| {
            IssuerIdentifier::parse(issuer).unwrap().may_refer_to(&Url::parse(url).unwrap())
        };
        for url in ["https://keys.example.net/jwks", "https://127.0.0.1/"] {
            assert!(may("https://id.example.com", url) && may("http://localhost", url), "{url}");
        }
        for url in ["http://localhost:8/jwks", "http://127.0.0.1/jwks"] {
            assert!(!may("https://id.example.com", url) && may("http://localhost", url), "{url}");
        }
        for url in ["http://id.example.com/jwks", "file:///etc/passwd", "ftp://localhost/"] {
            assert!(!may("https://id.example.com", url) && !may("http://localhost", url), "{url}");
        }
    }
}
