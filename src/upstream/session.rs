//! One server's session: the handle that callers hold. Its task is the `supervisor`'s.
//!
//! Invariant: a request goes out a second time only where the first never reached the tool, or where a second run does
//! no more than the first; and no call outlives its deadline, whatever it waits for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use serde_json::value::RawValue;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    connection::{Caller, ToolHeaders},
    dial::Dial,
    doubt::Renewals,
    error::CallError,
    forwarded::Forwarded,
    gate::Gate,
    health::Health,
    lane::Lease,
    last_words::LastWords,
    message::{Call, Trust},
    pool::{self, Pool},
    rounds,
    status::Status,
    supervisor,
    tally::Tally,
};
use crate::{
    config::{self, Upstream},
    oauth::Authorizer,
};

/// When to ask again while nothing better is known.
const SOON: Duration = Duration::from_millis(500);

/// A handle on one server's session; clones share it.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

/// What the handles and the session's task share.
pub(super) struct Shared {
    pub(super) config: config::Server,
    /// Nothing for servers that take no tokens.
    pub(super) authorizer: Option<Authorizer>,
    /// The largest message the server may send, in bytes.
    max_message: usize,
    pub(super) status: watch::Sender<Status>,
    pub(super) caller: ArcSwapOption<Caller>,
    pub(super) tally: Arc<Tally>,
    /// Counts the calls of all its connections.
    gate: Gate,
    tools: ToolHeaders,
    /// What its program wrote on stderr.
    pub(super) last_words: LastWords,
    /// The connections of callers with an identity.
    pub(super) pool: Pool,
    /// Whether it was ever connected: before, nobody waits for it.
    held: AtomicBool,
    /// Told when an attempt to connect has ended. Its receivers are the callers that wait for that.
    attempts: watch::Sender<()>,
    /// Told when a caller begins to wait.
    wanted: Notify,
    /// Whether its calls fail one after another.
    pub(super) health: Health,
    /// Whether new sessions were of any help.
    pub(super) renewals: Renewals,
}

impl Shared {
    /// What it takes to connect, for the caller of these headers or for all.
    pub(super) fn dial<'a>(&'a self, forwarded: Option<&'a Forwarded>) -> Dial<'a> {
        Dial {
            server: &self.config,
            authorizer: self.authorizer.as_ref(),
            forwarded,
            max_message: self.max_message,
            tools: &self.tools,
            last_words: &self.last_words,
        }
    }

    pub(super) fn is_program(&self) -> bool {
        matches!(self.config.upstream, Upstream::Stdio(_))
    }

    /// Opens a connection to callers.
    pub(super) fn connected(&self, caller: Arc<Caller>, renewed: bool) {
        if renewed {
            caller.enter_service(self.renewals.patience());
        } else {
            caller.enter_service(Duration::ZERO);
            self.health.reset();
        }
        self.caller.store(Some(caller));
        self.tally.connected();
        self.held.store(true, Ordering::Release);
        self.tell_waiting();
    }

    /// Ends an attempt that brought no connection.
    pub(super) fn conclude(&self, status: Status) {
        self.status.send_replace(status);
        self.tell_waiting();
    }

    /// Tells those that wait that the attempt has ended; they look for themselves how.
    pub(super) fn tell_waiting(&self) {
        self.attempts.send_replace(());
    }

    /// Resolves when a caller waits for a connection.
    pub(super) async fn wanted(&self) {
        while self.attempts.receiver_count() == 0 {
            self.wanted.notified().await;
        }
    }

    fn open_caller(&self) -> Option<Arc<Caller>> {
        self.caller.load_full().filter(|caller| caller.inbox.is_open())
    }
}

impl Session {
    /// Starts the session's task on `tasks`; it ends, with everything it has started, soon after `stop`.
    /// `max_message` bounds what the server may send at once, in bytes; `tally` is counted on.
    pub fn start(
        config: config::Server,
        authorizer: Option<Authorizer>,
        tally: Arc<Tally>,
        max_message: usize,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let shared = Arc::new(Shared {
            gate: Gate::new(&config.bounds),
            tools: ToolHeaders::default(),
            last_words: LastWords::default(),
            pool: Pool::new(tasks.clone(), stop.clone()),
            tally,
            config,
            authorizer,
            max_message,
            status: watch::Sender::new(Status::Connecting),
            caller: ArcSwapOption::empty(),
            held: AtomicBool::new(false),
            attempts: watch::Sender::new(()),
            wanted: Notify::new(),
            health: Health::default(),
            renewals: Renewals::default(),
        });
        tasks.spawn(supervisor::run(shared.clone(), tasks.clone(), stop));
        Self { shared }
    }

    /// Whether both are handles on one session.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The server as configured.
    pub fn config(&self) -> &config::Server {
        &self.shared.config
    }

    /// The server's authorization, where it can have one.
    pub fn authorizer(&self) -> Option<&Authorizer> {
        self.shared.authorizer.as_ref()
    }

    /// The session's status, now and as it changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    /// What is counted of its server.
    pub fn tally(&self) -> &Arc<Tally> {
        &self.shared.tally
    }

    /// How often its program was started again; nothing where it has none.
    pub fn restarts(&self) -> Option<u64> {
        self.shared.is_program().then(|| self.shared.tally.restarts())
    }

    /// How many of its calls run now.
    pub fn running(&self) -> usize {
        self.shared.gate.running()
    }

    /// How many of its calls wait for their turn now.
    pub fn queued(&self) -> usize {
        self.shared.gate.queued()
    }

    /// When a call that begins now has to have its answer.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.shared.config.bounds.call
    }

    /// Calls a tool, waiting for a connection and for its turn where it has to, until `deadline`. Dropping the future
    /// cancels the call upstream.
    ///
    /// # Errors
    ///
    /// [`CallError`] says whether the tool may have run.
    pub async fn call(&self, call: Call<'_>, deadline: Instant) -> Result<Box<RawValue>, CallError> {
        let (caller, lease) = self.reach(call, deadline).await?;
        let _turn = self.shared.gate.enter(deadline).await?;
        let outcome = self.run(&caller, call, deadline).await;
        // A refusal of one caller's own headers tells nothing of the server.
        if lease.is_none() || outcome.is_ok() {
            self.shared.health.note(&outcome);
        }
        outcome
    }

    /// Sends a call, twice at most.
    async fn run(
        &self,
        caller: &Arc<Caller>,
        call: Call<'_>,
        deadline: Instant,
    ) -> Result<Box<RawValue>, CallError> {
        let error = match self.attempt(caller, call, deadline, caller.trust()).await {
            Err(error) if error.may_go_again(call.repeatable) => error,
            done => return done,
        };
        // A server that still answers keeps its connection: the fault was the request's alone.
        let checked = async {
            caller.check().await;
            self.reach(call, deadline).await
        };
        match (timeout_at(deadline, checked).await, error) {
            (Ok(Ok((again, _lease))), _) => {
                // What a new session refuses, too, is believed.
                if Arc::ptr_eq(caller, &again) {
                    return self.attempt(&again, call, deadline, again.trust()).await;
                }
                let outcome = self.attempt(&again, call, deadline, Trust::Believe).await;
                self.shared.renewals.note(&outcome);
                outcome
            }
            // That it may have run matters more than why it cannot run again.
            (_, lost @ CallError::Lost(_)) => Err(lost),
            (Ok(Err(unavailable)), _) => Err(unavailable),
            (Err(_), error) => Err(error),
        }
    }

    async fn attempt(
        &self,
        caller: &Caller,
        call: Call<'_>,
        deadline: Instant,
        trust: Trust,
    ) -> Result<Box<RawValue>, CallError> {
        timeout_at(deadline, rounds::call(caller, call, trust)).await.unwrap_or_else(|_| {
            caller.inbox.suspect();
            Err(CallError::Deadline(self.shared.config.bounds.call))
        })
    }

    /// The connection for a call: one of the caller's own where its headers tell who that is, unless the server is a
    /// process, which is told with each call.
    async fn reach(
        &self,
        call: Call<'_>,
        deadline: Instant,
    ) -> Result<(Arc<Caller>, Option<Lease>), CallError> {
        let identified = call.forwarded.and_then(|forwarded| Some((forwarded, forwarded.identity()?)));
        match identified.filter(|_| self.shared.config.upstream.remote().is_some()) {
            Some((forwarded, identity)) => {
                let (caller, lease) = pool::reach(&self.shared, forwarded, identity, deadline).await?;
                Ok((caller, Some(lease)))
            }
            None => Ok((self.connection(deadline).await?, None)),
        }
    }

    /// The open connection. Where it was lost, the caller waits for the one attempt that all such callers share.
    async fn connection(&self, deadline: Instant) -> Result<Arc<Caller>, CallError> {
        let shared = &*self.shared;
        if let Some(caller) = shared.open_caller() {
            return Ok(caller);
        }
        if self.hopeless() {
            return Err(self.unavailable());
        }
        let mut attempts = shared.attempts.subscribe();
        // It may have connected just before the subscription, or stopped.
        if let Some(caller) = shared.open_caller() {
            return Ok(caller);
        }
        if !self.hopeless() {
            shared.wanted.notify_one();
            let _ = timeout_at(deadline, attempts.changed()).await;
        }
        shared.open_caller().ok_or_else(|| self.unavailable())
    }

    /// Whether there is nothing to wait for: it was tried and never connected, a person has to act first, or it is
    /// over.
    fn hopeless(&self) -> bool {
        match &*self.shared.status.borrow() {
            Status::Stopped => true,
            Status::NeedsAuthorization(_) if self.login_needed() => true,
            Status::Connecting => false,
            _ => !self.shared.held.load(Ordering::Acquire),
        }
    }

    fn login_needed(&self) -> bool {
        self.shared.authorizer.as_ref().is_some_and(|authorizer| authorizer.login_needed().is_some())
    }

    /// Why there is no connection, for a caller that would need one.
    pub fn unavailable(&self) -> CallError {
        let (reason, retry_after) = match &*self.shared.status.borrow() {
            Status::Down { reason, retry, soonest, .. } => {
                // Once it was connected, whoever calls has it tried before its turn.
                let next = if self.shared.held.load(Ordering::Acquire) { soonest } else { retry };
                (reason.clone(), next.saturating_duration_since(Instant::now()).max(SOON))
            }
            // Once somebody has logged in, the session is about to connect, even where it has not said so yet.
            Status::NeedsAuthorization(login) if self.login_needed() => {
                return CallError::LoginNeeded(login.clone());
            }
            Status::Stopped => ("the server is being stopped".into(), SOON),
            Status::Connecting | Status::Ready(_) | Status::Failing(..) | Status::NeedsAuthorization(_) => {
                ("the server is still connecting".into(), SOON)
            }
        };
        CallError::Unavailable { reason, retry_after }
    }
}
