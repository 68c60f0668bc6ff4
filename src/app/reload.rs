//! Reloads the configuration on SIGHUP and, with `--hot-reload`, when the config file changes.
//!
//! The certificate is also reloaded when its own files change.
//!
//! Only one reload runs at a time. All requests for a reload during that time are served by a single further one.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::join_all;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, oneshot},
    task::spawn_blocking,
    time::timeout,
};
use tracing::error;

use super::{running_config::RunningConfig, watch};
use crate::{
    config::{Config, ConfigError, Environment, Options, Tls, end_start},
    systemd::{Notifier, State},
};

/// How long a reload may take to read its files.
const READING: Duration = Duration::from_secs(10);

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
        end_start();
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
        let mut reading = Reading::new(self.source);
        let reloads = async {
            loop {
                tokio::select! {
                    () = asked.notified() => {
                        self.notifier.tell(State::Reloading);
                        reload(&mut reading, &mut running_config).await;
                        // This also holds if the reload failed, because the old configuration remains in effect.
                        self.notifier.tell(State::Ready);
                    }
                    () = renewed.notified() => renew(&mut reading, &mut running_config).await,
                }
            }
        };
        tokio::join!(hangups, edits, join_all(renewals), reloads);
    }
}

async fn reload(reading: &mut Reading, running_config: &mut RunningConfig) {
    running_config.observability.reopen_audit_log();
    match reading.run(Source::load).await {
        Ok(config) if running_config.is_closed() && !config.access_rules.is_closed() => error!(
            "the configuration stays as it was: it has no key any more, so that everyone could call; restart mcpo if that \
             is meant"
        ),
        Ok(config) => running_config.adopt(config).await,
        Err(error) => error!("the configuration stays as it was: {error}"),
    }
}

async fn renew(reading: &mut Reading, running_config: &mut RunningConfig) {
    match reading.run(Source::tls).await {
        Ok(tls) => running_config.renew(tls.as_ref()),
        Err(error) => error!("the certificate stays as it was: {error}"),
    }
}

/// Reads files of the configuration off the workers, one set at a time. A file system that hangs takes one thread, and
/// not the next reloads' patience.
struct Reading {
    source: Arc<Source>,
    /// Resolves when a reading that took too long has ended.
    late: Option<oneshot::Receiver<()>>,
}

impl Reading {
    fn new(source: Arc<Source>) -> Self {
        Self { source, late: None }
    }

    async fn run<T: Send + 'static>(
        &mut self,
        read: impl FnOnce(&Source) -> Result<T, ConfigError> + Send + 'static,
    ) -> Result<T, ConfigError> {
        let hangs =
            || ConfigError::new(format!("its files could not be read within {} s", READING.as_secs()));
        if let Some(late) = &mut self.late {
            timeout(READING, late).await.map_err(|_| hangs())?.unwrap_or_default();
            self.late = None;
        }
        let (source, (ended, late)) = (self.source.clone(), oneshot::channel());
        let reading = spawn_blocking(move || {
            let _ended: oneshot::Sender<()> = ended;
            read(&source)
        });
        match timeout(READING, reading).await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => Err(ConfigError::new(format!("its files cannot be read: {error}"))),
            Err(_) => {
                self.late = Some(late);
                Err(hangs())
            }
        }
    }
}
