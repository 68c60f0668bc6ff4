//! The recorded command lines: guards, CORS, prefixes, a single server, a server that is down.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    differences::{
        ABOUT, ANY_ORIGIN, BOTH_SCHEMES, Difference, NEVER_CONNECTED, READABLE_IDS, REFUSALS_ARE_READABLE,
        ROOT_PATH, ROOT_PATH_LINKS, SERVER_HOME, UNLISTED_ORIGINS,
    },
    recording::{Exchange, exchanges, play, read},
};
use crate::support::{Gateway, parts};

/// A recorded run.
#[derive(Deserialize)]
struct Mode {
    /// Its command line, but for host and port.
    args: Vec<String>,
    exit_on_sigterm: i32,
    calls: Vec<Exchange>,
}

/// Runs a mode; `servers` is its config, `None` where the command line names the server.
async fn check(name: &str, servers: Option<Value>, differences: &[Difference]) {
    let mode: Mode = read(&format!("modes/{name}.json"), "");
    assert_eq!(mode.exit_on_sigterm, 0, "what Gateway::stop asserts");
    let launch = match &servers {
        Some(servers) => Gateway::config(servers).options(without_config(mode.args)),
        None => {
            let separator = mode.args.iter().position(|arg| arg == "--").expect("a command");
            let (options, command) = mode.args.split_at(separator);
            let command = command[1..].iter().map(|word| match word.strip_prefix("PARTS/") {
                Some(program) => parts::part(&format!("venv/bin/{program}")),
                None => word.clone(),
            });
            Gateway::single(command.collect()).options(options.to_vec())
        }
    };
    // Readiness says nothing of a server that will never come up: wait for each that will.
    let gateway = if servers.as_ref().is_some_and(|servers| servers.get("dead").is_some()) {
        let gateway = launch.start().await;
        gateway.document("/everything").await;
        gateway.document("/time").await;
        gateway
    } else {
        launch.ready().await
    };
    play(&gateway, &exchanges(mode.calls), differences).await;
    gateway.stop().await;
}

fn without_config(mut args: Vec<String>) -> Vec<String> {
    let option = args.iter().position(|arg| arg == "--config").expect("a config");
    args.drain(option..option + 2);
    args
}

fn everything_and_time() -> Option<Value> {
    Some(json!({ "everything": parts::everything(), "time": parts::time() }))
}

#[tokio::test]
async fn without_a_key() {
    check("no_key", everything_and_time(), &[]).await;
}

#[tokio::test]
async fn strict_auth() {
    let differences = [BOTH_SCHEMES, ANY_ORIGIN, REFUSALS_ARE_READABLE, READABLE_IDS];
    check("strict_auth", everything_and_time(), &differences).await;
}

#[tokio::test]
async fn cors_with_listed_origins() {
    check("cors_list", everything_and_time(), &[READABLE_IDS, UNLISTED_ORIGINS]).await;
}

#[tokio::test]
async fn cors_by_default() {
    check("cors_default_err", everything_and_time(), &[ANY_ORIGIN, READABLE_IDS]).await;
}

#[tokio::test]
async fn root_path() {
    let differences = [SERVER_HOME, ROOT_PATH, ROOT_PATH_LINKS];
    check("root_path", everything_and_time(), &differences).await;
}

#[tokio::test]
async fn path_prefix() {
    check("path_prefix", everything_and_time(), &[]).await;
}

#[tokio::test]
async fn disabled_tools() {
    let mut time = parts::time();
    time["disabledTools"] = json!(["convert_time"]);
    check("disabled_tools", Some(json!({ "time": time })), &[]).await;
}

#[tokio::test]
async fn one_dead_server() {
    let mut servers = everything_and_time().unwrap();
    servers["dead"] = json!({ "command": "no-such-program-as-this" });
    check("one_dead", Some(servers), &[NEVER_CONNECTED]).await;
}

#[tokio::test]
async fn single_server() {
    check("single_stdio", None, &[ABOUT]).await;
}

#[tokio::test]
async fn single_server_with_strict_auth() {
    check("single_strict", None, &[BOTH_SCHEMES]).await;
}
