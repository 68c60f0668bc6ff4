//! What the gateway, a shim and a program about to be tell each other: a line of JSON each, over pipes of their own.

use std::{ffi::OsString, fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use crate::config::Sandbox;

/// A program to start. It holds the program's variables, so it travels in a pipe and is never shown.
#[derive(Serialize, Deserialize)]
pub struct Spec {
    /// A name to look up in its `PATH`, or a path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// All of its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// What it is confined to.
    pub sandbox: Option<Sandbox>,
}

/// A program to become. Its environment is this process's.
#[derive(Serialize, Deserialize)]
pub(super) struct Confined {
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    /// Where programs are looked up.
    pub(super) path: Option<OsString>,
    pub(super) sandbox: Sandbox,
}

/// A part of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Only the granted files can be opened.
    Files,
    /// No signal and no abstract socket reaches a process outside.
    Signals,
    /// Calls that lead out of a sandbox are refused.
    SystemCalls,
    /// There are no sockets.
    Network,
    /// Its memory is bounded.
    Memory,
    /// The number of its processes is bounded.
    Processes,
}

impl Part {
    /// Its name in `/status` and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Signals => "signals",
            Self::SystemCalls => "system_calls",
            Self::Network => "network",
            Self::Memory => "memory",
            Self::Processes => "processes",
        }
    }

    /// What the system needs to have for it.
    fn needs(self) -> &'static str {
        match self {
            Self::Files => "Landlock of Linux 6.2",
            Self::Signals => "Landlock of Linux 6.12",
            Self::SystemCalls | Self::Network => "seccomp on x86_64 or aarch64",
            Self::Memory | Self::Processes => "Linux",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.name(), self.needs())
    }
}

/// What a sandbox does for a program that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// The parts that work.
    pub enforced: Vec<Part>,
    /// Those that this system lacks.
    pub missing: Vec<Part>,
}

impl Confinement {
    /// Logs what works, and warns of what does not.
    pub fn log(&self, server: &str) {
        let names = |parts: &[Part]| parts.iter().map(|part| part.name()).collect::<Vec<_>>().join(", ");
        let enforced = names(&self.enforced);
        if self.missing.is_empty() {
            info!(server, enforced, "sandboxed");
        } else {
            warn!(
                server,
                enforced,
                missing = names(&self.missing),
                "sandboxed in part: this system lacks the rest"
            );
        }
    }
}

/// What a shim reports, and a program about to be.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ShimReport {
    /// The program runs.
    Started(Option<Confinement>),
    /// It could not be started, for this reason.
    Failed(String),
    /// It has ended by itself.
    Exited(i32),
    /// A signal has ended it.
    Killed(i32),
    /// It is ended since it exceeds this bound of its sandbox.
    Exceeded(Part),
}

impl ShimReport {
    /// The report as a line.
    pub(super) fn line(&self) -> Vec<u8> {
        // Its members have no values that JSON could not hold.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// How long a program may take after its stdin has closed, and again after SIGTERM.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// Asks the shim to end the program with patience. Without it, the end of the pipe asks for haste.
pub(super) const END: &[u8] = b"end\n";
