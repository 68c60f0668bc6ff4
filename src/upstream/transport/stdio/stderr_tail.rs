//! The last lines that a program wrote on stderr. They usually say why it failed.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::upstream::protocol::excerpt::Excerpt;

/// How many lines are kept.
const KEPT: usize = 5;
/// How much of a line is looked at, in bytes.
const LONGEST: usize = 4 << 10;

/// Shared by the task that reads stderr and the session that shows them.
#[derive(Clone, Default)]
pub(crate) struct StderrTail(Arc<Mutex<VecDeque<String>>>);

impl StderrTail {
    /// Another run of the program begins.
    pub(super) fn clear(&self) {
        self.lines().clear();
    }

    /// Takes a line.
    pub(super) fn add(&self, line: &str) {
        let line = Excerpt(line).to_string();
        if line.is_empty() {
            return;
        }
        let mut lines = self.lines();
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Takes the last lines of what was passed over.
    pub(super) fn add_last(&self, chunk: &[u8]) {
        // What comes before the first line feed is the rest of a line, which may begin within a secret.
        let Some(whole) = memchr::memchr(b'\n', chunk).map(|end| &chunk[end + 1..]) else { return };
        let last: Vec<_> = whole.rsplit(|byte| *byte == b'\n').take(KEPT).collect();
        for line in last.into_iter().rev() {
            self.add(&String::from_utf8_lossy(&line[..line.len().min(LONGEST)]));
        }
    }

    /// All of them in one line; `None` if there are none.
    pub(crate) fn text(&self) -> Option<String> {
        let lines = self.lines();
        (!lines.is_empty()).then(|| lines.iter().map(String::as_str).collect::<Vec<_>>().join(" | "))
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept() {
        let words = StderrTail::default();
        assert_eq!(words.text(), None);
        for line in ["1", "", "2", "3\r\n", "4", "5", "  ", "6"] {
            words.add(line);
        }
        assert_eq!(words.text().as_deref(), Some("2 | 3 | 4 | 5 | 6"));
        words.clear();
        assert_eq!(words.text(), None);
        words.add("a");
        words.add_last(b"x\n1\n2\n3\n4\n5");
        assert_eq!(words.text().as_deref(), Some("1 | 2 | 3 | 4 | 5"));
    }
}
