//! The corpus as bytes: who sends it, and where.

use super::{
    corpus::{CREDENTIALS, EACH, HEADERS, METHODS, PATHS},
    framing::FRAMING,
};

/// The key that opens everything.
pub(super) const KEY: &str = "open-sesame-5dAv8qkR2x";
/// Ends a connection on which nothing is left to be answered.
const LAST: &str = "GET /healthz HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n";
/// More than nginx takes, and less than mcpo does.
const LONG: usize = 40_000;

/// What is sent over one connection.
#[derive(Debug, Clone)]
pub(super) struct Trick {
    pub(super) aim: String,
    pub(super) bytes: Vec<u8>,
}

/// How tricks are spelt for one gateway and one sender.
pub(super) struct Spelling {
    /// What precedes a server's name in a path.
    pub(super) home: &'static str,
    /// The key that the sender shows, where it shows one.
    pub(super) shown: Option<&'static str>,
    /// What is taken for the key that opens everything, where a trick has it.
    pub(super) key: &'static str,
}

impl Spelling {
    /// All tricks.
    pub(super) fn all(&self) -> Vec<Trick> {
        [self.paths(), self.methods(), self.headers(), self.credentials(), self.framing()].concat()
    }

    pub(super) fn paths(&self) -> Vec<Trick> {
        let each = |(aim, path): &(&str, &str)| EACH.map(|method| self.request(aim, method, path, ""));
        PATHS.iter().flat_map(each).collect()
    }

    fn methods(&self) -> Vec<Trick> {
        let targets = ["~/fake/call", "~/fake/openapi.json"];
        let each = |(aim, method): &(&str, &str)| targets.map(|path| self.request(aim, method, path, ""));
        METHODS.iter().flat_map(each).collect()
    }

    /// Calls with strange headers that are none the worse for it.
    pub(super) fn headers(&self) -> Vec<Trick> {
        HEADERS.iter().map(|(aim, line)| self.request(aim, "POST", "~/fake/call", line)).collect()
    }

    fn credentials(&self) -> Vec<Trick> {
        let targets = [
            ("POST", "~/fake/call"),
            ("GET", "~/fake/call"),
            ("GET", "~/fake/openapi.json"),
            ("POST", "/healthz"),
            ("OPTIONS", "~/fake/call"),
        ];
        let lines = HEADERS.iter().chain(CREDENTIALS);
        let each =
            |(aim, line): &(&str, &str)| targets.map(|(method, path)| self.request(aim, method, path, line));
        lines.flat_map(each).collect()
    }

    fn framing(&self) -> Vec<Trick> {
        FRAMING.iter().map(|(aim, text)| self.spell(aim, &format!("{text}{LAST}"))).collect()
    }

    /// A plain request, with a header line where there is one.
    pub(super) fn request(&self, aim: &str, method: &str, path: &str, line: &str) -> Trick {
        let line = if line.is_empty() { String::new() } else { format!("{line}\r\n") };
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: gateway\r\n{{auth}}{line}Content-Type: application/json\r\n\
             Connection: close\r\nContent-Length: 12\r\n\r\n{{body}}"
        );
        self.spell(&format!("{aim}: {method} {path} {line:?}"), &text)
    }

    fn spell(&self, aim: &str, text: &str) -> Trick {
        let line = |key: &str| format!("Authorization: Bearer {key}\r\n");
        let text = text
            .replace('~', self.home)
            .replace("{auth}", &self.shown.map(line).unwrap_or_default())
            .replace("{right}", &line(self.key))
            .replace("{key}", self.key)
            .replace("{long}", &"a".repeat(LONG))
            .replace("{body}", r#"{"bypass":1}"#);
        // Latin-1, as headers have always been: what is written as a letter is one byte.
        let bytes = text.chars().map(|sign| u8::try_from(u32::from(sign)).expect("Latin-1")).collect();
        Trick { aim: aim.to_owned(), bytes }
    }
}
