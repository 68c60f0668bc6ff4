//! Bounds of a sandbox on all of a program's processes together, which no limit of the system covers: they are counted.

use std::{
    num::{NonZeroU32, NonZeroU64},
    time::{Duration, Instant},
};

use nix::unistd::Pid;

use crate::{
    child::{message::Part, processes},
    config::Sandbox,
};

/// How often they are counted.
pub(super) const INTERVAL: Duration = Duration::from_millis(250);

/// Counts the descendants of this process.
pub(super) struct Meter {
    memory: Option<NonZeroU64>,
    processes: Option<NonZeroU32>,
    due: Instant,
}

impl Meter {
    /// `None` if the sandbox bounds nothing of it.
    pub(super) fn new(sandbox: &Sandbox) -> Option<Self> {
        let Sandbox { memory, processes, .. } = *sandbox;
        (memory.is_some() || processes.is_some()).then(|| Self { memory, processes, due: Instant::now() })
    }

    /// The bound that they exceed, if it is time to look.
    pub(super) fn exceeded(&mut self) -> Option<Part> {
        let now = Instant::now();
        if now < self.due {
            return None;
        }
        self.due = now + INTERVAL;
        let found = processes::descendants(Pid::this());
        if self.processes.is_some_and(|most| found.len() > most.get() as usize) {
            return Some(Part::Processes);
        }
        let most = self.memory?.get();
        let most_it_can_be: u64 = found.iter().copied().map(processes::memory).sum();
        // Processes that were forked share much. To find out how much takes time, so that is done only if it matters.
        let exceeds =
            most_it_can_be > most && found.into_iter().map(processes::share_of_memory).sum::<u64>() > most;
        exceeds.then_some(Part::Memory)
    }
}
