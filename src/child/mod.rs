//! Programs that the gateway starts, each with all that it starts in turn.
//!
//! Between the gateway and a program stands a shim: a process of this very binary that is the parent of all that the
//! program leaves behind. [`Process`] is the gateway's side of it. A program with a sandbox is started by one step more,
//! which confines itself and then becomes the program.
//!
//! Invariant: no descendant of a program outlives its shim, and no shim outlives the gateway by more than seconds. What
//! only Linux has is in `passed`, `processes`, `shim` and `sandbox/`.

mod living;
mod message;
mod orphans;
mod passed;
mod process;
mod processes;
mod role;
mod sandbox;
mod shim;
mod start;

pub use message::{Confinement, Part, Spec};
pub use orphans::{keep_sweeping, kill_all};
pub use process::{Process, StartError};
pub use role::Role;
