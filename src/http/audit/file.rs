//! The file of the audit log.
//!
//! Invariant: what is opened cannot be read by others, and is not chosen by others.

use std::{
    fs::{File, OpenOptions, Permissions},
    io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, absolute},
};

use nix::{
    libc::{ELOOP, ENXIO, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK},
    unistd::geteuid,
};
use tracing::warn;

/// The rights on the file.
const RIGHTS: u32 = 0o600;
const OF_OTHERS: u32 = 0o077;
/// Whether all users may make files in a folder.
const SHARED: u32 = 0o002;

/// Opens the file to append to it; makes it if it is not there.
///
/// # Errors
///
/// The file cannot be written, is none, or is not ours alone.
pub(super) fn append(path: &Path) -> io::Result<File> {
    let shared = refuse_foreign_links(path)?;
    // Opening a pipe waits for its reader.
    let flags = O_NONBLOCK | O_NOCTTY | if shared { O_NOFOLLOW } else { 0 };
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(RIGHTS).custom_flags(flags);
    let file = options.open(path).map_err(|error| match error.raw_os_error() {
        Some(ELOOP) if shared => link_in_shared_folder(path),
        // A pipe that nobody reads, or a socket.
        Some(ENXIO) => no_file(),
        _ => error,
    })?;
    close_to_others(&file, path)?;
    Ok(file)
}

/// Refuses a symbolic link, anywhere in the path, that any user of the machine may have made. Returns whether the file
/// itself is in such a folder.
fn refuse_foreign_links(path: &Path) -> io::Result<bool> {
    let path = absolute(path)?;
    let mut shared = false;
    for (index, part) in path.ancestors().enumerate() {
        let Some(folder) = part.parent() else { break };
        let open_to_all = folder.metadata().is_ok_and(|folder| folder.mode() & SHARED != 0);
        if open_to_all && part.is_symlink() {
            return Err(link_in_shared_folder(part));
        }
        shared |= open_to_all && index == 0;
    }
    Ok(shared)
}

fn link_in_shared_folder(link: &Path) -> io::Error {
    io::Error::other(format!(
        "{} is a symbolic link in a folder where every user may make one; name the file that it should lead to",
        link.display()
    ))
}

fn no_file() -> io::Error {
    io::Error::other("it is a pipe or a socket; name a file, or - for standard output")
}

/// Takes away the rights that others have on a file.
fn close_to_others(file: &File, path: &Path) -> io::Result<()> {
    let found = file.metadata()?;
    if found.file_type().is_fifo() || found.file_type().is_socket() {
        return Err(no_file());
    }
    let mode = found.mode() & 0o777;
    if !found.is_file() || mode & OF_OTHERS == 0 {
        return Ok(());
    }
    if found.uid() != geteuid().as_raw() {
        return Err(io::Error::other(format!(
            "others may read it (mode {mode:o}), and it belongs to another user; name a file of the user that runs mcpo"
        )));
    }
    file.set_permissions(Permissions::from_mode(RIGHTS))?;
    warn!(
        "the audit log {}: was open to others (mode {mode:o}); now it is for its owner alone",
        path.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_file_that_others_can_read_is_closed_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit");
        for mode in [0o644, 0o640, 0o606, 0o600] {
            fs::write(&path, "before\n").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            append(&path).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600, "{mode:o}");
        }
    }

    #[test]
    fn a_link_that_anybody_may_have_made_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (own, shared) = (folder.path().join("own"), folder.path().join("shared"));
        fs::create_dir(&own).unwrap();
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, Permissions::from_mode(0o1777)).unwrap();
        symlink(own.join("target"), shared.join("link")).unwrap();
        symlink(&own, shared.join("folder")).unwrap();
        symlink(own.join("target"), own.join("link")).unwrap();
        for refused in [shared.join("link"), shared.join("folder/audit")] {
            let error = append(&refused).unwrap_err().to_string();
            assert!(
                error.contains("is a symbolic link in a folder where every user may make one"),
                "{error}"
            );
        }
        assert!(!own.join("target").exists());
        for fine in [shared.join("file"), own.join("link")] {
            append(&fine).unwrap();
        }
    }
}
