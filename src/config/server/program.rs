//! Whether the program of a command can be started, looked up as the system does.
//!
//! Only a single server is checked, when mcpo starts: there is nothing else to serve, and waiting does not install a
//! program. One of several servers only fails itself, and tries again.

use std::{
    ffi::OsStr,
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
    let path = own.or_else(|| environment.get("PATH")).map(OsStr::new);
    find_program(&stdio.program, path).err()
}

/// A program as it is found.
#[derive(Debug)]
pub(crate) struct FoundProgram {
    /// Its file.
    pub(crate) file: PathBuf,
    /// The program that runs it, if it is a script.
    pub(crate) interpreter: Option<PathBuf>,
}

/// Finds a program, by its path or in the folders of the variable PATH. Else returns why it cannot be started.
pub(crate) fn find_program(program: &Path, path: Option<&OsStr>) -> Result<FoundProgram, String> {
    let is_path = program.as_os_str().as_bytes().contains(&b'/');
    let candidates: Vec<PathBuf> = if is_path {
        [program.to_owned()].to_vec()
    } else {
        let path = path.unwrap_or(OsStr::new(DEFAULT_PATH)).as_bytes();
        let folders =
            path.split(|byte| *byte == b':').map(|folder| if folder.is_empty() { b"." } else { folder });
        folders.map(|folder| Path::new(OsStr::from_bytes(folder)).join(program)).collect()
    };
    let found: Vec<_> = candidates.iter().filter_map(|file| Some((file, file.metadata().ok()?))).collect();
    let startable = found.iter().find(|(_, data)| data.is_file() && data.permissions().mode() & 0o111 != 0);
    match (startable, found.first()) {
        (Some((file, _)), _) => match interpreter(file) {
            Some(interpreter) if !interpreter.exists() => Err(format!(
                "{} is a script for {}, which does not exist",
                file.display(),
                interpreter.display()
            )),
            interpreter => Ok(FoundProgram { file: (*file).clone(), interpreter }),
        },
        (None, Some((file, data))) if data.is_dir() => Err(format!("{} is a folder", file.display())),
        (None, Some((file, _))) => Err(format!("{} is not executable; chmod +x makes it so", file.display())),
        (None, None) if is_path => Err("no such file".to_owned()),
        (None, None) => Err("no such program; is it installed and on PATH?".to_owned()),
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
