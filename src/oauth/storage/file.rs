//! Records as files in a folder that is its owner's alone: `{key}.json`, and `{key}.lock` beside it.
//!
//! A record is written to a temporary file in the same folder, flushed, and renamed over the old one; then the
//! folder is flushed. Whenever mcpo is killed, or the power fails, `{key}.json` is the old record or the new one,
//! never a part of one: only the rename touches that name, and it is atomic. What a kill can leave behind is a
//! temporary file, swept away an hour later. A lock ends with its process, as the system sees to that.
//!
//! Invariant: no file of ours was ever readable for others, not even while it was being written.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::libc::{ELOOP, O_NOFOLLOW};

use super::{
    backend::{BackendError, Lock, RecordKey, StorageBackend},
    plain_file::{self, FILE_RIGHTS, explain, has_wider_rights, narrow},
};

const FOLDER_RIGHTS: u32 = 0o700;
/// What temporary files begin with.
const TEMPORARY: &str = ".mcpo-";
/// A temporary file of this age was left behind: writing takes moments.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Keeps records in a folder.
pub(crate) struct FileBackend {
    folder: PathBuf,
}

impl FileBackend {
    /// Opens the folder, which is made if it does not exist.
    pub(crate) fn open(folder: &Path) -> Result<Self, BackendError> {
        // Without the trailing slash, behind which a symbolic link would be followed.
        let store = Self { folder: folder.components().collect() };
        store.prepare()?;
        store.sweep();
        Ok(store)
    }

    /// Sees to it that the folder is there, and for its owner alone.
    fn prepare(&self) -> Result<(), BackendError> {
        let folder = &self.folder;
        let failed = |error: io::Error| explain(folder, &error);
        DirBuilder::new().recursive(true).mode(FOLDER_RIGHTS).create(folder).map_err(failed)?;
        if fs::symlink_metadata(folder).map_err(failed)?.is_symlink() {
            let message = "a symbolic link; give the folder that it leads to with --token-dir";
            return Err(BackendError::at(folder.display(), message));
        }
        let opened = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW).open(folder).map_err(failed)?;
        // Taking rights away here could lock a whole system's users out.
        if has_wider_rights(&opened).map_err(failed)? && self.is_shared(&opened).map_err(failed)? {
            let message =
                "open to others and not for tokens alone; give a folder of its own with --token-dir";
            return Err(BackendError::at(folder.display(), message));
        }
        narrow(&opened, folder, FOLDER_RIGHTS)
    }

    /// Whether the folder serves something else too: all users, as `/tmp` does, or other folders.
    fn is_shared(&self, opened: &File) -> io::Result<bool> {
        const STICKY: u32 = 0o1000;
        if opened.metadata()?.mode() & STICKY != 0 {
            return Ok(true);
        }
        for entry in fs::read_dir(&self.folder)? {
            if entry?.file_type()?.is_dir() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes temporary files that a kill has left behind; what cannot be removed does no harm.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let is_ours = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
            let age = entry.metadata().and_then(|metadata| metadata.modified()).map(|at| at.elapsed());
            if is_ours && matches!(age, Ok(Ok(age)) if age > ABANDONED) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn path(&self, key: &RecordKey, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", key.as_str()))
    }

    /// Writes beside `path`, and moves what is written there.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .permissions(Permissions::from_mode(FILE_RIGHTS))
            .tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        self.flush()
    }

    /// Makes a rename or removal last.
    fn flush(&self) -> io::Result<()> {
        match File::open(&self.folder)?.sync_all() {
            // Some network file systems cannot flush folders, nor need it.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            result => result,
        }
    }
}

impl StorageBackend for FileBackend {
    fn load(&self, key: &RecordKey) -> Result<Option<Vec<u8>>, BackendError> {
        let path = self.path(key, "json");
        let Some(file) = plain_file::open(&path)? else {
            return Ok(None);
        };
        narrow(&file, &path, FILE_RIGHTS)?;
        plain_file::contents(&file, &path).map(Some)
    }

    fn save(&self, key: &RecordKey, bytes: &[u8]) -> Result<(), BackendError> {
        self.prepare()?;
        let path = self.path(key, "json");
        // A link would be replaced, not followed; a link was not put there by mcpo.
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
            return Err(explain(&path, &io::Error::from_raw_os_error(ELOOP)));
        }
        self.replace(&path, bytes).map_err(|error| explain(&path, &error))
    }

    fn remove(&self, key: &RecordKey) -> Result<(), BackendError> {
        let path = self.path(key, "json");
        // The lock file stays: if it were removed, two processes could each hold a lock on a file of that name.
        match fs::remove_file(&path).and_then(|()| self.flush()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(explain(&path, &error)),
            _ => Ok(()),
        }
    }

    fn try_lock(&self, key: &RecordKey) -> Result<Option<Lock>, BackendError> {
        self.prepare()?;
        let path = self.path(key, "lock");
        let file = plain_file::create(&path)?;
        // The lock belongs to this opening of the file, so it holds against other threads too.
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock::new(LockedFile(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(explain(&path, &error)),
        }
    }

    fn describe(&self, key: &RecordKey) -> String {
        self.path(key, "json").display().to_string()
    }
}

/// A locked file.
struct LockedFile(File);

impl Drop for LockedFile {
    fn drop(&mut self) {
        // A child that is being started at this moment shares the lock until it has closed its copy of the file.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests;
