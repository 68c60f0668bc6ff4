//! `mcpo login`, `mcpo logout` and `mcpo tokens`, beside gateways that share the token folder.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, process::Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use super::{
    fixture::{Fixture, answered, asks_for_login, needs_login, with, works},
    store::token_files,
};
use crate::support::{
    browser::Browser,
    eventually,
    upstream::{Remote, free_port},
    wait::DEADLINE,
};

/// A config file for the commands.
pub(super) struct Desk<'a> {
    fixture: &'a Fixture,
    folder: TempDir,
}

/// What a command has said.
#[derive(Debug)]
pub(super) struct Said {
    code: Option<i32>,
    out: String,
    error: String,
}

impl<'a> Desk<'a> {
    /// For the server of the fixture alone.
    pub(super) fn new(fixture: &'a Fixture) -> Self {
        Self::with(fixture, &json!({}))
    }

    /// For the server of the fixture with this `oauth` block.
    fn with(fixture: &'a Fixture, oauth: &Value) -> Self {
        let guarded =
            json!({ "type": "streamable-http", "url": fixture.authorization.mcp(), "oauth": oauth });
        Self::of(fixture, &json!({ "guarded": guarded }))
    }

    /// For these servers.
    fn of(fixture: &'a Fixture, servers: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = json!({ "mcpServers": servers }).to_string();
        fs::write(folder.path().join("config.json"), config).expect("a config file");
        Self { fixture, folder }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcpo"));
        command
            .args(words)
            .args(["--config", "config.json", "--token-dir"])
            .arg(self.fixture.tokens())
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(super) async fn run(&self, words: &[&str]) -> Said {
        let output =
            timeout(DEADLINE, self.command(words).output()).await.expect("it ends").expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Said { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
    }

    async fn login(&self) -> Login {
        Login::of(self.command(&["login"]).stdin(Stdio::piped())).await
    }
}

/// `mcpo login` that waits for a person.
struct Login {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What it asks to open.
    url: String,
}

impl Login {
    async fn of(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let url = loop {
            match timeout(DEADLINE, lines.next_line()).await.expect("it speaks").expect("UTF-8") {
                Some(line) if line.starts_with("http") => break line,
                Some(_) => {}
                None => panic!("no address: {:?}", child.wait_with_output().await),
            }
        };
        Self { child, lines, url }
    }

    async fn paste(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("piped");
        stdin.write_all(format!("{line}\n").as_bytes()).await.expect("it reads");
    }

    async fn end(mut self) -> Said {
        let status = timeout(DEADLINE, self.child.wait()).await.expect("it ends").expect("our child");
        let (mut out, mut error) = (String::new(), String::new());
        while let Ok(Some(line)) = self.lines.next_line().await {
            out.push_str(&format!("{line}\n"));
        }
        self.child.stderr.take().expect("piped").read_to_string(&mut error).await.expect("UTF-8");
        Said { code: status.code(), out, error }
    }
}

impl Said {
    #[track_caller]
    pub(super) fn well(&self, text: &str) {
        assert!(self.code == Some(0) && self.out.contains(text), "{text:?} is not in {self:?}");
    }

    /// Failed with one line.
    #[track_caller]
    fn badly(&self, code: i32, text: &str) {
        let plain = self.error.contains(text) && self.error.lines().count() == 1;
        assert!(self.code == Some(code) && plain, "{text:?} is not in {self:?}");
    }
}

/// A login, a list and a logout, each taken up by a gateway that runs.
#[tokio::test]
async fn a_gateway_follows_the_commands() {
    let fixture = Fixture::http().await;
    let desk = Desk::new(&fixture);
    let gateway = fixture.launch().start().await;
    needs_login(&gateway).await;
    desk.run(&["tokens"]).await.well("guarded: no token\n");

    let login = desk.login().await;
    let mut browser = Browser::new();
    assert!(browser.open(&login.url).await.page(200).contains("Logged in to guarded"));
    let back = browser.visited.last().expect("a callback");
    assert_eq!((back.host_str(), back.path()), (Some("localhost"), "/callback"));
    login.end().await.well("logged in to guarded");
    gateway.document("/guarded").await;
    works(&gateway).await;
    desk.run(&["tokens"]).await.well("guarded: logged in, token good for");
    desk.run(&["login", "guarded"]).await.well("needs no login now: it answers, with 2 tools");

    desk.run(&["logout"]).await.well("logged out of guarded");
    assert_eq!(token_files(fixture.tokens()), []);
    asks_for_login(&answered(&gateway).await);
    assert_eq!(token_files(fixture.tokens()), [], "nothing comes back");
    let counts = fixture.authorization.counts().await;
    assert_eq!(counts["token arrived"], 1, "nobody refreshes what was given up: {counts:?}");
    desk.run(&["logout", "guarded"]).await.well("there are no tokens of guarded");
    gateway.stop().await;
}

/// The tokens are still good where the authorization server could not be told; the gateway gives them up all the same.
#[tokio::test]
async fn a_logout_holds_where_nothing_was_revoked() {
    let fixture = Fixture::http().await;
    let desk = Desk::new(&fixture);
    let gateway = fixture.logged_in().await;
    fixture.authorization.down().await;
    desk.run(&["logout"]).await.well("logged out of guarded");
    fixture.authorization.up().await;
    works(&gateway).await;
    fixture.authorization.revoke_access().await;
    asks_for_login(&answered(&gateway).await);
    assert_eq!(token_files(fixture.tokens()), []);
    let counts = fixture.authorization.counts().await;
    assert!(!counts.contains_key("refresh_token ok"), "{counts:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn expired_tokens_are_listed_as_such() {
    let fixture = Fixture::http().await;
    fixture.authorization.life(1).await;
    fixture.logged_in().await.stop().await;
    fixture.authorization.expired().await;
    Desk::new(&fixture).run(&["tokens"]).await.well("token to be refreshed at the next call");
}

/// The browser is on another machine: what it ends at is pasted, after some mistakes.
#[tokio::test]
async fn an_address_can_be_pasted() {
    let fixture = Fixture::http().await;
    let desk = Desk::new(&fixture);
    let mut login = desk.login().await;
    let callback = Browser::new().follow(&login.url, |url| url.path() == "/callback").await;
    let callback = callback.expect_err("a callback");
    for line in ["", "what?", &with(&callback, "state", Some("made-up")), callback.as_str()] {
        login.paste(line).await;
    }
    let said = login.end().await;
    said.well("That is not the whole address");
    said.well("That is not where this login ends");
    said.well("logged in to guarded");
}

/// Anybody may ask the port for anything; the login goes on, without a terminal too.
#[tokio::test]
async fn strangers_do_not_end_a_login() {
    let fixture = Fixture::http().await;
    let desk = Desk::new(&fixture);
    let login = Login::of(&mut desk.command(&["login"])).await;
    let mut browser = Browser::new();
    let callback = browser.follow(&login.url, |url| url.path() == "/callback").await.expect_err("a callback");
    for wrong in [with(&callback, "state", None), with(&callback, "state", Some("made-up"))] {
        Browser::new().open(&wrong).await.page(400);
    }
    assert_eq!(Browser::new().open(callback.join("/other").unwrap().as_str()).await.status, 404);
    browser.open(callback.as_str()).await.page(200);
    login.end().await.well("logged in to guarded");
}

#[tokio::test]
async fn what_cannot_be_logged_in_to_says_why() {
    let fixture = Fixture::http().await;
    let open = Remote::http().await;
    let fixed = json!({ "url": fixture.authorization.mcp(), "headers": { "Authorization": "Bearer x" } });
    let servers = json!({ "open": { "url": open.url }, "fixed": fixed });
    let desk = Desk::of(&fixture, &servers);
    desk.run(&["login", "nosuch"]).await.badly(2, "no remote server is called \"nosuch\"");
    desk.run(&["login"]).await.badly(2, "which server?");
    desk.run(&["login", "open"]).await.well("open needs no login now: it answers");
    for action in ["login", "logout"] {
        desk.run(&[action, "fixed"]).await.badly(1, "the config names its credentials");
    }
    desk.run(&["tokens"]).await.well("fixed: credentials in the config\n");

    let desk = Desk::new(&fixture);
    fixture.authorization.deny_next_login().await;
    let login = desk.login().await;
    let page = Browser::new().open(&login.url).await;
    page.page(400);
    let said = login.end().await;
    assert_eq!(said.code, Some(1), "{said:?}");
    let last = said.error.lines().last().expect("a line");
    assert!(last.starts_with("mcpo: guarded: ") && last.contains("denied"), "{said:?}");
}

/// A client of our own comes back anywhere; one that was registered by hand only where it is registered.
#[tokio::test]
async fn a_busy_port_is_evaded_where_that_is_possible() {
    let fixture = Fixture::http().await;
    let port = free_port();
    let _busy = TcpListener::bind(("127.0.0.1", port)).expect("a port");
    let desk = Desk::with(&fixture, &json!({ "callback_port": port }));
    let login = desk.login().await;
    Browser::new().open(&login.url).await.page(200);
    login.end().await.well("logged in to guarded");

    let desk = Desk::with(&fixture, &json!({ "callback_port": port, "client_id": "by-hand" }));
    let text = format!("cannot listen on port {port} for the login to come back");
    desk.run(&["login"]).await.badly(1, &text);
}

#[tokio::test]
async fn the_browser_is_opened() {
    let fixture = Fixture::http().await;
    let desk = Desk::new(&fixture);
    let script = desk.folder.path().join("browser");
    fs::write(&script, "#!/bin/sh\nprintf %s \"$1\" > opened.part && mv opened.part opened\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let login = Login::of(desk.command(&["login"]).env("BROWSER", &script)).await;
    let opened = eventually("the browser is opened", async || {
        fs::read_to_string(desk.folder.path().join("opened")).ok()
    })
    .await;
    assert_eq!(opened, login.url);
    Browser::new().open(&opened).await.page(200);
    login.end().await.well("logged in to guarded");
}
