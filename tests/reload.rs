//! The configuration changes while mcpo runs: what is untouched never notices, and what is wrong changes nothing.

pub(crate) mod bed;
mod churn;
mod edits;
mod key;
mod servers;
