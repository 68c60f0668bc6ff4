//! The servers in force: what starts them, replaces them and ends them.
//!
//! Invariant: a session is stopped only when no request can come to it any more, or the gateway stops.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::{sync::watch, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use super::{authorizer, certificate::InForce, plan::Plan};
use crate::{
    config::{Config, Server, Tls},
    http::{self, Entry, Gateway, Mounting, Offer},
    oauth::Authorizer,
    openapi::encode_segment,
    upstream::{Session, Status, Tool},
};

/// How long a changed server may take to connect before it takes the old one's place unconnected.
const TRIAL: Duration = Duration::from_secs(30);
/// How long a request may take beside its call: to be received and to be answered.
const BESIDE: Duration = Duration::from_secs(30);

/// The servers in force, and the configuration that they come from.
pub(super) struct Roster {
    gateway: Arc<Gateway>,
    /// What handshakes are made with, under HTTPS.
    certificate: Option<InForce>,
    config: Config,
    /// The gateway's URL, for people.
    url: String,
    running: HashMap<String, Running>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// One session.
struct Running {
    session: Session,
    stop: CancellationToken,
    /// The entries that lead to it.
    leases: TaskTracker,
}

impl Roster {
    /// Starts all servers of `config`, side by side, behind a gateway that has none yet.
    pub(super) fn start(
        gateway: Arc<Gateway>,
        certificate: Option<InForce>,
        config: Config,
        url: String,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let mut roster = Self { gateway, certificate, config, url, running: HashMap::new(), tasks, stop };
        let servers: Vec<Server> = roster.config.servers.iter().cloned().collect();
        roster.enlist(&servers);
        roster
    }

    /// Whether callers have to show a credential.
    pub(super) fn is_closed(&self) -> bool {
        self.config.guard.is_closed()
    }

    /// Follows an audit log that was moved away.
    pub(super) fn reopen_audit_log(&self) {
        self.gateway.insight.reopen_audit_log();
    }

    /// Puts `config` in force. Only servers that differ are touched.
    pub(super) async fn adopt(&mut self, config: Config) {
        let plan = Plan::between(&self.config, &config);
        for warning in &config.warnings {
            warn!("{warning}");
        }
        if !plan.fixed.is_empty() {
            warn!("changed, but used only from the next start on: {}", plan.fixed.join(", "));
        }
        info!("configuration read again: {}", plan.summary());
        if plan.recertified {
            self.certify(config.listen.tls.as_ref());
        }
        let (listen, logins) = (self.config.listen.clone(), self.config.logins.clone());
        self.config = Config { listen, logins, ..config };
        if plan.is_empty() {
            return;
        }
        self.enlist(&plan.added);
        for name in &plan.removed {
            if let Some(running) = self.running.remove(name) {
                self.retire(&running);
            }
        }
        let swaps = join_all(plan.changed.iter().map(|server| self.swap(server))).await;
        self.running.extend(swaps.into_iter().map(|new| (new.session.config().name.clone(), new)));
    }

    /// Serves with the certificate of `tls`, where that is another one.
    pub(super) fn renew(&mut self, tls: Option<&Tls>) {
        let digest = |tls: &Tls| tls.certificate.digest;
        if self.config.listen.tls.as_ref().map(digest) != tls.map(digest) {
            self.certify(tls);
            info!("the certificate was renewed");
        }
    }

    fn certify(&mut self, tls: Option<&Tls>) {
        if let (Some(in_force), Some(known), Some(new)) =
            (&self.certificate, &mut self.config.listen.tls, tls)
        {
            in_force.replace(&new.certificate);
            known.certificate = new.certificate.clone();
        }
    }

    /// Starts `added`, and has the gateway serve what the configuration names and nothing else.
    fn enlist(&mut self, added: &[Server]) {
        let added: Vec<Running> = added.iter().map(|server| self.open(server, None)).collect();
        let entries: Vec<Entry> = added.iter().map(|new| new.entry(Status::Connecting, None)).collect();
        let names: Vec<&str> = self.config.servers.iter().map(|server| server.name.as_str()).collect();
        self.gateway.adopt(self.config.guard.clone(), &names, &entries);
        for new in added {
            let mut statuses = new.session.status();
            statuses.mark_changed();
            self.follow(&new, statuses);
            self.running.insert(new.session.config().name.clone(), new);
        }
    }

    /// Starts the server beside the one that bears its name, and has it take that one's place once it is connected,
    /// or cannot be.
    async fn swap(&self, server: &Server) -> Running {
        let old = self.running.get(&server.name);
        let new = self.open(server, old);
        let mut statuses = new.session.status();
        let (status, offer) = self.tried(&new.session, &mut statuses).await;
        self.gateway.replace(&new.entry(status, offer));
        self.follow(&new, statuses);
        if let Some(old) = old {
            self.retire(old);
        }
        new
    }

    /// What has become of a session that was started: connected with an offer, or not, or not yet.
    async fn tried(
        &self,
        session: &Session,
        statuses: &mut watch::Receiver<Status>,
    ) -> (Status, Option<Arc<Offer>>) {
        let tried = statuses.wait_for(|status| !matches!(status, Status::Connecting));
        let status = timeout(TRIAL, tried).await.ok().and_then(|status| Some(status.ok()?.clone()));
        let status = status.unwrap_or(Status::Connecting);
        let Some(listing) = status.listing() else {
            return (status, None);
        };
        match http::build(&self.gateway, session, listing.clone()).await {
            Some(offer) => (status, Some(offer)),
            None => (Status::Connecting, None),
        }
    }

    fn open(&self, server: &Server, former: Option<&Running>) -> Running {
        let stop = self.stop.child_token();
        let authorizer = self.authorizer(server, former.map(|former| &former.session));
        let limit = self.config.limits.result;
        let tally = former.map(|former| former.session.tally().clone()).unwrap_or_default();
        let session = Session::start(server.clone(), authorizer, tally, limit, &self.tasks, stop.clone());
        let mounting = self.gateway.mounting;
        let place = match mounting {
            Mounting::Single => format!("{}/docs", self.url),
            Mounting::Named => {
                format!("{}{}/{}/docs", self.url, self.config.base.prefix, encode_segment(&server.name))
            }
        };
        self.tasks.spawn(report(session.clone(), place));
        Running { session, stop, leases: TaskTracker::new() }
    }

    /// The server's authorization. Where the former session's would be the same it goes on, with tokens that may be
    /// kept nowhere else.
    fn authorizer(&self, server: &Server, former: Option<&Session>) -> Option<Authorizer> {
        let new = authorizer(server, &self.gateway.office)?;
        let url = |server: &Server| server.upstream.remote().map(|remote| remote.url.clone());
        let alike = former.filter(|former| {
            let former = former.config();
            former.oauth == server.oauth && url(former) == url(server)
        });
        Some(alike.and_then(Session::authorizer).cloned().unwrap_or(new))
    }

    fn follow(&self, running: &Running, statuses: watch::Receiver<Status>) {
        self.tasks.spawn(http::follow(self.gateway.clone(), running.session.clone(), statuses));
    }

    /// Ends a session that the gateway no longer leads to, after the calls that came to it before.
    fn retire(&self, running: &Running) {
        let (leases, stop) = (running.leases.clone(), running.stop.clone());
        let limit = running.session.config().bounds.call + BESIDE;
        leases.close();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(timeout(limit, leases.wait())).await;
            stop.cancel();
        });
    }
}

impl Running {
    fn entry(&self, status: Status, offer: Option<Arc<Offer>>) -> Entry {
        Entry::new(self.session.clone(), status, offer, self.leases.token())
    }
}

/// Logs each time that a server is ready, with where to find it.
async fn report(session: Session, place: String) {
    let server = &session.config().name;
    let mut statuses = session.status();
    let mut was_connected = false;
    loop {
        let status = statuses.borrow_and_update().clone();
        match &status {
            Status::Connecting => info!(server, "connecting"),
            Status::Failing(_, reason) => warn!(server, reason, "calls fail one after another"),
            Status::Ready(listing) if !was_connected => {
                let served = |tool: &&Tool| session.config().tools.allows(&tool.name);
                info!(server, tools = listing.tools.iter().filter(served).count(), "ready at {place}");
            }
            // The session itself says why, and which tools have changed.
            Status::Down { .. } | Status::NeedsAuthorization(_) | Status::Ready(_) => {}
            Status::Stopped => return,
        }
        was_connected = status.listing().is_some();
        if statuses.changed().await.is_err() {
            return;
        }
    }
}
