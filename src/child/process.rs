//! The gateway's side of a program: it starts the shim, hears how the program goes, and has all of it ended.
//!
//! Invariant: when a [`Process`] is dropped, its shim ends all that the program has started, however it went.

use std::{
    io::{self, PipeReader, PipeWriter, pipe},
    os::fd::OwnedFd,
    path::Path,
    process::Stdio,
    time::Duration,
};

use nix::{sys::signal::Signal, unistd::Pid};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::unix::pipe,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::{
    living::{expect_orphans, kill_through, living},
    message::{Confinement, END, GRACE, Part, ShimReport, Spec},
    passed,
    start::{OWN_BINARY, SHIM, SHIM_NAME},
};
use crate::bounds::Bound;

/// How long a shim may take to kill what is left.
const KILL: Duration = Duration::from_secs(1);

/// Why a program could not be started.
#[derive(Debug)]
pub struct StartError(pub String);

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// A program that runs, with its shim.
pub struct Process {
    shim: Child,
    id: Pid,
    control: Option<pipe::Sender>,
    reports: Lines<BufReader<pipe::Receiver>>,
    confinement: Option<Confinement>,
}

impl Process {
    /// Starts a program in the folder `cwd`. `shown` is what `ps` shows of it beside the shim.
    ///
    /// # Errors
    ///
    /// The system refuses to, or cannot confine it as its sandbox says.
    pub async fn start(spec: &Spec, cwd: Option<&Path>, shown: &str) -> Result<Self, StartError> {
        let mut process = Self::spawn(cwd, shown)?;
        match process.hand_over(spec).await {
            Ok(ShimReport::Started(confinement)) => {
                if let Some(keeps) = living().as_mut().and_then(|shims| shims.get_mut(&process.id)) {
                    *keeps = true;
                }
                process.confinement = confinement;
                Ok(process)
            }
            Ok(ShimReport::Failed(reason)) => {
                // It has nothing left to do.
                let _ = timeout(KILL, process.shim.wait()).await;
                Err(StartError(reason))
            }
            Ok(_) => Err(StartError("its shim has lost its way".into())),
            Err(error) => Err(StartError(format!("its shim does not answer: {error}"))),
        }
    }

    fn spawn(cwd: Option<&Path>, shown: &str) -> io::Result<Self> {
        let (their_control, control) = pipe()?;
        let (reports, their_reports) = pipe()?;
        let mut living = living();
        let shims = living.as_mut().ok_or_else(|| io::Error::other("mcpo is ending"))?;
        let mut command = Command::new(OWN_BINARY);
        // While the lock is held, nothing else starts that could inherit the two pipes.
        let [control_number, reports_number] = [passed::pass(&their_control)?, passed::pass(&their_reports)?];
        command.arg0(SHIM_NAME).args([SHIM, &control_number, &reports_number, shown]).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(cwd) = cwd {
            command.current_dir(cwd);
        }
        let shim = command.spawn()?;
        let id = shim.id().and_then(|id| i32::try_from(id).ok()).ok_or(io::ErrorKind::NotFound)?;
        let id = Pid::from_raw(id);
        shims.insert(id, false);
        drop(living);
        Self::adopt(shim, id, control, reports)
    }

    fn adopt(shim: Child, id: Pid, control: PipeWriter, reports: PipeReader) -> io::Result<Self> {
        let control = pipe::Sender::from_owned_fd(OwnedFd::from(control))?;
        let reports = pipe::Receiver::from_owned_fd(OwnedFd::from(reports))?;
        let reports = BufReader::new(reports).lines();
        Ok(Self { shim, id, control: Some(control), reports, confinement: None })
    }

    /// Tells the shim what to start. Returns its first report.
    async fn hand_over(&mut self, spec: &Spec) -> io::Result<ShimReport> {
        let mut line = serde_json::to_vec(spec)?;
        line.push(b'\n');
        if let Some(control) = &mut self.control {
            control.write_all(&line).await?;
        }
        self.report().await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// The next report; `None` if the shim has ended.
    async fn report(&mut self) -> io::Result<Option<ShimReport>> {
        let line = self.reports.next_line().await?;
        Ok(line.map(|line| serde_json::from_str(&line)).transpose()?)
    }

    /// What its sandbox does; `None` if it has none.
    pub fn confinement(&self) -> Option<&Confinement> {
        self.confinement.as_ref()
    }

    /// Takes the program's standard streams, once.
    pub fn streams(&mut self) -> Option<(ChildStdin, ChildStdout, ChildStderr)> {
        Some((self.shim.stdin.take()?, self.shim.stdout.take()?, self.shim.stderr.take()?))
    }

    /// Waits for the program's end. Returns how it ended, in words.
    pub async fn exit(&mut self) -> String {
        match self.report().await {
            Ok(Some(ShimReport::Exited(code))) => format!("ended with exit code {code}"),
            Ok(Some(ShimReport::Killed(signal))) => match Signal::try_from(signal) {
                Ok(signal) => format!("ended with {signal}"),
                Err(_) => format!("ended with signal {signal}"),
            },
            Ok(Some(ShimReport::Exceeded(part))) => {
                match part {
                    Part::Memory => Bound::SandboxMemory.hit(),
                    _ => Bound::SandboxProcesses.hit(),
                }
                format!("was killed: it exceeds {} of its sandbox", part.name())
            }
            Ok(Some(ShimReport::Started(_) | ShimReport::Failed(_)) | None) | Err(_) => {
                // What it leaves behind is nobody's.
                expect_orphans();
                "was lost: something has killed its shim".into()
            }
        }
    }

    /// Ends the program and all it has started: politely at first (its stdin must be closed by now), then SIGTERM, then
    /// SIGKILL.
    pub async fn end(mut self) {
        if let Some(control) = self.control.take() {
            // The shim reads all of it at once, and a pipe takes so few bytes unless it is full of them.
            let _ = control.try_write(END);
        }
        if timeout(GRACE * 2 + KILL, self.shim.wait()).await.is_ok() {
            return;
        }
        kill_through(self.id, true);
        if timeout(KILL, self.shim.wait()).await.is_ok() {
            return;
        }
        // It is stopped or stuck. What it leaves behind becomes ours, and is killed.
        expect_orphans();
        let _ = timeout(KILL, self.shim.kill()).await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Before the lock is given back, so that the id cannot have become another's.
        let mut living = living();
        let keeps = living.as_mut().and_then(|shims| shims.remove(&self.id)).unwrap_or_default();
        if self.shim.id().is_some() {
            kill_through(self.id, keeps);
        }
    }
}
