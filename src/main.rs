//! The `mcpo` binary: flags to configuration to application; owns the exit codes.

use std::{
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
};

use mcpo::{
    app::{self, Application, BuildError},
    cli::{self, Invocation},
    config::{Config, ConfigError, Environment},
    example_server, telemetry,
};
use tokio::signal::unix::{SignalKind, signal};

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
        Invocation::Serve(options) => serve(Config::load(&options, &environment)?),
    }
}

fn serve(config: Config) -> Result<(), Box<dyn Error>> {
    telemetry::start(config.log_level);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    app::block_on(async {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let told_to_stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        Application::build(config)?.run_until(told_to_stop).await?;
        Ok(())
    })?
}
