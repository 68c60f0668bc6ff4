//! The `mcpo` binary: flags to configuration to application; owns the exit codes.

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

/// Signals this close together are one.
const TOGETHER: Duration = Duration::from_millis(200);
/// An option, a config or a port that cannot be used; clap's own errors and most shells' built-ins use it too.
const BAD_USAGE: u8 = 2;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where stderr cannot be written to, the exit code has to do.
            let _ = writeln!(io::stderr(), "mcpo: {error}");
            let usage = error.is::<ConfigError>() || error.is::<BuildError>();
            if usage { ExitCode::from(BAD_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let environment = Environment::of_process();
    match cli::of_process(&environment)? {
        Invocation::Show(text) => {
            // A reader that has seen enough, such as `head`, is no failure.
            let _ = io::stdout().write_all(text.as_bytes());
            Ok(())
        }
        Invocation::ExampleServer => Ok(app::block_on(example_server::run())??),
        Invocation::Tokens { action, options } => tokens(&action, &Config::load(&options, &environment)?),
        Invocation::Serve(options) => serve(Source::new(options, environment)),
    }
}

fn tokens(action: &TokenAction, config: &Config) -> Result<(), Box<dyn Error>> {
    // The commands speak for themselves; what the gateway would tell of its work is told where it is asked for.
    let level = match config.log_level {
        LogLevel::Info => LogLevel::Warning,
        chosen => chosen,
    };
    telemetry::start(level, config.log_format);
    let server = |name: &Option<String>| config.remote_server(name.as_deref());
    match action {
        TokenAction::Login(name) => Ok(app::block_on(app::login(config, server(name)?))??),
        TokenAction::Logout(name) => Ok(app::block_on(app::logout(config, server(name)?))??),
        TokenAction::List => Ok(app::block_on(app::list(config))??),
    }
}

fn serve(source: Source) -> Result<(), Box<dyn Error>> {
    let config = source.load_first()?;
    telemetry::start(config.log_level, config.log_format);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
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
                // `timeout`, and shells, signal a process and its group: that is one wish.
                if first.is_none_or(|first| first.elapsed() >= TOGETHER) {
                    first = Some(Instant::now());
                    return;
                }
            }
        };
        Ok(Application::build(config, source)?.run_until(told).await?)
    })?
}
