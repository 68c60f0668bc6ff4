//! What the tests share: the gateway under test, the servers behind it, and ways to wait and to look.

mod answer;
pub(crate) mod authorization;
pub(crate) mod browser;
pub(crate) mod faults;
mod gateway;
pub(crate) mod launch;
pub(crate) mod namespace;
pub(crate) mod nginx;
pub(crate) mod node;
pub(crate) mod observe;
pub(crate) mod parts;
pub(crate) mod processes;
pub(crate) mod proxy;
pub(crate) mod upstream;
pub(crate) mod wait;
pub(crate) mod wire;

pub(crate) use answer::Answer;
pub(crate) use gateway::Gateway;
pub(crate) use wait::{eventually, long};
