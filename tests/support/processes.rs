//! Processes as `/proc` shows them: who is left of a family that shares a mark in its environment.

use std::{fs, path::Path};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::Gateway;

/// The variable that marks a gateway and all that it starts.
pub(crate) const MARK: &str = "TEST_MARK";

/// A running process.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) command: String,
}

impl Process {
    /// Whether its command line names this program or script.
    pub(crate) fn runs(&self, name: &str) -> bool {
        self.command.split(' ').any(|word| Path::new(word).file_name().is_some_and(|file| file == name))
    }
}

/// All living processes with `TEST_MARK=mark` in their environment. A zombie has no environment, so is none.
pub(crate) fn marked(mark: &str) -> Vec<Process> {
    let wanted = format!("{MARK}={mark}");
    let pids = fs::read_dir("/proc")
        .expect("Linux")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        environment.split(|&byte| byte == 0).find(|&pair| pair == wanted.as_bytes())?;
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ").trim().to_owned();
        // "pid (name) state parent ...": the name may hold anything, so look behind its last bracket.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        Some(Process { pid, parent, command })
    })
    .collect()
}

/// The program of a gateway's first server. Its parent is its shim, which has no variable at all.
pub(crate) fn program(gateway: &Gateway) -> u32 {
    let family = marked(&gateway.mark());
    let has_parent = |it: &Process| family.iter().any(|other| other.pid == it.parent);
    let mut programs = family.iter().filter(|it| it.pid != gateway.pid() && !has_parent(it));
    programs.next().expect("a program runs").pid
}

/// The living processes with this parent.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    of_parent(parent).into_iter().filter(|pid| is_alive(*pid)).collect()
}

/// How many children of this process have ended without being reaped.
pub(crate) fn zombies(parent: u32) -> usize {
    of_parent(parent).into_iter().filter(|pid| !is_alive(*pid)).count()
}

fn of_parent(parent: u32) -> Vec<u32> {
    let parent = parent.to_string();
    let pids = fs::read_dir("/proc").expect("Linux");
    let pids = pids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|stat| stat.get(1) == Some(&parent))).collect()
}

/// Whether a process runs; a zombie does not.
pub(crate) fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| stat.first().is_some_and(|state| state != "Z" && state != "X"))
}

/// The state and what follows it.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}

/// Sends a signal; a process that is gone already is no error.
pub(crate) fn signal(pid: u32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
}
