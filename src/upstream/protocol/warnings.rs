//! Warnings about the tools of one server. There may be one for each tool, so the log shows the first of them.

use std::{cell::Cell, fmt::Display};

use tracing::{debug, warn};

use super::excerpt::Excerpt;

/// How many of them the log shows.
const SHOWN: usize = 50;

/// Warnings about the tools of one list.
pub struct Warnings<'a> {
    server: &'a str,
    count: Cell<usize>,
}

impl<'a> Warnings<'a> {
    /// No warnings so far.
    pub fn new(server: &'a str) -> Self {
        Self { server, count: Cell::new(0) }
    }

    /// Warns about one tool.
    pub fn warn(&self, tool: &str, what: impl Display) {
        let (server, tool, count) = (self.server, Excerpt(tool).to_string(), self.count.get());
        self.count.set(count + 1);
        if count < SHOWN {
            warn!(server, tool, "{what}");
        } else {
            debug!(server, tool, "{what}");
        }
    }
}

impl Drop for Warnings<'_> {
    fn drop(&mut self) {
        let more = self.count.get().saturating_sub(SHOWN);
        if more > 0 {
            let server = self.server;
            warn!(server, more, "only --log-level debug shows the other warnings about the server's tools");
        }
    }
}
