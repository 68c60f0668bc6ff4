//! Counts of one server's connections, kept under its name: a session that replaces another goes on with them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How often a server was connected and started.
#[derive(Debug, Default)]
pub struct ConnectionStats {
    connections: AtomicU64,
    starts: AtomicU64,
}

impl ConnectionStats {
    /// The connections that were made after the first.
    pub fn reconnects(&self) -> u64 {
        self.connections.load(Relaxed).saturating_sub(1)
    }

    /// How often its program was started after the first time. Two starts for one connection count as one: an old
    /// server may need a second handshake.
    pub fn restarts(&self) -> u64 {
        self.starts.load(Relaxed).saturating_sub(1)
    }

    pub(super) fn connected(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    pub(super) fn started(&self) {
        self.starts.fetch_add(1, Relaxed);
    }
}
