//! The `sandbox` of a server's program: what it may touch.
//!
//! Invariant: a key that is not understood is an error, since its absence might open something.

use std::{
    num::{NonZeroU32, NonZeroU64},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::numbers::count;
use crate::config::{ConfigError, json::ConfigNode, limits};

const KEYS: [&str; 6] = ["read", "write", "network", "memory", "processes", "best_effort"];
/// No program starts with less.
const LEAST_MEMORY: u64 = 16 << 20;

/// What a program may touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// Files and folders that it may read, beside what every program needs. A relative one is below its folder.
    pub read: Vec<PathBuf>,
    /// Those that it may change too.
    pub write: Vec<PathBuf>,
    /// Whether it may use the network.
    pub network: bool,
    /// How much memory all its processes may have together, in bytes.
    pub memory: Option<NonZeroU64>,
    /// How many processes it may have.
    pub processes: Option<NonZeroU32>,
    /// Whether it starts although the system lacks a part of this.
    pub best_effort: bool,
}

/// Reads a sandbox. A server's own folder, if it is configured, can be read.
pub(super) fn parse(
    node: &ConfigNode<'_>,
    home: Option<&Path>,
    cwd: Option<&PathBuf>,
) -> Result<Sandbox, ConfigError> {
    let object = node.object()?;
    object.require_keys(&KEYS)?;
    let paths = |key| -> Result<Vec<PathBuf>, ConfigError> {
        let nodes = object.read(key, ConfigNode::list)?.unwrap_or_default();
        nodes.iter().map(|node| path(node, home)).collect()
    };
    let mut read = paths("read")?;
    // The program starts in its folder already.
    read.extend(cwd.map(|_| PathBuf::from(".")));
    let flag = |key| Ok::<_, ConfigError>(object.read(key, ConfigNode::boolean)?.unwrap_or(false));
    Ok(Sandbox {
        read,
        write: paths("write")?,
        network: flag("network")?,
        memory: object.read("memory", memory)?,
        processes: object.read("processes", |node| count(node, 1))?.and_then(NonZeroU32::new),
        best_effort: flag("best_effort")?,
    })
}

/// Reads a path. `~` is the user's home.
fn path(node: &ConfigNode<'_>, home: Option<&Path>) -> Result<PathBuf, ConfigError> {
    let text = node.string()?;
    if text.trim().is_empty() {
        return Err(node.error("is empty; name a file or a folder"));
    }
    match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => match home {
            Some(home) => Ok(home.join(rest.trim_start_matches('/'))),
            None => Err(node.error("\"~\" is nowhere, since HOME is not set; write the whole path")),
        },
        Some(_) => Err(node.error("only \"~\" and \"~/…\" are known; write the whole path of other homes")),
        None => Ok(text.into()),
    }
}

fn memory(node: &ConfigNode<'_>) -> Result<NonZeroU64, ConfigError> {
    let size = limits::size(&node.given_text()?)? as u64;
    if size < LEAST_MEMORY {
        return Err(node.error("no program starts with so little memory; give it at least 16MiB"));
    }
    NonZeroU64::new(size).ok_or_else(|| node.error("not a size"))
}
