//! The application: built, then run until stopped.
//!
//! It owns every task: the HTTP server, the sessions and all background work. [`Application::run_until`] returns only
//! when all of them have ended and no child process is left.

mod certificate;
mod client_stream;
mod connection_limit;
mod error;
mod listen;
mod memory;
mod metrics_port;
mod reload;
mod running_config;
mod tokens;
mod watch;

use std::{future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use actix_rt::System;
use actix_web::dev::Server;
use tokio::{
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};
use url::Url;

use crate::{
    access::{Authenticator, Runtime},
    child,
    config::{Audit, Config},
    held,
    http::{self, AuditLog, Observability, Services},
    oauth::Context,
    registry::{Reconciler, Registry},
    systemd::{Notifier, State},
    telemetry::Traces,
};

use self::{
    certificate::ReloadableCertificate,
    listen::{base_url, bind, front, serve},
    metrics_port::MetricsPort,
    reload::Reloader,
    running_config::RunningConfig,
};
pub use error::{BuildError, RunError};
pub use memory::close_memory;
pub use reload::Source;
pub use tokens::{TokensError, list, login, logout};

/// How long responses may take to be sent after the time that calls have to finish.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// How long sessions and child processes may take to end after that, as a backstop to their own shorter limits.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(8);

/// Runs `work` on the main runtime, which owns the sessions; actix starts a small runtime for each worker.
///
/// # Errors
///
/// The system cannot create threads.
pub fn block_on<F: Future>(work: F) -> io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let system = System::with_tokio_rt(|| runtime);
    let output = system.block_on(work);
    // The process is about to end, and dropping the runtime would wait for stuck threads.
    std::mem::forget(system);
    Ok(output)
}

/// A gateway that is bound and about to serve.
pub struct Application {
    server: Server,
    tasks: TaskTracker,
    /// Ends the sessions.
    stop: CancellationToken,
    /// Cancelled when shutdown begins.
    draining: CancellationToken,
    /// How long calls may go on after shutdown has begun.
    drain_timeout: Duration,
    notifier: Notifier,
    observability: Arc<Observability>,
    traces: Option<Traces>,
}

impl Application {
    /// Binds the port first and starts the servers last, concurrently and without waiting for any of them.
    ///
    /// # Errors
    ///
    /// The address cannot be bound, a file cannot be written, or a signal cannot be caught. In these cases no server
    /// has been started.
    pub fn build(config: Config, source: Source) -> Result<Self, BuildError> {
        let (tasks, stop, draining) =
            (TaskTracker::new(), CancellationToken::new(), CancellationToken::new());
        let (listen, drain_timeout) = (config.listen.clone(), config.limits.shutdown);
        // The port is bound before anything is started, so that a busy port leaves no child process behind.
        let listeners = bind(&listen, "--port")?;
        let metrics_port = config.metrics_port.map(|port| MetricsPort::bind(&listen, port)).transpose()?;
        let addresses: Vec<SocketAddr> =
            listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let url = base_url(&listen, &addresses, &config.base.root);
        held::limit(config.limits.total);
        let (observability, traces) = observe(&config)?;
        let oauth = Arc::new(oauth_context(&config, &url, &tasks, &stop)?);
        let registry = Arc::new(registry(&config, &oauth));
        let front = front(&config, &addresses);
        let services = Services::new(
            &config,
            registry.clone(),
            oauth.clone(),
            observability.clone(),
            front,
            draining.clone(),
        );
        let certificate = listen.tls.as_ref().map(|tls| ReloadableCertificate::new(&tls.certificate));
        let tls = certificate.as_ref().zip(listen.tls.as_ref());
        let tls = tls.map(|(certificate, tls)| certificate.server_config(tls)).transpose()?;
        let notifier = Notifier::new(config.service_manager.clone());
        let reloader = Reloader::new(source, &config, notifier.clone()).map_err(BuildError::Signals)?;
        let server = serve(&listen, listeners, tls.as_ref(), &services, drain_timeout + LAST_ANSWERS)?;
        let metrics_server = metrics_port.map(|port| port.serve(&services)).transpose()?;
        // Nothing fails from here on, so no session is started in vain.
        let reconciler = Reconciler::new(registry, oauth, url.clone(), tasks.clone(), stop.clone());
        let running_config =
            RunningConfig { config, certificate, observability: observability.clone(), reconciler };
        running_config.start();
        if let Some(server) = metrics_server {
            tasks.spawn(metrics_port::run(server, stop.clone()));
        }
        tasks.spawn(child::keep_sweeping(stop.clone()));
        let stopped = stop.clone();
        tasks.spawn(async move { stopped.run_until_cancelled(Box::pin(reloader.run(running_config))).await });
        info!("listening on {url}, documentation at {url}/docs");
        Ok(Self { server, tasks, stop, draining, drain_timeout, notifier, observability, traces })
    }

    /// Serves until `told` returns, then shuts down: stops accepting, lets calls finish, ends sessions and child
    /// processes.
    ///
    /// If `told` returns a second time, it ends at once. Either way, no child process is left.
    ///
    /// # Errors
    ///
    /// The HTTP server failed, or the shutdown was cut short.
    pub async fn run_until(self, mut told: impl AsyncFnMut()) -> Result<(), RunError> {
        let draining = self.draining.clone();
        let mut life = pin!(self.live());
        let ended = tokio::select! {
            ended = &mut life => ended.map_err(RunError::from),
            () = told() => {
                draining.cancel();
                tokio::select! {
                    ended = life => ended.map_err(RunError::from),
                    () = told() => Err(RunError::Cut),
                }
            }
        };
        // After a clean shutdown there is no process left to kill.
        child::kill_all();
        ended
    }

    async fn live(mut self) -> io::Result<()> {
        self.notifier.tell(State::Ready);
        let ended = tokio::select! {
            ended = &mut self.server => ended,
            () = self.draining.cancelled() => self.drain().await,
            never = self.notifier.keep_alive() => match never {},
        };
        self.stop.cancel();
        self.tasks.close();
        if timeout(SHUTDOWN_TIMEOUT, self.tasks.wait()).await.is_err() {
            warn!("some servers did not end in time and are killed");
        }
        if let Some(traces) = self.traces {
            traces.end().await;
        }
        let observability = self.observability;
        // It fails only if it panics.
        let _ = spawn_blocking(move || observability.end()).await;
        info!("stopped");
        ended
    }

    /// Stops accepting connections, and waits for calls in flight.
    async fn drain(&mut self) -> io::Result<()> {
        self.notifier.tell(State::Stopping);
        info!("stopping: calls in flight have {} s to finish", self.drain_timeout.as_secs());
        let late = async {
            sleep(self.drain_timeout).await;
            // Ending the sessions fails the calls that still wait, and the server then has time to send these errors.
            self.stop.cancel();
            future::pending().await
        };
        let stopping = self.server.handle().stop(true);
        // The server only makes progress while it is polled, and a stuck worker never ends.
        let drained = async { tokio::join!(stopping, &mut self.server).1 };
        tokio::select! {
            ended = drained => ended,
            never = late => never,
            () = sleep(self.drain_timeout + LAST_ANSWERS * 2) => {
                warn!("the HTTP server did not end in time");
                Ok(())
            }
        }
    }
}

/// Opens the audit log and starts the export of spans.
fn observe(config: &Config) -> Result<(Arc<Observability>, Option<Traces>), BuildError> {
    let audit = config.audit.as_ref().map(open).transpose()?;
    let collector = config.otlp_endpoint.as_ref();
    let traces = collector.map(|collector| Traces::start(collector, &config.proxy)).transpose();
    let traces = traces.map_err(BuildError::Traces)?;
    let tracer = traces.as_ref().map(Traces::tracer);
    Ok((Arc::new(Observability::new(config.metrics_port.is_some(), tracer, audit)), traces))
}

/// Creates the OAuth context that the authorizers of all servers share, for a gateway at `url`.
fn oauth_context(
    config: &Config,
    url: &str,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Context, BuildError> {
    let base = Url::parse(url)
        .map_err(|error| BuildError::Bind { address: url.to_owned(), reason: error.to_string() })?;
    Ok(Context::new(
        config.logins.clone(),
        config.proxy.clone(),
        base,
        config.access_rules.is_closed(),
        tasks.clone(),
        stop.clone(),
    ))
}

/// Creates a registry without servers.
fn registry(config: &Config, oauth: &Context) -> Registry {
    let runtime = Runtime {
        base: oauth.base().clone(),
        proxy: config.proxy.clone(),
        tasks: oauth.tasks().clone(),
        stop: oauth.stopped().clone(),
    };
    let authenticator = Authenticator::new(config.access_rules.clone(), runtime, None);
    Registry::new(config, http::own_routes(), authenticator)
}

fn open(audit: &Audit) -> Result<AuditLog, BuildError> {
    AuditLog::open(audit).map_err(|reason| {
        let path = match audit {
            Audit::File(path) => path.display().to_string(),
            Audit::Stdout => "-".to_owned(),
        };
        BuildError::Audit { path, reason }
    })
}
