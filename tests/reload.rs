//! The configuration changes while mcpo runs: what is untouched never notices, and what is wrong changes nothing.

mod churn;
mod edits;
pub(crate) mod fixture;
mod key;
mod servers;
