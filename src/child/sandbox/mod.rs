//! A program about to be: it confines itself, and then becomes the program.
//!
//! Invariant: unless the sandbox says `best_effort`, no program runs with a part of its sandbox missing. A failure is
//! reported before the program has run.

mod calls;
mod files;

use std::{
    fs::File,
    io::{self, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    process::Command,
};

use caps::CapSet;
use nix::sys::{
    prctl,
    resource::{Resource, setrlimit},
};

use super::{
    message::{Confined, Confinement, Part, ShimReport},
    passed,
    start::explain,
};
use crate::config::{FoundProgram, Sandbox, find_program};

/// How much more than it may use a process may reserve: Node reserves 600 MB for itself before it does anything.
const RESERVED: u64 = 1 << 30;

/// Becomes the program that `control` tells of, or reports why it cannot.
pub(super) fn run(control: &str, reports: &str) -> io::Result<()> {
    let (control, mut reports) = (passed::reader(control)?, passed::writer(reports)?);
    let confined: Confined = serde_json::from_reader(BufReader::new(control))?;
    let reason = become_program(&confined, &mut reports);
    reports.write_all(&ShimReport::Failed(reason).line())
}

/// Returns only if it fails, with the reason.
fn become_program(confined: &Confined, reports: &mut File) -> String {
    let found = match find_program(&confined.program, confined.path.as_deref()) {
        Ok(found) => found,
        Err(fault) => return fault,
    };
    let confinement = match confine(&confined.sandbox, &found) {
        Ok(confinement) => confinement,
        Err(reason) => return reason,
    };
    if reports.write_all(&ShimReport::Started(Some(confinement)).line()).is_err() {
        return "its shim is gone".into();
    }
    let error = Command::new(&found.file).arg0(&confined.program).args(&confined.args).exec();
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!(
            "{}: permission denied; is it executable, and are its interpreter and its libraries readable in its \
             \"sandbox\"?",
            found.file.display()
        ),
        _ => explain(&error),
    }
}

/// Confines this process for good.
fn confine(sandbox: &Sandbox, program: &FoundProgram) -> Result<Confinement, String> {
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("its sandbox: {what}: {error}");
    prctl::set_no_new_privs().map_err(|error| failed("no_new_privs", &error))?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(|error| failed("RLIMIT_CORE", &error))?;
    let mut confinement = Confinement::default();
    let mut note = |part, works| {
        let list = if works { &mut confinement.enforced } else { &mut confinement.missing };
        list.push(part);
    };
    let files = files::confine(sandbox, program)?;
    note(Part::Files, files.is_complete);
    note(Part::Signals, files.signals);
    // Root without them is a user like others. What Landlock and seccomp forbid stays forbidden anyway.
    drop_capabilities().map_err(|error| failed("capabilities", &error))?;
    let calls = calls::confine(sandbox.network);
    note(Part::SystemCalls, calls);
    if !sandbox.network {
        note(Part::Network, calls);
    }
    if let Some(memory) = sandbox.memory {
        // The shim counts what all processes use together. This keeps a single one from outrunning it.
        let most = memory.get().saturating_add(RESERVED);
        setrlimit(Resource::RLIMIT_DATA, most, most).map_err(|error| failed("RLIMIT_DATA", &error))?;
        note(Part::Memory, true);
    }
    if sandbox.processes.is_some() {
        note(Part::Processes, true);
    }
    if confinement.missing.is_empty() || sandbox.best_effort {
        return Ok(confinement);
    }
    let missing: Vec<_> = confinement.missing.iter().map(ToString::to_string).collect();
    Err(format!(
        "this system lacks parts of its sandbox: {}. Another kernel has them; \"best_effort\": true in its \"sandbox\" \
         starts it without",
        missing.join(", ")
    ))
}

fn drop_capabilities() -> Result<(), caps::errors::CapsError> {
    caps::clear(None, CapSet::Ambient)?;
    if caps::has_cap(None, CapSet::Effective, caps::Capability::CAP_SETPCAP)? {
        caps::clear(None, CapSet::Bounding)?;
    }
    for set in [CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        caps::clear(None, set)?;
    }
    Ok(())
}
