//! Faults of servers and networks: after each the first call that could succeed does, without a restart of ours, no
//! call hangs, and none runs twice.

mod children;
mod network;
