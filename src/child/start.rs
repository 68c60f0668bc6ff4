//! How processes of this binary are started, and why programs are not.

use std::{io, process::Child};

use nix::unistd::Pid;

/// This very binary, even if its file has been replaced since.
pub(super) const OWN_BINARY: &str = "/proc/self/exe";
/// What `ps` and `top` call a shim. `pkill mcpo` and `killall mcpo` miss it, so that it outlives the gateway to do its
/// work.
pub(super) const SHIM_NAME: &str = "mcp-shim";
/// The argument that makes a process a shim.
pub(super) const SHIM: &str = "child-shim";
/// The argument that makes a process confine itself and become a program.
pub(super) const SANDBOX: &str = "child-sandbox";

/// Why a program cannot be started, in words.
pub(super) fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such program; is it installed and on PATH?".into(),
        io::ErrorKind::PermissionDenied => "permission denied; is it executable?".into(),
        _ => error.to_string(),
    }
}

/// A process that was just started.
pub(super) fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}
