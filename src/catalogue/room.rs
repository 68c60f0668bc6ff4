//! SchemaRoom for compiled checks: how much memory those of one server may keep, and those of all servers.
//!
//! Invariant: what is kept for a server never exceeds [`MOST_FOR_SERVER`], and what is kept for all never exceeds
//! [`MOST_FOR_ALL`]. A check for which there is no room is compiled for each call.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// In bytes, by estimate.
const MOST_FOR_SERVER: usize = 16 << 20;
const MOST_FOR_ALL: usize = 64 << 20;

/// What is kept for all servers.
static KEPT: AtomicUsize = AtomicUsize::new(0);

/// The room for one server's checks.
pub(super) struct SchemaRoom {
    left: Cell<usize>,
}

/// The room that one check takes, until it is dropped.
#[derive(Debug)]
pub(super) struct SchemaPlace {
    bytes: usize,
}

impl SchemaRoom {
    pub(super) fn new() -> Self {
        Self { left: Cell::new(MOST_FOR_SERVER) }
    }

    /// Takes room for a check of this size; `None` if there is not enough.
    pub(super) fn take(&self, bytes: usize) -> Option<SchemaPlace> {
        let left = self.left.get().checked_sub(bytes)?;
        let fits = |kept: usize| Some(kept.saturating_add(bytes)).filter(|kept| *kept <= MOST_FOR_ALL);
        KEPT.fetch_update(Relaxed, Relaxed, fits).ok()?;
        self.left.set(left);
        Some(SchemaPlace { bytes })
    }
}

impl Drop for SchemaPlace {
    fn drop(&mut self) {
        KEPT.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_ends_and_comes_back() {
        let room = SchemaRoom::new();
        let places: Vec<_> = (0..20).filter_map(|_| room.take(1 << 20)).collect();
        assert_eq!(places.len(), 16);
        assert!(room.take(0).is_some() && room.take(1).is_none());
        drop(places);
        assert!(SchemaRoom::new().take(MOST_FOR_SERVER).is_some());
    }
}
