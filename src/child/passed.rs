//! Pipes that a process of ours inherits under their numbers, beside the three standard streams.
//!
//! Invariant: the process that takes a pipe closes the inherited one, so that no program inherits it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::fd::{AsFd, AsRawFd, RawFd},
};

use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    unistd::close,
};

/// Lets the program that is started next inherit one end of a pipe. Returns its number.
pub(super) fn pass(end: impl AsFd) -> io::Result<String> {
    let end = end.as_fd();
    fcntl(end, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(end.as_raw_fd().to_string())
}

/// Takes the end of a pipe to read from.
pub(super) fn reader(number: &str) -> io::Result<File> {
    take(number, OpenOptions::new().read(true))
}

/// Takes the end of a pipe to write to.
pub(super) fn writer(number: &str) -> io::Result<File> {
    take(number, OpenOptions::new().write(true))
}

/// Closes all that this process has inherited beside the standard streams, except for what it has `taken`.
pub(super) fn close_others(taken: [&File; 2]) -> io::Result<()> {
    let taken = taken.map(AsRawFd::as_raw_fd);
    // Listed first: closing changes the list.
    let open: Vec<RawFd> = fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|number| *number > 2 && !taken.contains(number))
        .collect();
    for number in open {
        // The list itself was one of them, and is closed already.
        let _ = close(number);
    }
    Ok(())
}

fn take(number: &str, options: &OpenOptions) -> io::Result<File> {
    let inherited: RawFd = number.parse().map_err(io::Error::other)?;
    let taken = options.open(format!("/proc/self/fd/{inherited}"))?;
    close(inherited)?;
    Ok(taken)
}
