//! How a gateway under test is started: its command line, its environment, a folder of its own.

use std::{
    fs,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use reqwest::{Client, Method, redirect};
use serde_json::Value;
use tempfile::TempDir;

use super::{Gateway, eventually, parts, processes, wait::DEADLINE};

static STARTED: AtomicU32 = AtomicU32::new(0);

/// A gateway not yet started: its command line and what it needs.
pub(crate) struct Launch {
    /// The gateway's working directory and home.
    folder: TempDir,
    options: Vec<String>,
    /// The rest of its command line.
    servers: Vec<String>,
    /// Where the servers' documents will be, below the path prefix.
    homes: Vec<String>,
    environment: Vec<(String, String)>,
    trusted: Option<reqwest::Certificate>,
    /// What its documents are asked for with.
    key: Option<String>,
    /// A command that runs the rest of its line in its own place.
    wrapper: Vec<String>,
}

impl Launch {
    pub(super) fn new(folder: TempDir, servers: Vec<String>, homes: Vec<String>) -> Self {
        Self {
            folder,
            options: Vec::new(),
            servers,
            homes,
            environment: Vec::new(),
            trusted: None,
            key: None,
            wrapper: Vec::new(),
        }
    }

    /// Adds options before those that name the servers.
    pub(crate) fn options<S: Into<String>>(mut self, options: impl IntoIterator<Item = S>) -> Self {
        self.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Puts an `access` block into its config file; this key sees all documents.
    pub(crate) fn access(mut self, access: &Value, key: &str) -> Self {
        let file = self.folder.path().join("config.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&file).expect("a config file")).unwrap();
        config["access"] = access.clone();
        fs::write(&file, config.to_string()).expect("written");
        self.key = Some(key.to_owned());
        self
    }

    /// Adds variables to the gateway's environment.
    pub(crate) fn environment<N: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Starts it through a command that replaces itself by what follows.
    pub(crate) fn inside(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Lets the client trust this certificate.
    pub(crate) fn trust(mut self, certificate: reqwest::Certificate) -> Self {
        self.trusted = Some(certificate);
        self
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn start(self) -> Gateway {
        let mark = format!("{}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
        let child = self.spawn(&mark);
        let client = Client::builder().redirect(redirect::Policy::none()).timeout(DEADLINE).no_proxy();
        let client = match self.trusted {
            Some(certificate) => client.add_root_certificate(certificate),
            None => client,
        };
        Gateway::adopt(child, client.build().expect("an HTTP client"), mark, self.folder).await
    }

    /// Starts it and waits until all its servers are connected.
    pub(crate) async fn ready(self) -> Gateway {
        let key = self.key.as_deref().or(self.option("--api-key")).unwrap_or_default().to_owned();
        let prefix = self.option("--path-prefix").map(|prefix| format!("/{prefix}")).unwrap_or_default();
        let homes = self.homes.clone();
        let gateway = self.start().await;
        for home in homes {
            let path = format!("{prefix}{home}/openapi.json");
            eventually(&format!("GET {path} answers 200"), async || {
                let answer = gateway.send(gateway.request(Method::GET, &path).bearer_auth(&key)).await;
                assert!(matches!(answer.status, 200 | 503), "{path}: {answer:?}");
                (answer.status == 200).then_some(())
            })
            .await;
        }
        assert_eq!(gateway.get("/readyz").await.status, 200);
        gateway
    }

    fn option(&self, name: &str) -> Option<&str> {
        let position = self.options.iter().position(|option| option == name)?;
        self.options.get(position + 1).map(String::as_str)
    }

    fn spawn(&self, mark: &str) -> Child {
        let binary = env!("CARGO_BIN_EXE_mcpo");
        let mut line = self.wrapper.iter().map(String::as_str).chain([binary]);
        let mut command = Command::new(line.next().unwrap_or(binary));
        command.args(line);
        for (name, _) in std::env::vars() {
            let shared = ["API_KEY", "LOG_LEVEL", "RUST_LOG"];
            // Nothing on the screen of who runs the tests.
            let screen = ["BROWSER", "DISPLAY", "WAYLAND_DISPLAY"];
            if name.starts_with("MCPO_") || shared.contains(&&*name) || screen.contains(&&*name) {
                command.env_remove(name);
            }
        }
        command
            .args(["--host", "127.0.0.1", "--port", "0"])
            .args(&self.options)
            .args(&self.servers)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("PATH", parts::search_path())
            .env("NO_COLOR", "1")
            .env(processes::MARK, mark)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command.spawn().expect("the mcpo binary starts")
    }
}
