//! Starts a program with a sandbox: in a process of ours that confines itself and then becomes the program.

use std::{
    io::{BufRead as _, BufReader, Write as _, pipe},
    os::unix::process::CommandExt as _,
    process::Command,
};

use nix::unistd::Pid;

use crate::{
    child::{
        message::{Confined, Confinement, ShimReport, Spec},
        passed,
        start::{OWN_BINARY, SANDBOX, explain, pid_of},
    },
    config::Sandbox,
};

pub(super) fn start(spec: &Spec, sandbox: &Sandbox) -> Result<(Pid, Confinement), String> {
    let failed = |error: std::io::Error| format!("its sandbox cannot be set up: {error}");
    let (their_control, mut control) = pipe().map_err(failed)?;
    let (reports, their_reports) = pipe().map_err(failed)?;
    let path = spec.environment.iter().rfind(|(name, _)| name == "PATH").map(|(_, path)| path.clone());
    let confined =
        Confined { program: spec.program.clone(), args: spec.args.clone(), path, sandbox: sandbox.clone() };
    let mut command = Command::new(OWN_BINARY);
    command.arg(SANDBOX).env_clear();
    command
        .args([passed::pass(&their_control).map_err(failed)?, passed::pass(&their_reports).map_err(failed)?]);
    command.envs(spec.environment.iter().map(|(name, value)| (name, value)));
    let child = command.process_group(0).spawn().map_err(|error| explain(&error))?;
    drop((their_control, their_reports));
    serde_json::to_writer(&control, &confined).map_err(|error| failed(error.into()))?;
    control.flush().map_err(failed)?;
    drop(control);
    // The pipe ends when the program has taken the process over, or when it could not.
    let reports = BufReader::new(reports).lines().map_while(Result::ok);
    let reports: Vec<ShimReport> = reports.filter_map(|line| serde_json::from_str(&line).ok()).collect();
    match reports.into_iter().next_back() {
        Some(ShimReport::Started(Some(confinement))) => Ok((pid_of(&child), confinement)),
        Some(ShimReport::Failed(reason)) => Err(reason),
        _ => Err("its sandbox was not set up".into()),
    }
}
