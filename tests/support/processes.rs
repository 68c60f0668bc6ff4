//! Processes as `/proc` shows them: who is left of a family that shares a mark in its environment.

use std::{fs, path::Path};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

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

/// Sends a signal; a process that is gone already is no error.
pub(crate) fn signal(pid: u32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
}
