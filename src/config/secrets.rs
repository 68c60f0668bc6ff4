//! The secrets of a configuration, so that no text of a server shows them.
//!
//! Values of headers count whatever their names are, and so do user names, passwords and queries of URLs. In variables and
//! parameters the name tells.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderName;
use percent_encoding::percent_decode_str;
use url::{Url, form_urlencoded};

use super::{ClientCredential, Config, Environment, OAuth, Server, Stdio, Upstream};
use crate::secret::{ExposeSecret as _, KnownSecrets, SHORTEST, is_telling};

/// The variables of the headers that the trace collector gets.
pub(super) const OTLP_HEADERS: [&str; 2] =
    ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"];
/// A value whose name tells nothing is a secret if it is at least this long: `true` and `1` are none.
const LONG: usize = 8;
/// What stands before a credential (RFC 9110 section 11.4), also in headers whose names tell nothing.
const SCHEMES: [&str; 5] = ["apikey", "basic", "bearer", "digest", "token"];
/// The headers whose values tell nothing.
const PUBLIC_HEADERS: [&str; 11] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-type",
    "host",
    "mcp-protocol-version",
    "origin",
    "referer",
    "user-agent",
];

/// Returns the secrets of one server.
pub(super) fn of_server(server: &Server) -> KnownSecrets {
    let mut found = SecretFinder::default();
    found.server(server);
    KnownSecrets::of(found.0)
}

/// Returns the secrets of `config` beside those of its servers. `variables` are those that it takes secrets from, and
/// `environment` has them. Of these the name tells: a URL is made of hosts and paths, too.
pub(super) fn of(config: &Config, variables: &[String], environment: &Environment) -> KnownSecrets {
    let mut found = SecretFinder::default();
    for (name, value) in variables.iter().filter_map(|name| Some((name, environment.get(name)?))) {
        found.named(name, value, usize::MAX);
    }
    // Programs inherit them.
    for (name, value) in environment.iter() {
        found.named(name, value, usize::MAX);
    }
    for headers in OTLP_HEADERS.iter().filter_map(|name| environment.get(name)) {
        for (name, value) in headers.split(',').filter_map(|header| header.split_once('=')) {
            found.header(name.trim(), &percent_decode_str(value.trim()).decode_utf8_lossy());
        }
    }
    config.otlp_endpoint.iter().chain(config.proxy.urls()).for_each(|url| found.url(url));
    found.0.extend(config.logins.token_key.iter().map(|key| key.expose_secret().to_owned()));
    KnownSecrets::of(found.0)
}

#[derive(Default)]
struct SecretFinder(Vec<String>);

impl SecretFinder {
    fn server(&mut self, server: &Server) {
        match &server.upstream {
            Upstream::Stdio(stdio) => self.program(stdio),
            Upstream::Http(remote) | Upstream::Sse(remote) | Upstream::Probe(remote) => {
                self.url(&remote.url);
                for (name, value) in &remote.headers {
                    self.header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
                }
            }
        }
        if let Some(oauth) = &server.oauth {
            self.oauth(oauth);
        }
    }

    fn program(&mut self, stdio: &Stdio) {
        for (name, value) in stdio.shared.iter().chain(&stdio.env) {
            self.named(name, value.expose_secret(), usize::MAX);
        }
        let following = stdio.args.iter().skip(1).map(Some).chain([None]);
        for (arg, next) in stdio.args.iter().zip(following) {
            // A URL may be a whole argument, whatever is in it.
            self.named("", arg, usize::MAX);
            // As mcp-remote takes headers.
            if let Some((name, value)) = arg.split_once(':')
                && HeaderName::from_bytes(name.as_bytes()).is_ok_and(|name| is_telling(name.as_str()))
            {
                self.header(name, value.trim());
            }
            match (arg.split_once('='), next) {
                (Some((name, value)), _) if !name.contains("://") => self.named(name, value, usize::MAX),
                (None, Some(value)) if arg.starts_with('-') && !value.starts_with('-') => {
                    self.named(arg, value, usize::MAX);
                }
                _ => {}
            }
        }
    }

    fn oauth(&mut self, oauth: &OAuth) {
        if let Some(ClientCredential::Secret(secret)) = oauth.client.as_ref().map(|client| &client.credential)
        {
            self.telling(secret.expose_secret());
        }
        for (name, value) in oauth.token_params.iter().chain(&oauth.authorization_params) {
            self.named(name, value, usize::MAX);
        }
        oauth.server_url.iter().for_each(|url| self.url(url));
    }

    /// Takes the value of a header: the credential alone if it has a scheme (RFC 9110 section 11.4), and each value of a
    /// list of pairs, as in `Cookie`.
    pub(super) fn header(&mut self, name: &str, value: &str) {
        if PUBLIC_HEADERS.iter().any(|public| public.eq_ignore_ascii_case(name)) {
            return;
        }
        match value.split_once(' ') {
            Some((scheme, credential))
                if credential.len() >= SHORTEST
                    && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
                    && (is_telling(name)
                        || SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme))) =>
            {
                self.telling(credential);
                let pair =
                    STANDARD.decode(credential.trim()).ok().and_then(|pair| String::from_utf8(pair).ok());
                if let Some(pair) = pair.filter(|_| scheme.eq_ignore_ascii_case("basic")) {
                    self.pair(&pair);
                }
            }
            _ => self.named(name, value, LONG),
        }
        for (name, value) in value.split([';', ',']).filter_map(|part| part.split_once('=')) {
            self.named(name, value.trim().trim_matches('"'), LONG);
        }
    }

    /// Takes the credentials and the query of a URL, and what is random in its path: some addresses are secret as a whole.
    fn url(&mut self, url: &Url) {
        match url.password() {
            Some(password) => {
                let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
                self.pair(&format!("{}:{}", decoded(url.username()), decoded(password)));
                self.telling(password);
            }
            None => self.telling(url.username()),
        }
        self.0.extend(url.path().split('/').filter(|segment| is_random(segment)).map(str::to_owned));
        let Some(query) = url.query() else { return };
        // As it stands there, and as it is meant.
        for (name, value) in query.split('&').map(|pair| pair.split_once('=').unwrap_or(("", pair))) {
            self.named(name, value, LONG);
        }
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            self.named(&name, &value, LONG);
        }
    }

    /// Takes a user name and a password.
    fn pair(&mut self, pair: &str) {
        self.telling(pair);
        if let Some((_, password)) = pair.split_once(':') {
            self.telling(password);
        }
    }

    /// Takes a value if its name tells that it is secret, or if it has `long` bytes; in a URL, its password.
    fn named(&mut self, name: &str, value: &str, long: usize) {
        let url = value.contains("://").then(|| Url::parse(value).ok()).flatten();
        match url {
            // An address is no secret as a whole, and much of it is in many texts.
            Some(url) if !is_telling(name) => {
                if let Some(password) = url.password() {
                    self.telling(password);
                }
                for (name, value) in url.query_pairs().filter(|(_, value)| !value.contains("://")) {
                    self.named(&name, &value, LONG);
                }
            }
            Some(url) => {
                self.telling(value);
                self.url(&url);
            }
            None if is_telling(name) => self.telling(value),
            // Nor is a path.
            None if value.starts_with('/') && value.len() >= long => {
                self.0.extend(value.split('/').filter(|segment| is_random(segment)).map(str::to_owned));
            }
            None if value.len() >= long => self.telling(value),
            None => {}
        }
    }

    fn telling(&mut self, value: &str) {
        if value.len() >= SHORTEST {
            self.0.push(value.to_owned());
        }
    }
}

/// Whether a segment of a path is as long and mixed as no name is.
fn is_random(segment: &str) -> bool {
    const LEAST: usize = 20;
    const LEAST_DIGITS: usize = 2;
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let letters = segment.bytes().filter(u8::is_ascii_alphabetic).count();
    segment.len() >= LEAST && digits >= LEAST_DIGITS && letters > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(take: impl FnOnce(&mut SecretFinder)) -> Vec<String> {
        let mut found = SecretFinder::default();
        take(&mut found);
        found.0.sort();
        found.0.dedup();
        found.0
    }

    #[test]
    fn a_header_is_secret_whatever_its_name() {
        for (name, value, secrets) in [
            ("Authorization", "Bearer abcdef", &["abcdef"][..]),
            (
                "Authorization",
                "Basic dXNlcjpwYXNzd29yZA==",
                &["dXNlcjpwYXNzd29yZA==", "password", "user:password"],
            ),
            ("Authorization", "Bearer x", &["Bearer x"]),
            ("X-Key", "sesame", &["sesame"]),
            ("X-Whatever", "sesame", &[]),
            ("X-Whatever", "open-sesame", &["open-sesame"]),
            ("Cookie", "sid=0123456789; theme=dark", &["0123456789", "sid=0123456789; theme=dark"]),
            ("Content-Type", "application/json", &[]),
            ("X-Debug", "true", &[]),
            ("X-Title", "MCP Server", &["MCP Server"]),
            ("X-Upstream", "token abcdef", &["abcdef"]),
        ] {
            assert_eq!(found(|found| found.header(name, value)), secrets, "{name}: {value}");
        }
    }

    #[test]
    fn a_url_has_credentials_and_a_query() {
        for (url, secrets) in [
            ("http://h/mcp", &[][..]),
            ("http://user:pass%2Fword@h/", &["pass%2Fword", "pass/word", "user:pass/word"]),
            ("http://a-token@h/", &["a-token"]),
            ("http://h/?key=sesame&page=2&x=0%2B23456789", &["0%2B23456789", "0+23456789", "sesame"]),
            ("http://h/?open-sesame", &["open-sesame"]),
            ("http://h/api/s/NGM1ZDA3YjUtZTU4/mcp", &[]),
            ("http://h/api/s/NGM1ZDA3YjUtZTU4NGM1ZDA3/mcp", &["NGM1ZDA3YjUtZTU4NGM1ZDA3"]),
        ] {
            let url = Url::parse(url).expect("a URL");
            assert_eq!(found(|found| found.url(&url)), secrets, "{url}");
        }
    }

    #[test]
    fn arguments_are_secret_where_their_names_tell() {
        let random = "/tmp/folder-0123456789abcdef/files";
        let json = r#"{"name": "read", "inputSchema": {"type": "object"}}"#;
        for (args, secrets) in [
            (&["--token", "sesame"][..], &["sesame"][..]),
            (&["--token=sesame", "--no-auth", "--verbose"], &["sesame"]),
            (&["postgresql://u:pass%2Fw@h/db?sslmode=require"], &["pass%2Fw"]),
            (&["--header", "Authorization: Bearer sesame"], &["sesame"]),
            (&["--header", "Authorization:Bearer sesame"], &["sesame"]),
            (&["--tool", json, "Note: read this", random, "--folder", random], &[]),
        ] {
            let args: Vec<_> = args.iter().map(|&arg| arg.to_owned()).collect();
            let stdio = Stdio::new("program".into(), args.clone());
            assert_eq!(found(|found| found.program(&stdio)), secrets, "{args:?}");
        }
    }
}
