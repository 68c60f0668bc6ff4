//! Readers that stall or go away, disks that are full, and files that are none: nobody waits for them.

use std::{
    fs,
    io::{self, BufRead as _, BufReader},
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use nix::sys::signal::Signal;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::support::{Answer, Gateway, eventually, parts, processes, upstream::free_port, wait::DEADLINE};

/// As long as an id may be, so that lines are long and a pipe is soon full.
const LONG_ID: &str = concat!(
    "0123456789012345678901234567890123456789012345678901234567890123",
    "0123456789012345678901234567890123456789012345678901234567890123"
);
/// More lines than a pipe holds.
const CALLS: usize = 600;

/// A gateway before the example server, whose outputs the test has in its hands.
struct Held {
    child: Child,
    base: String,
    client: Client,
}

impl Held {
    async fn start(command: &mut Command, stdout: Stdio, stderr: Stdio) -> Self {
        let port = free_port();
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--", "mcpo", "example-server"]).stdout(stdout).stderr(stderr);
        let child = command.spawn().expect("mcpo starts");
        let client = Client::builder().timeout(DEADLINE).no_proxy().build().unwrap();
        let held = Self { child, base: format!("http://127.0.0.1:{port}"), client };
        held.ready("/openapi.json").await;
        held
    }

    async fn ready(&self, path: &str) {
        eventually("the gateway is ready", async || {
            let answer = self.client.get(format!("{}{path}", self.base)).send().await.ok()?;
            (answer.status() == 200).then_some(())
        })
        .await;
    }

    async fn call(&self) -> Answer {
        let call = self.client.post(format!("{}/echo", self.base)).header("x-request-id", LONG_ID);
        Answer::read(call.json(&json!({ "message": "hi" })).send().await.expect("an answer")).await
    }

    /// SIGTERM ends it, with exit code 0.
    async fn ends(mut self) {
        processes::signal(self.child.id(), Signal::SIGTERM);
        let ended = eventually("mcpo exits", async || self.child.try_wait().unwrap()).await;
        assert_eq!(ended.code(), Some(0));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mcpo(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpo"));
    command.args(options).stdin(Stdio::null());
    command
}

#[tokio::test]
async fn a_reader_of_the_log_that_stalls_stops_nobody() {
    let mut gateway = Held::start(&mut mcpo(&[]), Stdio::null(), Stdio::piped()).await;
    let log = gateway.child.stderr.take().unwrap();
    for _ in 0..CALLS {
        assert_eq!(gateway.call().await.status, 200);
    }
    gateway.ready("/healthz").await;
    gateway.ends().await;
    let lines = BufReader::new(log).lines().map_while(Result::ok);
    let calls = lines.filter(|line| line.contains("called server=")).count();
    assert!(0 < calls && calls < CALLS, "{calls} lines fit into the pipe, and the rest waited");
}

#[tokio::test]
async fn a_reader_of_the_log_that_is_gone_costs_no_call() {
    let mut gateway = Held::start(&mut mcpo(&[]), Stdio::null(), Stdio::piped()).await;
    drop(gateway.child.stderr.take());
    for _ in 0..10 {
        assert_eq!(gateway.call().await.status, 200);
    }
    gateway.ends().await;
}

/// A call that is answered is in the log, a call that cannot be recorded is refused, and nobody else waits.
#[tokio::test]
async fn calls_are_refused_while_the_audit_log_stalls() {
    let mut gateway = Held::start(&mut mcpo(&["--audit-log", "-"]), Stdio::piped(), Stdio::null()).await;
    let audit = gateway.child.stdout.take().unwrap();
    let (mut answered, mut late) = (0, 0);
    let refusal = loop {
        let answer = gateway.call().await;
        match (answer.status, answer.header("retry-after")) {
            (200, _) => answered += 1,
            (503, None) => late += 1,
            _ => break answer,
        }
        assert!(answered < 100 * CALLS && late < 10, "calls are refused at some time");
    };
    assert_eq!((refusal.status, refusal.header("retry-after").as_deref()), (503, Some("2")));
    assert_eq!(
        refusal.json()["detail"]["message"],
        "calls are refused while the audit log cannot be written: nobody takes its lines"
    );
    assert!(answered > 10 && late > 0, "{answered} {late}");
    gateway.ready("/healthz").await;

    let reader =
        thread::spawn(move || BufReader::new(audit).lines().map_while(Result::ok).collect::<Vec<_>>());
    eventually("calls are let in again", async || (gateway.call().await.status == 200).then_some(())).await;
    gateway.ends().await;
    let lines: Vec<Value> =
        reader.join().unwrap().iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    let calls = lines.iter().filter(|line| line["outcome"] == "ok").count();
    assert_eq!(calls, answered + late + 1, "each call that ran has its line, and no other");
}

#[tokio::test]
async fn an_audit_log_without_a_reader_refuses_calls() {
    let (reader, output) = io::pipe().unwrap();
    drop(reader);
    let gateway = Held::start(&mut mcpo(&["--audit-log", "-"]), output.into(), Stdio::null()).await;
    assert_eq!(gateway.call().await.status, 503, "it ran, but has no line");
    let refused = gateway.call().await;
    assert_eq!((refused.status, refused.header("retry-after").is_some()), (503, true), "{refused:?}");
    assert!(refused.body.contains("broken pipe"), "{refused:?}");
    gateway.ready("/healthz").await;
    gateway.ends().await;
}

#[tokio::test]
async fn a_full_disk_refuses_calls_until_the_log_is_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    symlink("/dev/full", &audit).unwrap();
    let gateway = Gateway::config(&json!({ "example": parts::example() }))
        .options(["--audit-log", audit.to_str().unwrap(), "--api-key", "k"])
        .ready()
        .await;
    let call = async |key: &str| {
        let call = gateway.request(Method::POST, "/example/echo").bearer_auth(key);
        gateway.send(call.json(&json!({ "message": "hi" }))).await
    };
    let late = call("k").await;
    assert_eq!((late.status, late.header("retry-after")), (503, None), "{late:?}");
    assert!(late.body.contains("the tool may have run"), "{late:?}");
    let refused = call("k").await;
    assert_eq!((refused.status, refused.header("retry-after").is_some()), (503, true), "{refused:?}");
    assert!(refused.body.contains("while the audit log cannot be written: no storage space"), "{refused:?}");
    assert_eq!(call("wrong").await.status, 403, "a refusal does not wait");
    let metrics = gateway.get("/metrics").await.body;
    assert!(metrics.contains("mcpo_bounds_hit_total{bound=\"audit_lines\"} 3\n"), "{metrics}");

    fs::remove_file(&audit).unwrap();
    gateway.signal(Signal::SIGHUP);
    eventually("calls are let in again", async || (call("k").await.status == 200).then_some(())).await;
    let lines = fs::read_to_string(&audit).unwrap();
    assert_eq!(lines.matches("\"outcome\":\"ok\"").count(), 2, "the first call too: {lines}");
    let log = gateway.stop().await;
    assert_eq!(log.matches("the audit log cannot be written").count(), 1, "{log}");
}

/// Puts what is no file at a path.
type Spoil<'a> = &'a dyn Fn(&Path);

/// Each of them is told at once, and the next reload finds a good file.
#[tokio::test]
async fn files_that_are_none_cost_one_reload() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    fs::write(&keys, "zero=k0\n").unwrap();
    let gateway = Gateway::config(&json!({ "example": parts::example() }))
        .options(["--named-keys-file", keys.to_str().unwrap()])
        .start()
        .await;
    let spoilt: [(&str, Spoil<'_>); 5] = [
        ("it is a pipe, which is read at the start alone; name a file", &|path| {
            assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        }),
        ("it is a device; name a file", &|path| symlink("/dev/zero", path).unwrap()),
        ("it is a socket; name a file", &|path| drop(UnixListener::bind(path).unwrap())),
        ("it is a directory", &|path| fs::create_dir(path).unwrap()),
        ("it is larger than 16 MiB", &|path| fs::File::create(path).unwrap().set_len(1 << 40).unwrap()),
    ];
    for (number, (told, spoil)) in spoilt.iter().enumerate() {
        fs::remove_file(&keys).unwrap();
        spoil(&keys);
        gateway.signal(Signal::SIGHUP);
        eventually(told, async || gateway.log().contains(told).then_some(())).await;
        fs::remove_dir(&keys).or_else(|_| fs::remove_file(&keys)).unwrap();
        fs::write(&keys, format!("next=k{number}-next\n")).unwrap();
        gateway.signal(Signal::SIGHUP);
        eventually("the new key opens", async || {
            let status = gateway.request(Method::GET, "/status").bearer_auth(format!("k{number}-next"));
            (gateway.send(status).await.status == 200).then_some(())
        })
        .await;
    }
    gateway.stop().await;
}

/// `mcpo --config <(…)`, and a file that comes through standard input.
#[tokio::test]
async fn pipes_are_read_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, "secret\n").unwrap();
    for line in [
        r#"exec "$0" --api-key-file <(sleep 0.2; cat "$KEY") "$@""#,
        r#"exec "$0" --api-key-file /dev/stdin "$@" < <(cat "$KEY")"#,
    ] {
        let mut command = Command::new("bash");
        command.args(["-c", line, env!("CARGO_BIN_EXE_mcpo")]).env("KEY", &file).stdin(Stdio::null());
        let gateway = Held::start(&mut command, Stdio::null(), Stdio::null()).await;
        assert_eq!(gateway.call().await.status, 401, "{line}");
        let call = gateway.client.post(format!("{}/echo", gateway.base)).bearer_auth("secret");
        let answer = call.json(&json!({ "message": "hi" })).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{line}");
        gateway.ends().await;
    }
}
