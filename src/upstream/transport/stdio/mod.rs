//! The stdio transport: a child process, one JSON-RPC message a line (MCP 2025-11-25, Transports).
//!
//! Three tasks own the child's three streams and a fourth the child itself; all of them end with it.

mod command_line;
mod lines;
mod outbox;
mod stderr;
pub(crate) mod stderr_tail;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use bytes::Buf;
use tokio::{
    io::{AsyncWriteExt, BufReader},
    process::{ChildStdin, ChildStdout},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::info;

use self::{
    command_line::CommandLine,
    lines::ReadLine,
    outbox::{Outbox, Queued},
    stderr::DRAIN_TIMEOUT,
    stderr_tail::StderrTail,
};
use super::inbound::Inbound;
use crate::{
    child::{Confinement, Process, Spec, StartError},
    config,
    held::Hold,
    upstream::protocol::{
        error::{ConnectError, TransportError},
        excerpt::Excerpt,
        json_rpc::{frame::Frame, reply::RawReply},
        request::Request,
    },
};

/// What can be seen of a program from outside its connection. The session shares it with every start.
#[derive(Clone, Default)]
pub(crate) struct ProgramView {
    /// What it wrote on stderr.
    pub(crate) stderr_tail: StderrTail,
    /// What its sandbox does.
    pub(crate) confinement: Arc<ArcSwapOption<Confinement>>,
}

/// A running child.
pub(crate) struct StdioTransport {
    inbound: Arc<Inbound>,
    outbox: Arc<Outbox>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl StdioTransport {
    /// Starts the child; its handshake is still to come.
    /// `outlive` keeps the gateway from exiting before the child has ended, even if this is dropped.
    pub(super) async fn spawn(
        server: &str,
        config: &config::Stdio,
        inbound: Arc<Inbound>,
        view: &ProgramView,
        outlive: &TaskTracker,
    ) -> Result<Self, ConnectError> {
        let ProgramView { stderr_tail, confinement } = view;
        stderr_tail.clear();
        let program = config.program.display().to_string();
        let command = CommandLine { program: &program, args: &config.args }.to_string();
        info!(server, command = %Excerpt(&command), "starting");
        let failed = |reason: String| ConnectError::Spawn { program: program.clone(), reason };
        if let Some(directory) = config.cwd.as_ref().filter(|directory| !directory.is_dir()) {
            return Err(failed(format!("its `cwd` {} is not a directory", directory.display())));
        }
        let spec = Spec {
            program: config.program.clone(),
            args: config.args.clone(),
            environment: config.environment(),
            sandbox: config.sandbox.clone(),
        };
        let process = Process::start(&spec, config.cwd.as_deref(), &command).await;
        let mut process = process.map_err(|StartError(reason)| failed(reason))?;
        let Some((stdin, stdout, stderr)) = process.streams() else {
            return Err(failed("its pipes are missing".into()));
        };
        if let Some(confined) = process.confinement() {
            confined.log(server);
        }
        confinement.store(process.confinement().cloned().map(Arc::new));

        let outbox = Arc::new(Outbox::new());
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (silent, heard_out) = (CancellationToken::new(), CancellationToken::new());
        let told = heard_out.clone().drop_guard();
        let log = stderr::log(stderr, inbound.clone(), stderr_tail.clone(), stop.clone(), told);
        tasks.spawn(write(stdin, outbox.clone(), inbound.clone(), stop.clone()));
        tasks.spawn(read(stdout, inbound.clone(), silent.clone()));
        tasks.spawn(log);
        tasks.spawn(outlive.track_future(keep(process, inbound.clone(), [silent, heard_out], stop.clone())));
        tasks.close();
        Ok(Self { inbound, outbox, stop, tasks })
    }

    /// Sends a request and waits for its answer. Dropping the future withdraws the request if it is not written yet,
    /// and cancels it otherwise.
    pub(super) async fn request(&self, request: Request<'_>) -> Result<RawReply, TransportError> {
        let ticket = self.inbound.expect(request.id, request.is_call())?;
        let queued = self.queue(Some(request.id), request.frame).await?;
        let reply = ticket.answer().await;
        match (reply, queued.was_taken()) {
            (Err(TransportError::Lost(reason)), false) => Err(TransportError::NotSent(reason)),
            (reply, _) => reply,
        }
    }

    /// Queues a message; waits while the child is too slow to read.
    pub(super) async fn send(&self, frame: Frame) -> Result<(), TransportError> {
        self.queue(None, frame).await.map(drop)
    }

    async fn queue(&self, call: Option<u64>, frame: Frame) -> Result<Queued<'_>, TransportError> {
        tokio::select! {
            queued = self.outbox.put(call, frame) => Ok(queued),
            () = self.inbound.closed() => Err(TransportError::NotSent(self.inbound.reason())),
        }
    }

    /// Ends the child and all it has started.
    pub(super) async fn close(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for StdioTransport {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Owns stdin. Returning closes it, which asks the child to end.
async fn write(mut stdin: ChildStdin, outbox: Arc<Outbox>, inbound: Arc<Inbound>, stop: CancellationToken) {
    let work = async {
        loop {
            let message = outbox.take().await;
            let mut line = message.frame.clone().into_line();
            match stdin.write(&line).await {
                Ok(written) => line.advance(written),
                // A write that fails has written nothing.
                Err(error) => {
                    outbox.put_back(message);
                    return error;
                }
            }
            if let Err(error) = stdin.write_all(&line).await {
                return error;
            }
        }
    };
    tokio::select! {
        error = work => inbound.close(format!("the server no longer reads its input: {error}")),
        () = stop.cancelled() => {}
    }
}

/// Owns stdout until the child, and every process that has inherited it, closes it.
async fn read(stdout: ChildStdout, inbound: Arc<Inbound>, silent: CancellationToken) {
    let mut stdout = BufReader::with_capacity(64 << 10, stdout);
    let (mut line, mut hold) = (Vec::new(), Hold::by(inbound.holder.clone()));
    let messages = async {
        loop {
            let (refusal, line_is) =
                match lines::read(&mut stdout, &mut line, || inbound.max_message(), &mut hold).await {
                    Ok(ReadLine::Read) => {
                        match line.is_empty() {
                            true => inbound.charge(0),
                            false => inbound.accept(&line),
                        }
                        lines::release(&mut line, &mut hold);
                        inbound.pace().await;
                        continue;
                    }
                    Ok(ReadLine::TooLong) => {
                        let limit = inbound.max_message();
                        (TransportError::TooLarge(limit), format!("of more than {limit} bytes"))
                    }
                    Ok(ReadLine::NoRoom(full)) => (TransportError::NoRoom(full), "without room".to_owned()),
                    Ok(ReadLine::End) => return "the server closed its output".to_owned(),
                    Err(error) => return format!("the server's output cannot be read: {error}"),
                };
            // An end of the stream shows on the next read.
            if let Ok(false) = lines::skip(&mut stdout, &mut line).await {
                return "the server sends a line without end".to_owned();
            }
            let (head, tail) = line.split_at(lines::END.min(line.len()));
            if !inbound.refuse(head, tail, refusal) {
                return format!("the server sent a line {line_is}");
            }
        }
    };
    let reason = tokio::select! {
        reason = messages => reason,
        () = inbound.closed() => return,
    };
    silent.cancel();
    // If the child has exited, the keeper knows the reason better.
    if timeout(DRAIN_TIMEOUT, inbound.closed()).await.is_err() {
        inbound.close(reason);
    }
}

/// Owns the child: notices its exit, and ends all that it has started.
async fn keep(
    mut process: Process,
    inbound: Arc<Inbound>,
    ends: [CancellationToken; 2],
    stop: CancellationToken,
) {
    tokio::select! {
        ending = process.exit() => {
            // What it has said last is still on its way.
            let [stdout, stderr] = &ends;
            let _ = timeout(DRAIN_TIMEOUT, async { tokio::join!(stdout.cancelled(), stderr.cancelled()) }).await;
            inbound.close(format!("the server's process {ending}"));
        }
        () = inbound.closed() => {}
        () = stop.cancelled() => inbound.close("the server is being stopped"),
    }
    stop.cancel();
    process.end().await;
}
