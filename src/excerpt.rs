//! Foreign text, as it may be shown: what servers, authorization servers, callers and pages wrote.
//!
//! Invariant: what passes here is short and one line, and holds no character that its reader would not see. Open to all
//! modules, as [`crate::secret`] is.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

use crate::secret::redact;

/// How many characters of a quotation are shown.
const QUOTATION: usize = 300;
/// How many bytes are looked at for each character that is shown. Secrets may be long, and one that this cuts is redacted too.
const LOOKED_AT: usize = 16;
/// How many characters of a sentence are shown: our own words, and what they quote.
const SENTENCE: usize = 1000;

/// The beginning of a text. Secrets are redacted before it is cut, hidden characters are escaped, runs of white space are one
/// space.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Excerpt<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for Excerpt<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(out, QUOTATION, &self.0)
    }
}

/// A sentence of ours that may quote foreign text: longer than an [`Excerpt`], and as harmless.
pub(crate) fn sentence(text: impl fmt::Display) -> String {
    let mut shown = String::new();
    // Writing to a `String` never fails.
    let _ = show(&mut shown, SENTENCE, &text);
    shown
}

fn show(out: &mut dyn fmt::Write, left: usize, text: &impl fmt::Display) -> fmt::Result {
    let mut looked_at = Beginning { text: String::new(), room: LOOKED_AT * left };
    // It ends early once enough is there, so that the rest is never formatted.
    let _ = write!(looked_at, "{text}");
    let mut line = Line { out, left, begun: false, space: false };
    match line.write_str(&redact(&looked_at.text)) {
        Err(_) if line.left == 0 => out.write_char('…'),
        ended => ended,
    }
}

/// Keeps the beginning of a text, and fails at what is beyond.
struct Beginning {
    text: String,
    room: usize,
}

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let kept = &text[..text.floor_char_boundary(self.room)];
        self.text.push_str(kept);
        self.room -= kept.len();
        if kept.len() == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Writes one line of at most `left` characters, and fails at the first one beyond.
struct Line<'a> {
    out: &'a mut dyn fmt::Write,
    left: usize,
    begun: bool,
    /// White space that is due before the next character.
    space: bool,
}

impl fmt::Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if c.is_whitespace() {
                self.space = self.begun;
                continue;
            }
            if std::mem::take(&mut self.space) {
                self.put(' ')?;
            }
            self.put(c)?;
            self.begun = true;
        }
        Ok(())
    }
}

impl Line<'_> {
    fn put(&mut self, c: char) -> fmt::Result {
        self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
        if is_hidden(c) { write!(self.out, "{}", c.escape_unicode()) } else { self.out.write_char(c) }
    }
}

/// Whether a reader would not see this character, or would see others in its place: control characters, line
/// separators, characters that turn the direction of text around, and all others that Unicode lets programs ignore
/// (`Default_Ignorable_Code_Point`), except for those that choose between an emoji and its plain form.
pub(crate) fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    matches!(c,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A hidden character as JSON escapes it.
pub(crate) fn escape(c: char) -> String {
    match c {
        '\n' => r"\n".to_owned(),
        '\r' => r"\r".to_owned(),
        '\t' => r"\t".to_owned(),
        c => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    }
}

/// Lines for a terminal, in which hidden characters are escaped.
pub(crate) fn visible_lines(text: &str) -> String {
    let is_layout = |c| matches!(c, '\n' | '\t');
    escaped(text, |c| is_hidden(c) && !is_layout(c))
}

/// The same JSON, in which no string holds a hidden character as it is.
pub(crate) fn visible_json(json: &str) -> Cow<'_, str> {
    if json.bytes().all(|byte| (0x20..0x7f).contains(&byte)) || !json.contains(is_hidden) {
        return json.into();
    }
    escaped(json, is_hidden).into()
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_escaped(c) {
            escaped.push_str(&escape(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_harmless_line() {
        let shown = |text: &str| Excerpt(text).to_string();
        assert_eq!(shown(" a\r\n\tb\u{2028}c \n"), "a b c");
        assert_eq!(shown("\u{1b}[2Jx\0\u{202e}y é ⚠\u{fe0f}"), "\\u{1b}[2Jx\\u{0}\\u{202e}y é ⚠\u{fe0f}");
        assert_eq!(shown("a\u{200b}\u{e0041}\u{9b}"), r"a\u{200b}\u{e0041}\u{9b}");
        assert_eq!(shown(&"x".repeat(QUOTATION)), "x".repeat(QUOTATION));
        assert_eq!(shown(&"x".repeat(QUOTATION + 1)), "x".repeat(QUOTATION) + "…");
        assert_eq!(sentence("x y ".repeat(SENTENCE)).chars().count(), SENTENCE + 1);
    }

    #[test]
    fn a_terminal_shows_what_is_hidden() {
        assert_eq!(visible_lines("a\n\tb\u{1b}[2J\r\u{202e}é"), "a\n\tb\\u001b[2J\\r\\u202eé");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let json = serde_json::to_string("a\n\u{85}\u{202e}\u{e0041}\u{7f}é").unwrap();
        let visible = visible_json(&json);
        assert_eq!(visible, r#""a\n\u0085\u202e\udb40\udc41\u007fé""#);
        assert_eq!(
            serde_json::from_str::<String>(&visible).unwrap(),
            serde_json::from_str::<String>(&json).unwrap()
        );
    }
}
