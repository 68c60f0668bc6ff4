//! Broken options, variables, files and configs, each with the exact message that a user reads.
//!
//! Every case runs the real binary in a directory of its own, with no variables but its own, and must end with exit
//! code 2, nothing on stdout, and one message on stderr.

mod access;
mod config_file;
mod files;
mod oauth;
mod options;
mod servers;

use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
};

use tempfile::TempDir;
use tokio::process::Command;

use crate::support::wait::DEADLINE;

/// The arguments, split at spaces; the variables; the message after `mcpo: `.
type OptionCase<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

/// The text of `config.json`, and the message after `mcpo: config.json`.
type ConfigCase<'a> = (&'a str, &'a str);

#[tokio::main(flavor = "current_thread")]
async fn mcpo(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpo"));
    command.current_dir(directory).env_clear().envs(variables.iter().copied()).args(arguments);
    // What is wrongly taken for right is served for ever.
    let output = tokio::time::timeout(DEADLINE, command.stdin(Stdio::null()).kill_on_drop(true).output());
    output.await.unwrap_or_else(|_| panic!("{arguments:?} {variables:?}: does not end")).expect("mcpo starts")
}

/// What is wrong with the answer, if anything.
fn difference(output: &Output, message: &str) -> Option<String> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let expected = format!("mcpo: {message}\n");
    let right = stderr == expected && output.stdout.is_empty() && output.status.code() == Some(2);
    (!right).then(|| format!("{}\n  got:      {stderr}  expected: {expected}", output.status))
}

fn check_options(directory: &Path, cases: &[OptionCase<'_>]) {
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|(line, variables, message)| {
            let arguments: Vec<_> = line.split_whitespace().collect();
            let difference = difference(&mcpo(directory, &arguments, variables), message)?;
            Some(format!("mcpo {line} {variables:?}: {difference}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn write(directory: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    fs::write(directory.path().join(name), content).expect("a file is written");
}

fn check_configs(cases: &[ConfigCase<'_>]) {
    let directory = directory();
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|(text, message)| {
            write(&directory, "config.json", text);
            let output =
                mcpo(directory.path(), &["--config", "config.json"], &[("TOKEN", "hunter2\n"), ("NONE", "")]);
            Some(format!("{text}\n{}", difference(&output, &format!("config.json{message}"))?))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The inside of the server `a`, on line 2 and following; the message after its key.
fn check_servers(cases: &[ConfigCase<'_>]) {
    let cases: Vec<(String, String)> = cases
        .iter()
        .map(|(inside, message)| {
            (format!("{{\"mcpServers\": {{\n\"a\": {{{inside}}}}}}}"), format!(":2: mcpServers.a{message}"))
        })
        .collect();
    let cases: Vec<_> = cases.iter().map(|(text, message)| (text.as_str(), message.as_str())).collect();
    check_configs(&cases);
}
