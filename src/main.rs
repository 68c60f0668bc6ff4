//! The `mcpo` binary, which turns options into a configuration, runs the application and chooses the exit code.

use std::{
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
    time::{Duration, Instant},
};

use mcpo::{
    app::{self, Application, BuildError, Source},
    cli::{self, Invocation, TokenAction},
    config::{Config, ConfigError, Environment, LogLevel},
    example_server, telemetry,
};
use tokio::signal::unix::{SignalKind, signal};

/// Signals within this time count as one.
const TOGETHER: Duration = Duration::from_millis(200);
/// The exit code for unusable options, config files and ports, as used by clap and by most shells' built-ins.
const BAD_USAGE: u8 = 2;

fn main() -> ExitCode {
    if let Some(role) = cli::role() {
        return role.play();
    }
    let code = match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            telemetry::say(&format!("mcpo: {error}"));
            let usage = error.is::<ConfigError>() || error.is::<BuildError>();
            if usage { ExitCode::from(BAD_USAGE) } else { ExitCode::FAILURE }
        }
    };
    telemetry::end();
    code
}

fn run() -> Result<(), Box<dyn Error>> {
    let environment = Environment::of_process();
    match cli::of_process(&environment)? {
        Invocation::Show(text) => {
            // A closed pipe is no failure: readers such as `head` stop early.
            let _ = io::stdout().write_all(text.as_bytes());
            Ok(())
        }
        Invocation::ExampleServer => Ok(app::block_on(example_server::run())??),
        Invocation::Tokens { action, options } => {
            let closed = app::close_memory();
            tokens(&action, &Config::load(&options, &environment)?, closed)
        }
        Invocation::Serve(options) => {
            let closed = app::close_memory();
            serve(Source::new(options, environment), closed)
        }
    }
}

fn tokens(action: &TokenAction, config: &Config, closed: Result<(), String>) -> Result<(), Box<dyn Error>> {
    // The commands print their own messages, so the gateway's info lines are logged only on request.
    let level = match config.log_level {
        LogLevel::Info => LogLevel::Warning,
        chosen => chosen,
    };
    telemetry::start(level, config.log_format, config.log_colours)?;
    warn_if_open(closed);
    let server = |name: &Option<String>| config.remote_server(name.as_deref());
    match action {
        TokenAction::Login(name) => Ok(app::block_on(app::login(config, server(name)?))??),
        TokenAction::Logout(name) => Ok(app::block_on(app::logout(config, server(name)?))??),
        TokenAction::List => Ok(app::block_on(app::list(config))??),
    }
}

/// Warns if the memory is not closed to others, now that logging works.
fn warn_if_open(closed: Result<(), String>) {
    if let Err(reason) = closed {
        tracing::warn!("{reason}");
    }
}

fn serve(source: Source, closed: Result<(), String>) -> Result<(), Box<dyn Error>> {
    let config = source.load_first()?;
    telemetry::start(config.log_level, config.log_format, config.log_colours)?;
    warn_if_open(closed);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    for remark in &config.remarks {
        tracing::info!("{remark}");
    }
    app::block_on(async {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut first: Option<Instant> = None;
        let told = async || {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                // `timeout` and shells signal both the process and its group, which is one request to stop.
                if first.is_none_or(|first| first.elapsed() >= TOGETHER) {
                    first = Some(Instant::now());
                    return;
                }
            }
        };
        Ok(Application::build(config, source)?.run_until(told).await?)
    })?
}
