//! What strangers wrote, as it may be shown in a log or a reason: short, in one line, and harmless to a terminal.

use std::fmt::{self, Write as _};

/// The beginning of a text. Control characters and line separators of any kind are escaped, runs of white space are one
/// space.
#[derive(Clone, Copy)]
pub(super) struct Excerpt<'a>(pub(super) &'a str);

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
