//! The shim: the parent of one program and of all that the program leaves behind (`PR_SET_CHILD_SUBREAPER`).
//!
//! It has no runtime and no threads, holds none of the program's streams, and sleeps until something ends. Its pipe from
//! the gateway ends with the gateway, however that goes.
//!
//! Invariant: it returns only when it has no child left, or when what is left cannot be killed.

mod confined;
mod meter;

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    process::Command,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl,
        signal::{SigSet, Signal, kill},
        signalfd::{SfdFlags, SignalFd},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, setsid},
};

use self::meter::Meter;
use super::{
    message::{Confinement, GRACE, ShimReport, Spec},
    passed, processes,
    start::{explain, pid_of},
};

/// How long it may take after SIGTERM if the gateway is gone: nobody waits for what it does.
const HASTE: Duration = Duration::from_secs(1);
/// How often what is left is killed again.
const AGAIN: Duration = Duration::from_millis(20);
/// How long that is tried.
const GIVE_UP: Duration = Duration::from_secs(10);
/// Processes that start others are stopped before they are killed; so many looks find all of them.
const MOST_LOOKS: usize = 32;

/// Plays the shim of one program.
pub(super) fn run(control: &str, reports: &str) -> io::Result<()> {
    let _ = prctl::set_name(c"mcp-shim");
    // Out of reach of the terminal, and of signals to the program's group. No process of ours leads a session.
    setsid()?;
    // The environment of the program passes through here, which is nobody's business.
    prctl::set_dumpable(false)?;
    prctl::set_child_subreaper(true)?;
    let (control, mut reports) = (passed::reader(control)?, passed::writer(reports)?);
    passed::close_others([&control, &reports])?;
    let mut control = BufReader::new(control);
    let mut line = Vec::new();
    if control.read_until(b'\n', &mut line)? == 0 {
        return Ok(());
    }
    let spec: Spec = serde_json::from_slice(&line)?;
    // Blocked signals would stay so in the program, so they are blocked only now.
    let started = start(&spec);
    SigSet::all().thread_block()?;
    let report = match &started {
        Ok((_, confinement)) => ShimReport::Started(confinement.clone()),
        Err(reason) => ShimReport::Failed(reason.clone()),
    };
    reports.write_all(&report.line())?;
    let Ok((program, _)) = started else { return Ok(()) };
    release_streams()?;
    let mut caught = SigSet::empty();
    caught.add(Signal::SIGCHLD);
    caught.add(Signal::SIGTERM);
    let signals = SignalFd::with_flags(&caught, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
    let meter = spec.sandbox.as_ref().and_then(Meter::new);
    // Secrets of the program are nothing to keep.
    drop((spec, line));
    let shim = Shim { program, control: Some(control), reports, signals, phase: ShimPhase::Running, meter };
    shim.keep()
}

fn start(spec: &Spec) -> Result<(Pid, Option<Confinement>), String> {
    if let Some(sandbox) = &spec.sandbox {
        let (pid, confinement) = confined::start(spec, sandbox)?;
        return Ok((pid, Some(confinement)));
    }
    let mut command = Command::new(&spec.program);
    command.args(&spec.args).env_clear().envs(spec.environment.iter().map(|(name, value)| (name, value)));
    let child = command.process_group(0).spawn().map_err(|error| explain(&error))?;
    Ok((pid_of(&child), None))
}

/// Lets go of the program's streams, so that each ends with the program.
fn release_streams() -> io::Result<()> {
    let nothing = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&nothing)?;
    dup2_stdout(&nothing)?;
    dup2_stderr(&nothing)?;
    Ok(())
}

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ShimPhase {
    Running,
    /// Its stdin is closed; SIGTERM comes at this time.
    Leaving(Instant),
    /// It has got SIGTERM; SIGKILL comes at this time.
    Terminating(Instant),
    /// All that is left is killed until this time.
    Killing(Instant),
}

struct Shim {
    program: Pid,
    /// `None` once the gateway has let go.
    control: Option<BufReader<File>>,
    reports: File,
    signals: SignalFd,
    phase: ShimPhase,
    meter: Option<Meter>,
}

impl Shim {
    /// Keeps the program until nothing of it is left.
    fn keep(mut self) -> io::Result<()> {
        loop {
            if self.reap()? || !self.advance() {
                return Ok(());
            }
            self.wait()?;
            while let Some(signal) = self.signals.read_signal()? {
                if signal.ssi_signo.cast_signed() == Signal::SIGTERM as i32 {
                    self.kill_from(Instant::now());
                }
            }
        }
    }

    /// Takes the ends of children. Returns whether no child is left.
    fn reap(&mut self) -> io::Result<bool> {
        loop {
            let report = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) if pid == self.program => ShimReport::Exited(code),
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == self.program => {
                    ShimReport::Killed(signal as i32)
                }
                Ok(WaitStatus::StillAlive) => return Ok(false),
                Ok(_) | Err(Errno::EINTR) => continue,
                Err(Errno::ECHILD) => return Ok(true),
                Err(error) => return Err(error.into()),
            };
            self.report(&report);
            if matches!(self.phase, ShimPhase::Running | ShimPhase::Leaving(_)) {
                self.terminate(GRACE);
            }
        }
    }

    /// Does what is due. Returns false if what is left cannot be killed.
    fn advance(&mut self) -> bool {
        let now = Instant::now();
        match self.phase {
            ShimPhase::Leaving(until) if now >= until => self.terminate(GRACE),
            ShimPhase::Terminating(until) if now >= until => self.kill_from(now),
            ShimPhase::Killing(until) if now >= until => return false,
            ShimPhase::Killing(_) => kill_descendants(),
            _ => {}
        }
        if let (ShimPhase::Running, Some(part)) = (self.phase, self.meter.as_mut().and_then(Meter::exceeded))
        {
            self.report(&ShimReport::Exceeded(part));
            self.kill_from(now);
        }
        true
    }

    /// Waits for a signal, for word of the gateway, or for the next thing to do.
    fn wait(&mut self) -> io::Result<()> {
        let timeout = match (self.phase, &self.meter) {
            (ShimPhase::Running, None) => PollTimeout::NONE,
            (ShimPhase::Running, Some(_)) => millis(meter::INTERVAL),
            (ShimPhase::Killing(_), _) => millis(AGAIN),
            (ShimPhase::Leaving(until) | ShimPhase::Terminating(until), _) => {
                millis(until.saturating_duration_since(Instant::now()) + Duration::from_millis(1))
            }
        };
        let mut watched = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        watched.extend(
            self.control.as_ref().map(|control| PollFd::new(control.get_ref().as_fd(), PollFlags::POLLIN)),
        );
        match poll(&mut watched, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let heard = watched.get(1).and_then(PollFd::any).unwrap_or_default();
        let already = self.control.as_ref().is_some_and(|control| !control.buffer().is_empty());
        if heard || already {
            self.listen();
        }
        Ok(())
    }

    /// Takes the gateway's word: an end with patience, or none at all.
    fn listen(&mut self) {
        let Some(mut control) = self.control.take() else { return };
        let mut word = [0; 16];
        let told = control.read(&mut word).is_ok_and(|length| length > 0);
        if self.phase != ShimPhase::Running {
            return;
        }
        if told {
            self.phase = ShimPhase::Leaving(Instant::now() + GRACE);
        } else {
            self.terminate(HASTE);
        }
    }

    fn terminate(&mut self, patience: Duration) {
        for pid in processes::descendants(Pid::this()) {
            let _ = kill(pid, Signal::SIGTERM);
        }
        self.phase = ShimPhase::Terminating(Instant::now() + patience);
    }

    fn kill_from(&mut self, now: Instant) {
        if !matches!(self.phase, ShimPhase::Killing(_)) {
            self.phase = ShimPhase::Killing(now + GIVE_UP);
            kill_descendants();
        }
    }

    /// Reports to the gateway, if it is still there.
    fn report(&mut self, report: &ShimReport) {
        let _ = self.reports.write_all(&report.line());
    }
}

/// Kills what is left. All are stopped first, so that none starts another meanwhile.
fn kill_descendants() {
    let mut known = Vec::new();
    for _ in 0..MOST_LOOKS {
        let found = processes::descendants(Pid::this());
        let new: Vec<_> = found.iter().filter(|pid| !known.contains(*pid)).copied().collect();
        if new.is_empty() {
            break;
        }
        for pid in &new {
            let _ = kill(*pid, Signal::SIGSTOP);
        }
        known.extend(new);
    }
    for pid in known {
        let _ = kill(pid, Signal::SIGKILL);
    }
}

fn millis(time: Duration) -> PollTimeout {
    PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX)
}
