//! The MCP servers behind the gateway: one after `--`, or those of the config file.

mod bounds;
mod context;
mod entry;
mod foreign;
mod forwarding;
mod headers;
mod numbers;
mod program;
mod sandbox;
mod settings;
mod single;
mod upstream;

pub use bounds::Bounds;
pub(crate) use context::{EnvOverrides, LoadContext};
pub(crate) use entry::server;
pub use forwarding::HeaderForwarding;
pub(crate) use program::{FoundProgram, fault, find_program};
pub use sandbox::Sandbox;
pub use settings::{ResultStyle, Server, Servers, ToolFilter, Validation};
pub(crate) use single::single;
pub use upstream::{Recycling, Remote, Stdio, Upstream};
