//! Puts a configuration in force: starts servers, replaces those that changed, and lets go of those that are gone.

use std::{sync::Arc, time::Duration};

use ::http::header::AUTHORIZATION;
use futures_util::future::join_all;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{current::Registry, entry::Entry, plan::Plan, served::Mounting, session_watch::SessionWatch};
use crate::{
    config::{Config, Server},
    oauth::{Authorizer, Context},
    openapi::encode_segment,
    upstream::Session,
};

/// How long a changed server may take to connect before it replaces the old one unconnected.
const TRIAL: Duration = Duration::from_secs(30);

/// Makes the registry follow the configuration.
pub struct Reconciler {
    registry: Arc<Registry>,
    oauth: Arc<Context>,
    /// The gateway's URL, for the log.
    url: String,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Reconciler {
    /// Returns a reconciler whose sessions run in `tasks` and end after `stop`. It starts nothing yet.
    pub fn new(
        registry: Arc<Registry>,
        oauth: Arc<Context>,
        url: String,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self { registry, oauth, url, tasks, stop }
    }

    /// Starts the servers that `plan` adds, side by side, and serves those that `config` names and no others.
    pub fn start_added(&self, plan: &Plan, config: &Config) {
        self.oauth.set_guarded(config.access_rules.is_closed());
        let added = plan.added.iter().map(|server| self.start(server, None, config.limits.result));
        let (entries, watches): (Vec<_>, Vec<_>) =
            added.map(|(entry, watch)| (Arc::new(entry), watch)).unzip();
        let names: Vec<&str> = config.servers.iter().map(|server| server.name.as_str()).collect();
        self.registry.set_servers(&config.access_rules, &names, &entries);
        for watch in watches {
            self.tasks.spawn(watch.run());
        }
    }

    /// Carries out `plan`, which leads to `config`. Servers that do not differ are not touched.
    pub async fn apply(&self, plan: &Plan, config: &Config) {
        self.start_added(plan, config);
        join_all(plan.changed.iter().map(|server| self.replace(server, config.limits.result))).await;
    }

    /// Starts the server beside the one of its name, and replaces that once the new one is connected, or cannot be.
    async fn replace(&self, server: &Server, max_result: usize) {
        let snapshot = self.registry.snapshot();
        let old = snapshot.server(&server.name).map(|entry| entry.session().clone());
        drop(snapshot);
        let (mut entry, mut watch) = self.start(server, old.as_ref(), max_result);
        (entry.status, entry.served) = watch.first_attempt(TRIAL).await;
        self.registry.replace(&entry);
        self.tasks.spawn(watch.run());
    }

    /// Starts a session, which takes over the tokens and the counts of the `former` one.
    fn start(&self, server: &Server, former: Option<&Session>, max_result: usize) -> (Entry, SessionWatch) {
        let stop = self.stop.child_token();
        let authorizer = self.authorizer(server, former);
        let stats = former.map(|former| former.stats().clone()).unwrap_or_default();
        let session =
            Session::start(server.clone(), authorizer, stats, max_result, &self.tasks, stop.clone());
        let page = match self.registry.mounting {
            Mounting::Single => format!("{}/docs", self.url),
            Mounting::Named => {
                let prefix = &self.registry.settings.base.prefix;
                format!("{}{prefix}/{}/docs", self.url, encode_segment(&server.name))
            }
        };
        let watch = SessionWatch::new(self.registry.clone(), session.clone(), page);
        (Entry::new(session, stop), watch)
    }

    /// Returns the authorizer of a server. The former session's continues if it would be the same, since its tokens may
    /// be stored nowhere else.
    fn authorizer(&self, server: &Server, former: Option<&Session>) -> Option<Authorizer> {
        let new = authorizer(server, &self.oauth)?;
        let url = |server: &Server| server.upstream.remote().map(|remote| remote.url.clone());
        let alike = former.filter(|former| {
            let former = former.config();
            former.oauth == server.oauth && url(former) == url(server)
        });
        Some(alike.and_then(Session::authorizer).cloned().unwrap_or(new))
    }
}

/// Returns the authorizer of a remote server; `None` for a program, and if the configuration holds the credential.
pub fn authorizer(server: &Server, oauth: &Arc<Context>) -> Option<Authorizer> {
    let remote = server.upstream.remote()?;
    let fixed = server.oauth.is_none() && remote.headers.contains_key(AUTHORIZATION);
    (!fixed).then(|| Authorizer::new(&server.name, &remote.url, server.oauth.clone(), oauth.clone()))
}
