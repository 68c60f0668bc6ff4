//! Reloads the configuration on SIGHUP and, with `--hot-reload`, when the config file changes.
//!
//! The certificate is also reloaded when its own files change.
//!
//! Only one reload runs at a time. All requests for a reload during that time are served by a single further one.

use std::{io, path::PathBuf, sync::Arc};

use futures_util::future::join_all;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
    task::spawn_blocking,
};
use tracing::error;

use super::{running_config::RunningConfig, watch};
use crate::{
    config::{Config, ConfigError, Environment, Options, Tls},
    systemd::{Notifier, State},
};

/// The sources of the configuration: the process's options, and the files that they name.
pub struct Source {
    options: Box<Options>,
    environment: Environment,
}

impl Source {
    /// Creates a source from options and environment variables.
    pub fn new(options: Box<Options>, environment: Environment) -> Self {
        Self { options, environment }
    }

    /// Loads the initial configuration.
    ///
    /// # Errors
    ///
    /// The configuration is invalid, or the program of the only server cannot be started.
    pub fn load_first(&self) -> Result<Config, ConfigError> {
        let config = self.load()?;
        config.require_program(&self.environment)?;
        Ok(config)
    }

    /// Loads the configuration as it is now.
    ///
    /// # Errors
    ///
    /// The configuration is invalid.
    pub fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&self.options, &self.environment)
    }

    /// Loads only the TLS configuration.
    fn tls(&self) -> Result<Option<Tls>, ConfigError> {
        Tls::of_options(&self.options)
    }
}

/// Reloads on request until it is dropped.
pub(super) struct Reloader {
    source: Arc<Source>,
    hangups: Signal,
    followed: Option<PathBuf>,
    notifier: Notifier,
    /// The certificate's files.
    certificate: Vec<PathBuf>,
}

impl Reloader {
    /// Creates the reloader, from when on SIGHUP no longer ends the process.
    pub(super) fn new(source: Source, config: &Config, notifier: Notifier) -> io::Result<Self> {
        let certificate = config.listen.tls.iter().flat_map(|tls| tls.certificate.files.clone()).collect();
        let (source, followed) = (Arc::new(source), config.followed.clone());
        Ok(Self { source, hangups: signal(SignalKind::hangup())?, followed, certificate, notifier })
    }

    pub(super) async fn run(mut self, mut running_config: RunningConfig) {
        let (asked, renewed) = (Notify::new(), Notify::new());
        let hangups = async {
            while self.hangups.recv().await.is_some() {
                asked.notify_one();
            }
        };
        let edits = async {
            if let Some(file) = self.followed {
                watch::edits(&file, || asked.notify_one()).await;
            }
        };
        // Tools that renew certificates do not notify mcpo, so the files are always watched.
        let renewals = self.certificate.iter().map(|file| watch::edits(file, || renewed.notify_one()));
        let reloads = async {
            loop {
                tokio::select! {
                    () = asked.notified() => {
                        self.notifier.tell(State::Reloading);
                        reload(&self.source, &mut running_config).await;
                        // This also holds if the reload failed, because the old configuration remains in effect.
                        self.notifier.tell(State::Ready);
                    }
                    () = renewed.notified() => renew(&self.source, &mut running_config).await,
                }
            }
        };
        tokio::join!(hangups, edits, join_all(renewals), reloads);
    }
}

async fn reload(source: &Arc<Source>, running_config: &mut RunningConfig) {
    running_config.observability.reopen_audit_log();
    let source = source.clone();
    match spawn_blocking(move || source.load()).await {
        Ok(Ok(config)) if running_config.is_closed() && !config.access_rules.is_closed() => error!(
            "the configuration stays as it was: it has no key any more, so that everyone could call; restart mcpo if that \
             is meant"
        ),
        Ok(Ok(config)) => running_config.adopt(config).await,
        Ok(Err(error)) => error!("the configuration stays as it was: {error}"),
        Err(error) => error!(%error, "the configuration stays as it was: it cannot be read"),
    }
}

async fn renew(source: &Arc<Source>, running_config: &mut RunningConfig) {
    let source = source.clone();
    match spawn_blocking(move || source.tls()).await {
        Ok(Ok(tls)) => running_config.renew(tls.as_ref()),
        Ok(Err(error)) => error!("the certificate stays as it was: {error}"),
        Err(error) => error!(%error, "the certificate stays as it was: it cannot be read"),
    }
}
