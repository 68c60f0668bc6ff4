//! What strangers wrote, as it may be shown in a log or a reason: short, in one line, and harmless to a terminal.

use std::fmt::{self, Write as _};

use url::Url;

/// The beginning of a text. Control characters and line separators of any kind are escaped, runs of white space are one
/// space.
#[derive(Clone, Copy)]
pub(crate) struct Excerpt<'a>(pub(crate) &'a str);

/// In place of what is not shown.
pub(crate) const HIDDEN: &str = "…";
/// No word of a name has so many letters and digits, but keys have.
const LONGEST_WORD: usize = 20;
/// No name of this length has so many digits, but UUIDs and keys have.
const LONGEST_NAME: usize = 16;
const MOST_DIGITS: usize = 6;
/// How many characters are shown.
const LENGTH: usize = 300;

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = 0;
        let mut space = false;
        for c in self.0.trim().chars() {
            if c.is_whitespace() {
                space = true;
                continue;
            }
            if shown >= LENGTH {
                return out.write_char('…');
            }
            if std::mem::take(&mut space) {
                out.write_char(' ')?;
                shown += 1;
            }
            shown += 1;
            if is_harmless(c) { out.write_char(c)? } else { write!(out, "{}", c.escape_unicode())? }
        }
        Ok(())
    }
}

/// Not a control character, nor one that turns the direction of text around.
fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A URL, or a word of a command, without what may be secret in it: the credentials and the query of a URL, and all that
/// looks random.
pub(crate) fn without_secrets(text: &str) -> String {
    let text = match Url::parse(text) {
        Ok(mut url) if url.has_host() => {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.set_query(None);
            url.set_fragment(None);
            url.into()
        }
        _ => text.to_owned(),
    };
    let mut shown = String::new();
    for piece in text.split_inclusive(|c: char| !c.is_alphanumeric() && !"-_.".contains(c)) {
        let name = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        shown.push_str(&plain_name(name));
        shown.push_str(&piece[name.len()..]);
    }
    shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A name, without what looks random in it: as a whole, as a UUID does, or one of its words.
fn plain_name(name: &str) -> String {
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let is_host_or_version = name.contains('.');
    if !is_host_or_version && name.len() >= LONGEST_NAME && digits >= MOST_DIGITS {
        return HIDDEN.to_owned();
    }
    let mut shown = String::new();
    for word in name.split_inclusive(['-', '_', '.']) {
        let bare = word.trim_end_matches(['-', '_', '.']);
        let random = bare.len() > LONGEST_WORD;
        shown.push_str(if random { HIDDEN } else { bare });
        shown.push_str(&word[bare.len()..]);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_harmless_line() {
        let shown = |text: &str| Excerpt(text).to_string();
        assert_eq!(shown(" a\r\n\tb\u{2028}c \n"), "a b c");
        assert_eq!(shown("\u{1b}[2Jx\0\u{202e}y é"), r"\u{1b}[2Jx\u{0}\u{202e}y é");
        assert_eq!(shown(&"x".repeat(LENGTH)), "x".repeat(LENGTH));
        assert_eq!(shown(&"x".repeat(LENGTH + 1)), "x".repeat(LENGTH) + "…");
    }
}
