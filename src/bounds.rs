//! Counts what hits a bound of the gateway: what a server, a caller or a page sends beyond what SECURITY.md's table
//! "Bounds" admits.
//!
//! Owner: the process. Counters only grow, and counting takes no lock. Open to all modules, as [`crate::secret`] is.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Declares the bounds with their names as labels, in one place.
macro_rules! bounds {
    ($($(#[$doc:meta])* $bound:ident = $name:literal,)*) => {
        /// A bound that can be hit.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bound {
            $($(#[$doc])* $bound,)*
        }

        impl Bound {
            /// All bounds, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$bound,)*];

            /// Its name as a label.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$bound => $name,)*
                }
            }
        }
    };
}

bounds! {
    /// A server sent requests, pings too, faster than it took the answers.
    UnansweredRequests = "unanswered_requests",
    /// A server sent more unasked than is read at once.
    ServerMessages = "server_messages",
    /// Lines of the log came faster than they could be written.
    LogLines = "log_lines",
    /// A server wrote more on its stderr, or more that is no message, than is logged.
    ServerLog = "server_log",
    /// The audit log could not be written, so a call was refused, or a refusal was not recorded.
    AuditLines = "audit_lines",
    /// A server's answer to the handshake, or what it says of itself there, was too large.
    Handshake = "handshake",
    /// A list of tools, or a tool in it, was too large.
    ToolList = "tool_list",
    /// A server announced changes of its tools faster than they are listed.
    ToolsChanged = "tools_changed",
    /// A schema, or a pattern in it, was too large to be checked.
    Schema = "schema",
    /// Arguments would have taken too much work to be checked.
    CheckEffort = "check_effort",
    /// A server's error was longer than its caller is shown.
    ErrorText = "error_text",
    /// A client did not read its answer, so its connection was closed.
    UnreadAnswers = "unread_answers",
    /// A client sent more requests ahead than are read while one is under way.
    Pipelined = "pipelined",
    /// There was no room for a body, or for an answer.
    HeldBytes = "held_bytes",
    /// The processes of a sandboxed program had more memory than it may have.
    SandboxMemory = "sandbox_memory",
    /// A sandboxed program had more processes than it may have.
    SandboxProcesses = "sandbox_processes",
}

static HITS: [AtomicU64; Bound::ALL.len()] = [const { AtomicU64::new(0) }; Bound::ALL.len()];

impl Bound {
    /// Counts that the bound was hit.
    pub fn hit(self) {
        HITS[self as usize].fetch_add(1, Relaxed);
    }

    /// How often the bound was hit since the process began.
    pub fn hits(self) -> u64 {
        HITS[self as usize].load(Relaxed)
    }
}
