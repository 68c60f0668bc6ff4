//! Whether the program of a command can be started, looked up as the system does.
//!
//! Only a single server is checked, when mcpo starts: there is nothing else to serve, and waiting does not install a
//! program. One of several servers only fails itself, and tries again.

use std::{
    fs::File,
    io::Read as _,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::Stdio;
use crate::{config::Environment, secret::ExposeSecret};

/// Where the system looks for programs without PATH.
const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// The longest first line of a script that Linux reads, in bytes.
const FIRST_LINE: usize = 256;

/// Returns why the program of `stdio` cannot be started; `None` if nothing speaks against it.
pub(crate) fn fault(stdio: &Stdio, environment: &Environment) -> Option<String> {
    let own = stdio.variable("PATH").map(ExposeSecret::expose_secret);
    let path = own.or_else(|| environment.get("PATH")).unwrap_or(DEFAULT_PATH);
    let is_path = stdio.program.as_os_str().as_bytes().contains(&b'/');
    let candidates: Vec<PathBuf> = if is_path {
        [stdio.program.clone()].to_vec()
    } else {
        path.split(':').map(|folder| Path::new(folder).join(&stdio.program)).collect()
    };
    let found: Vec<_> = candidates.iter().filter_map(|file| Some((file, file.metadata().ok()?))).collect();
    let startable = found.iter().find(|(_, data)| data.is_file() && data.permissions().mode() & 0o111 != 0);
    match (startable, found.first()) {
        (Some((file, _)), _) => interpreter(file).filter(|program| !program.exists()).map(|program| {
            format!("{} is a script for {}, which does not exist", file.display(), program.display())
        }),
        (None, Some((file, data))) if data.is_dir() => Some(format!("{} is a folder", file.display())),
        (None, Some((file, _))) => {
            Some(format!("{} is not executable; chmod +x makes it so", file.display()))
        }
        (None, None) if is_path => Some("no such file".to_owned()),
        (None, None) => Some("no such program; is it installed and on PATH?".to_owned()),
    }
}

/// Returns the interpreter that the first line of a script names.
fn interpreter(script: &Path) -> Option<PathBuf> {
    let mut beginning = Vec::new();
    File::open(script).ok()?.take(FIRST_LINE as u64).read_to_end(&mut beginning).ok()?;
    let line = beginning.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let program = str::from_utf8(line).ok()?.split_whitespace().next()?;
    Some(program.into())
}
