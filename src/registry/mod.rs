//! The servers in force: what each serves, who may call, and how a new configuration takes effect.
//!
//! One [`Registry`] holds one immutable [`Snapshot`], which requests read. Only this folder publishes: [`Reconciler`] when the
//! configuration changes, and one task per session when its status does. Invariants: a request sees the snapshot before
//! a change or the one after it, never a mixture; a session ends when no snapshot in force and no call leads to it.

mod current;
mod documents;
mod entry;
mod metrics;
mod plan;
mod reconcile;
mod served;
mod session_watch;
mod snapshot;

pub use current::Registry;
pub use documents::View;
pub use entry::Entry;
pub use metrics::{BOUNDS, CallOutcome, ToolMetrics};
pub use plan::Plan;
pub use reconcile::{Reconciler, authorizer};
pub use served::{Mounting, Served};
pub use snapshot::Snapshot;
