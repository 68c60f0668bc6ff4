//! The one way in which files of the configuration are read: those that options and keys name, at the start and at each
//! reload.
//!
//! Invariant: what is read is a regular file, or what a link leads to, of a bounded size; opening it waits for nobody.
//! At the start, and only then, it may be a pipe that mcpo inherits or finds (`--config <(…)`, `/dev/stdin`), which gets
//! a deadline: what comes through a pipe comes once.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use nix::libc::{ENXIO, O_NOCTTY, O_NONBLOCK};

use super::error::reason;

/// Far more than any configuration needs, in bytes.
const LARGEST: u64 = 16 << 20;
/// How long a pipe may take to bring all it has. Its writer may ask a person, or a vault.
const PIPE: Duration = Duration::from_secs(60);
/// The wait before a pipe is looked at again.
const LOOK: Duration = Duration::from_millis(10);

/// Whether the process has read its first configuration.
static STARTED: AtomicBool = AtomicBool::new(false);

/// Ends the time in which pipes are read.
pub fn end_start() {
    STARTED.store(true, Ordering::Relaxed);
}

/// Returns what is in the file.
///
/// # Errors
///
/// It cannot be read, or is no file; the text says why.
pub fn read_file(path: impl AsRef<Path>) -> Result<Vec<u8>, String> {
    read(path.as_ref(), !STARTED.load(Ordering::Relaxed), PIPE)
}

fn read(path: &Path, pipes: bool, patience: Duration) -> Result<Vec<u8>, String> {
    let mut options = OpenOptions::new();
    let opened = options.read(true).custom_flags(O_NONBLOCK | O_NOCTTY).open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        Some(ENXIO) => "it is a socket; name a file".to_owned(),
        _ => reason(&error),
    })?;
    let found = file.metadata().map_err(|error| reason(&error))?;
    let kind = found.file_type();
    let mut bytes = Vec::new();
    let read = match kind {
        _ if kind.is_file() && found.len() > LARGEST => return Err(too_large()),
        _ if kind.is_file() => file.take(LARGEST + 1).read_to_end(&mut bytes).map(drop),
        _ if kind.is_fifo() && pipes => drain(file, &mut bytes, patience),
        _ if kind.is_fifo() => {
            return Err("it is a pipe, which is read at the start alone; name a file".to_owned());
        }
        _ if kind.is_dir() => return Err("it is a directory".to_owned()),
        // `/dev/null` stands for an empty file.
        _ if is_over(&file) => Ok(()),
        _ => return Err("it is a device; name a file".to_owned()),
    };
    read.map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => {
            format!("it is a pipe, and nobody wrote all of it within {} s", patience.as_secs())
        }
        _ => reason(&error),
    })?;
    // What grows while it is read, or does not tell its size.
    if bytes.len() as u64 > LARGEST { Err(too_large()) } else { Ok(bytes) }
}

fn is_over(mut device: &File) -> bool {
    matches!(device.read(&mut [0]), Ok(0))
}

fn too_large() -> String {
    format!("it is larger than {} MiB", LARGEST >> 20)
}

/// Reads a pipe to its end. A pipe that nobody has opened to write into looks as if it had ended, so an end counts only
/// after something has come.
fn drain(mut pipe: File, bytes: &mut Vec<u8>, patience: Duration) -> io::Result<()> {
    let start = Instant::now();
    let mut buffer = [0; 8192];
    while bytes.len() as u64 <= LARGEST {
        match pipe.read(&mut buffer) {
            Ok(0) if !bytes.is_empty() => return Ok(()),
            Ok(read) if read > 0 => {
                bytes.extend_from_slice(&buffer[..read]);
                continue;
            }
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        if start.elapsed() >= patience {
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        os::unix::{fs::symlink, net::UnixListener},
        process::Command,
    };

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    fn make_pipe(path: &Path) {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn only_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let _socket = UnixListener::bind(path("socket")).unwrap();
        make_pipe(&path("pipe"));
        symlink(path("pipe"), path("link")).unwrap();
        File::create(path("large")).unwrap().set_len(1 << 40).unwrap();
        for (name, expected) in [
            ("nothing", "no such file"),
            ("", "it is a directory"),
            ("socket", "it is a socket; name a file"),
            ("pipe", "it is a pipe, which is read at the start alone; name a file"),
            ("link", "it is a pipe, which is read at the start alone; name a file"),
            ("large", "it is larger than 16 MiB"),
            ("/dev/zero", "it is a device; name a file"),
            ("/dev/full", "it is a device; name a file"),
        ] {
            assert_eq!(read(&path(name), false, SHORT).unwrap_err(), expected, "{name}");
        }
        assert_eq!(read(Path::new("/dev/null"), false, SHORT), Ok(Vec::new()));
        // It does not tell its size.
        assert!(!read(Path::new("/proc/self/status"), false, SHORT).unwrap().is_empty());
    }

    #[test]
    fn a_pipe_has_a_deadline_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        make_pipe(&path);
        let late = "it is a pipe, and nobody wrote all of it within 0 s";
        assert_eq!(read(&path, true, SHORT).unwrap_err(), late);
        let text = "x".repeat(1 << 20);
        let written = text.clone();
        let own = path.clone();
        let writer = thread::spawn(move || {
            let mut pipe = OpenOptions::new().write(true).open(own).unwrap();
            pipe.write_all(written.as_bytes()).unwrap();
        });
        assert_eq!(read(&path, true, PIPE).unwrap(), text.as_bytes());
        writer.join().unwrap();
        let _held = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        assert_eq!(read(&path, true, SHORT).unwrap_err(), late);
    }
}
