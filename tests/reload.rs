//! The configuration changes while mcpo runs: what is untouched never notices, and what is wrong changes nothing.

mod bed;
mod churn;
mod edits;
mod key;
mod servers;
