//! Lines of the log: each event is one line, whatever it quotes.
//!
//! Invariant: only the end of an event is a line break. No control character but the tab reaches a terminal or a file,
//! except in tracing's own colours.

use std::io::{self, Write, stderr};

use tracing_subscriber::fmt::MakeWriter;

/// Makes the writers of lines to stderr.
pub(super) struct Lines {
    /// Whether lines have colours; quoted text never has, because tracing escapes ESC in it.
    pub(super) colours: bool,
}

/// The writer of one event, which it receives in one write.
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

/// Returns the text of one event on one line, with line breaks and control characters escaped as in JSON.
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
