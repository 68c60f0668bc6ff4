//! A line of the log: one event is one line, whatever it quotes.
//!
//! Invariant: nothing but an event's end is a line break of any kind, and no control character but a tabulator reaches
//! a terminal or a file, save tracing's own colours.

use std::io::{self, Write, stderr};

use tracing_subscriber::fmt::MakeWriter;

/// Makes what writes the lines to stderr.
pub(super) struct Lines {
    /// Whether lines have colours; what an event quotes has none, as tracing escapes ESC there.
    pub(super) colours: bool,
}

/// Takes one event, in one write.
pub(super) struct Line {
    colours: bool,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { colours: self.colours }
    }
}

impl Write for Line {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        stderr().lock().write_all(one_line(&String::from_utf8_lossy(event), self.colours).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}

/// The text of one event, with escapes that JSON knows as well in place of what would end its line.
fn one_line(event: &str, colours: bool) -> String {
    let text = event.strip_suffix('\n').unwrap_or(event);
    let mut line = String::with_capacity(event.len());
    for c in text.chars() {
        match c {
            '\t' => line.push(c),
            '\u{1b}' if colours => line.push(c),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                line.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => line.push(c),
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let forged = "call failed: boom\n2026-11-25T13:35:48Z  INFO called\r\u{1b}[2J\u{85}\u{2028}\tend\n";
        let line = "call failed: boom\\n2026-11-25T13:35:48Z  INFO called\\r\\u001b[2J\\u0085\\u2028\tend\n";
        assert_eq!(one_line(forged, false), line);
        assert_eq!(one_line("\u{1b}[2mdim\u{1b}[0m\n", true), "\u{1b}[2mdim\u{1b}[0m\n");
    }
}
