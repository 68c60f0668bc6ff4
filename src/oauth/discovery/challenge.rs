//! What a resource server asks for with 401 and 403: its `WWW-Authenticate` headers (RFC 9110 section 11.6.1) as far
//! as OAuth gives them meaning (RFC 6750 section 3, RFC 9728 section 5.1).
//!
//! The reader is lenient, as servers forget commas and quotes: what it cannot read it skips. It takes time linear in
//! the text.

use std::net::IpAddr;

use http::{HeaderMap, header::WWW_AUTHENTICATE};
use url::Url;

use crate::{oauth::scopes::Scopes, secret::redact};

/// The parameters of a Bearer challenge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Challenge {
    /// `resource_metadata`: where the protected resource metadata is.
    pub resource_metadata: Option<Url>,
    /// `scope`: what the refused request needs; never empty.
    pub scopes: Option<Scopes>,
    /// `error`, fit for a message.
    pub error: Option<String>,
    /// `error_description`, fit for a message.
    pub description: Option<String>,
    /// The address that the answer came from: what it names is judged by that.
    pub peer: Option<IpAddr>,
}

impl Challenge {
    /// A challenge without parameters, from the address `peer`.
    pub fn from_peer(peer: Option<IpAddr>) -> Self {
        Self { peer, ..Self::default() }
    }

    /// Reads all `WWW-Authenticate` headers of an answer that came from `asked`, at the address `peer`. Returns `None`
    /// if none of them holds a Bearer challenge.
    ///
    /// A DPoP challenge (RFC 9449 section 7.1) carries the same parameters and counts too. Bearer's come first, and
    /// what one challenge lacks is taken from the next.
    pub fn of(headers: &HeaderMap, asked: &Url, peer: Option<IpAddr>) -> Option<Self> {
        let texts: Vec<_> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        let all: Vec<_> = texts.iter().flat_map(|text| challenges(text)).collect();
        let of_scheme =
            |scheme| all.iter().filter(move |raw: &&Raw<'_>| raw.scheme.eq_ignore_ascii_case(scheme));
        let read = |raw| Self::read(raw, asked, peer);
        of_scheme("Bearer").chain(of_scheme("DPoP")).map(read).reduce(Self::or)
    }

    fn read(raw: &Raw<'_>, asked: &Url, peer: Option<IpAddr>) -> Self {
        let metadata = raw.parameter("resource_metadata").map(str::trim).filter(|url| !url.is_empty());
        Self {
            // Some servers do not know their own origin, and give a path.
            resource_metadata: metadata.and_then(|url| asked.join(url).ok()),
            scopes: raw.parameter("scope").map(Scopes::parse).filter(|scopes| !scopes.is_empty()),
            error: raw.parameter("error").and_then(line),
            description: raw.parameter("error_description").and_then(line),
            peer,
        }
    }

    /// Whether the token is good but its scopes do not suffice (RFC 6750 section 3.1).
    pub fn insufficient_scope(&self) -> bool {
        self.says("insufficient_scope")
    }

    /// Whether the token itself is said to be no good (RFC 6750 section 3.1).
    pub fn invalid_token(&self) -> bool {
        self.says("invalid_token")
    }

    fn says(&self, error: &str) -> bool {
        self.error.as_deref().is_some_and(|said| said.eq_ignore_ascii_case(error))
    }

    fn or(self, other: Self) -> Self {
        Self {
            resource_metadata: self.resource_metadata.or(other.resource_metadata),
            scopes: self.scopes.or(other.scopes),
            error: self.error.or(other.error),
            description: self.description.or(other.description),
            peer: self.peer,
        }
    }
}

/// Foreign text as a message may show it: one line of bounded length, without secrets.
pub(crate) fn line(text: &str) -> Option<String> {
    const SHOWN: usize = 300;
    // RFC 6750 section 3 allows no other characters.
    let text: String = redact(text).chars().filter(|c| matches!(c, ' '..='~')).take(SHOWN).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// One challenge as written.
struct Raw<'a> {
    scheme: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl Raw<'_> {
    /// The first parameter of this name: it must not be repeated, so a second one means nothing.
    fn parameter(&self, name: &str) -> Option<&str> {
        let named = self.parameters.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }
}

/// The challenges of one header.
fn challenges(text: &str) -> Vec<Raw<'_>> {
    let mut found: Vec<Raw<'_>> = Vec::new();
    let mut cursor = Cursor(text);
    loop {
        cursor.take(|c| matches!(c, ' ' | '\t' | ','));
        let name = cursor.take(is_tchar);
        match cursor.0.chars().next() {
            None if name.is_empty() => return found,
            // No token can start here.
            Some(c) if name.is_empty() => cursor.skip(c),
            _ => match (cursor.value(), found.last_mut()) {
                (Some(value), Some(challenge)) => challenge.parameters.push((name, value)),
                // A parameter of no challenge.
                (Some(_), None) => {}
                (None, _) => {
                    cursor.skip_token68();
                    found.push(Raw { scheme: name, parameters: Vec::new() });
                }
            },
        }
    }
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_tchar(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// What is still to be read.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !wanted(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn skip(&mut self, c: char) {
        self.0 = &self.0[c.len_utf8()..];
    }

    /// The value of a parameter whose name was just read; `None`, and nothing is taken, if the name was a scheme.
    fn value(&mut self) -> Option<String> {
        self.0 = self.0.trim_start_matches([' ', '\t']).strip_prefix('=')?.trim_start_matches([' ', '\t']);
        if let Some(rest) = self.0.strip_prefix('"') {
            self.0 = rest;
            return Some(self.quoted());
        }
        // Quotes of other languages, and those that were escaped once too often.
        for quote in ["'", "\\\""] {
            if let Some((value, rest)) = self.0.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
                self.0 = rest;
                return Some(value.to_owned());
            }
        }
        // A token, or what should have been quoted: URLs often are not.
        let value = self.take(|c| !matches!(c, ' ' | '\t' | ','));
        Some(value.trim_end_matches(';').to_owned())
    }

    /// The rest of a quoted string (RFC 9110 section 5.6.4). One that does not end has no value: it was cut.
    fn quoted(&mut self) -> String {
        let mut value = String::new();
        let mut characters = self.0.chars();
        loop {
            match characters.next() {
                Some('"') => break,
                Some('\\') => value.extend(characters.next()),
                Some(c) => value.push(c),
                None => {
                    value.clear();
                    break;
                }
            }
        }
        self.0 = characters.as_str();
        value
    }

    /// Credentials in place of parameters, as in `Negotiate oQcw==` (RFC 9110 section 11.2).
    fn skip_token68(&mut self) {
        let is_token68 = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let Some(rest) = self.0.strip_prefix([' ', '\t']) else { return };
        let rest = rest.trim_start_matches([' ', '\t']).trim_start_matches(is_token68);
        let rest = rest.trim_start_matches('=').trim_start_matches([' ', '\t']);
        if rest.is_empty() || rest.starts_with(',') {
            self.0 = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(headers: &[&str]) -> Option<Challenge> {
        let value = |text: &&str| (WWW_AUTHENTICATE, HeaderValue::from_bytes(text.as_bytes()).unwrap());
        Challenge::of(
            &headers.iter().map(value).collect(),
            &Url::parse("https://h.example/a/mcp?x=1").unwrap(),
            None,
        )
    }

    /// The four fields, `-` if one is missing; `none` without a challenge.
    fn shown(headers: &[&str]) -> String {
        let Some(challenge) = of(headers) else { return "none".into() };
        let fields = [
            challenge.resource_metadata.map(String::from),
            challenge.scopes.map(String::from),
            challenge.error,
            challenge.description,
        ];
        fields.map(|field| field.unwrap_or_else(|| "-".into())).join(" | ")
    }

    #[test]
    fn reads_what_servers_write() {
        let table: [(&[&str], &str); 14] = [
            (&[], "none"),
            (&["Basic realm=\"x\""], "none"),
            (&["Bearer"], "- | - | - | -"),
            (&["bEARER scope=read"], "- | read | - | -"),
            (
                &[r#"Bearer resource_metadata="https://a.example/m", scope="a b""#],
                "https://a.example/m | a b | - | -",
            ),
            // One header, several challenges; the parameters of another scheme are not Bearer's.
            (&[r#"Basic realm="x", scope="no", Bearer scope="yes""#], "- | yes | - | -"),
            (&[r#"Bearer scope="yes", Basic error="no""#], "- | yes | - | -"),
            (&["Negotiate oQ/cw+==, Bearer error=invalid_token"], "- | - | invalid_token | -"),
            (&["Negotiate, NTLM TlRM, Bearer"], "- | - | - | -"),
            // Several headers; Bearer goes before DPoP, which fills the gaps.
            (&["Basic", "Bearer error=a"], "- | - | a | -"),
            (&[r#"DPoP error=a, scope=s"#, r#"Bearer error=b"#], "- | s | b | -"),
            (&["DPoP algs=\"ES256\", error=a"], "- | - | a | -"),
            (&["Bearer scope=first", "Bearer scope=second, error=e"], "- | first | e | -"),
            (
                &[r#"Bearer ERROR = "a" , Error_Description	=	"says \"no\", \\ really""#],
                r#"- | - | a | says "no", \ really"#,
            ),
        ];
        for (headers, expected) in table {
            assert_eq!(shown(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn reads_what_it_can_of_bad_input() {
        let table = [
            // Missing commas and quotes.
            (r#"Bearer realm="r" scope="s" error="e""#, "- | s | e | -"),
            (
                "Bearer resource_metadata=https://a.example/m?x=1, scope=s",
                "https://a.example/m?x=1 | s | - | -",
            ),
            // Schemes and commas inside quotes.
            (r#"Basic realm="Bearer scope=no, Bearer scope=no""#, "none"),
            (r#"Bearer realm="a, Basic b=\"c\"", scope=s"#, "- | s | - | -"),
            // Cut or empty values.
            (r#"Bearer scope="cut, error="#, "- | - | - | -"),
            (r#"Bearer error="cut\"#, "- | - | - | -"),
            (r#"Bearer scope="", error="", error_description="  ""#, "- | - | - | -"),
            ("Bearer scope=, error=e", "- | - | e | -"),
            // Doubled parameters, no URL, parameters without a challenge.
            ("Bearer scope=a, scope=b", "- | a | - | -"),
            (r#"Bearer resource_metadata="", scope=s"#, "- | s | - | -"),
            (r#"Bearer resource_metadata="http://[""#, "- | - | - | -"),
            // Relative to what was asked for.
            (r#"Bearer resource_metadata="/relative?y=2""#, "https://h.example/relative?y=2 | - | - | -"),
            (r#"Bearer resource_metadata=" prm.json ""#, "https://h.example/a/prm.json | - | - | -"),
            ("Bearer resource_metadata=//a.example/m", "https://a.example/m | - | - | -"),
            // Other quotes and separators.
            ("Bearer scope='a b', error='e'", "- | a b | e | -"),
            ("Bearer resource_metadata='https://a.example/m';scope=s", "https://a.example/m | s | - | -"),
            (
                r#"Bearer resource_metadata=\"https://a.example/m\", scope=\"s\""#,
                "https://a.example/m | s | - | -",
            ),
            ("Bearer error=it's; scope='s", "- | 's | it's | -"),
            ("BEARER: error=e; scope=s;", "- | s | e | -"),
            ("scope=s, Bearer", "- | - | - | -"),
            // Nonsense.
            (",,, ;;=\"\" ==, Bearer ,,error=e,,", "- | - | e | -"),
            ("Bearer \u{fffd}\u{202e}@ error=e", "- | - | e | -"),
            ("Bearer error_description=\"caf\u{e9} \u{9b}31m\u{2028}x\"", "- | - | - | caf 31mx"),
            ("Bearerscope=s", "none"),
        ];
        for (header, expected) in table {
            assert_eq!(shown(&[header]), expected, "{header:?}");
        }
    }

    #[test]
    fn stays_quick_and_short_however_long_the_header() {
        for piece in ["a ", "=", "\"", "\\", "a=", "a=\"", "Bearer ", ",", "/a", "\u{e9}"] {
            let header = format!("Bearer scope=s, {};", piece.repeat(50_000));
            assert!(of(&[&header]).is_some(), "{piece:?}");
        }
        let long = of(&[&format!("Bearer error_description=\"{}\"", "x".repeat(10_000))]).unwrap();
        assert_eq!(long.description.unwrap().len(), 300);
    }

    #[test]
    fn tells_insufficient_scopes() {
        assert!(of(&["Bearer error=\"insufficient_scope\""]).unwrap().insufficient_scope());
        assert!(!of(&["Bearer error=\"invalid_token\""]).unwrap().insufficient_scope());
    }
}
