//! Files that are what they seem: no links, no pipes, of a bounded size, and for their owner alone.

use std::{
    fs::{File, OpenOptions, Permissions},
    io::{self, ErrorKind, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use nix::libc::{ELOOP, O_NOFOLLOW, O_NONBLOCK};
use tracing::warn;

use super::backend::BackendError;

/// The rights on every file of ours.
pub(crate) const FILE_RIGHTS: u32 = 0o600;
/// Far more than any record needs.
const LARGEST: u64 = 1024 * 1024;

/// Opens the file at `path`, which is made if it does not exist.
pub(crate) fn create(path: &Path) -> Result<File, BackendError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(FILE_RIGHTS);
    let file = open_with(&mut options, path)?.ok_or_else(|| explain(path, &ErrorKind::NotFound.into()))?;
    narrow(&file, path, FILE_RIGHTS)?;
    Ok(file)
}

/// Opens the file at `path` to read it; `None` if there is none.
pub(crate) fn open(path: &Path) -> Result<Option<File>, BackendError> {
    open_with(OpenOptions::new().read(true), path)
}

fn open_with(options: &mut OpenOptions, path: &Path) -> Result<Option<File>, BackendError> {
    // Opening a pipe would wait for its other end.
    let file = match options.custom_flags(O_NOFOLLOW | O_NONBLOCK).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(explain(path, &error)),
    };
    if file.metadata().map_err(|error| explain(path, &error))?.is_file() {
        Ok(Some(file))
    } else {
        Err(BackendError::at(path.display(), "not a file; move it away"))
    }
}

/// All that is in `file`, which stands at `path`.
pub(crate) fn contents(file: &File, path: &Path) -> Result<Vec<u8>, BackendError> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| explain(path, &error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(BackendError::at(path.display(), "too large for a token file of mcpo; move it away"));
    }
    Ok(bytes)
}

/// Takes away the rights that others have.
pub(crate) fn narrow(file: &File, path: &Path, rights: u32) -> Result<(), BackendError> {
    let failed = |error: io::Error| explain(path, &error);
    if has_wider_rights(file).map_err(failed)? {
        file.set_permissions(Permissions::from_mode(rights)).map_err(failed)?;
        warn!("{}: was open to others; now it is for its owner alone (mode {rights:o})", path.display());
    }
    Ok(())
}

/// Whether others have any right on it.
pub(crate) fn has_wider_rights(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.mode() & 0o077 != 0)
}

/// What is wrong at `path`, and what to do about it.
pub(crate) fn explain(path: &Path, error: &io::Error) -> BackendError {
    let message = match error.kind() {
        _ if error.raw_os_error() == Some(ELOOP) => {
            "a symbolic link, which is not followed; put the file itself in its place".to_owned()
        }
        ErrorKind::PermissionDenied => {
            "no permission; let the user that runs mcpo own it, or choose another folder with --token-dir"
                .to_owned()
        }
        ErrorKind::ReadOnlyFilesystem => {
            "on a read-only file system; choose a writable folder with --token-dir".to_owned()
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "could not be written, the disk is full; make room and try again".to_owned()
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a file is in the way of the folder; choose another with --token-dir".to_owned()
        }
        ErrorKind::IsADirectory => "a folder is in the way of the file; move it away".to_owned(),
        kind => format!("cannot be used ({kind}); mend it, or choose another folder with --token-dir"),
    };
    BackendError::at(path.display(), message)
}

#[cfg(test)]
mod tests {
    use nix::libc::{EACCES, EDQUOT, ENOSPC, EROFS};

    use super::*;

    #[test]
    fn errors_say_what_to_do() {
        for (code, words) in [
            (ENOSPC, "the disk is full; make room"),
            (EDQUOT, "the disk is full; make room"),
            (EROFS, "read-only file system; choose a writable folder with --token-dir"),
            (EACCES, "no permission; let the user that runs mcpo own it"),
            (ELOOP, "a symbolic link"),
        ] {
            let error = explain(Path::new("/t/one.json"), &io::Error::from_raw_os_error(code)).to_string();
            assert!(error.starts_with("/t/one.json: ") && error.contains(words), "{error}");
        }
    }
}
