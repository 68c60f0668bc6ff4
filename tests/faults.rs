//! Faults of servers and networks: after each the first call that could succeed does, without a restart of ours, no
//! call hangs, and none runs twice.

mod changes;
mod children;
mod fixture;
mod flapping;
mod names;
mod network;
mod redirects;
mod silence;
mod start;
mod storm;
mod tls;
