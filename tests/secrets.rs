//! Secrets of the configuration: mcpo redacts them in what servers repeat, and keeps them from children. A request without
//! a key sees no text of a server that is not connected.

mod echo;

use std::{fs, os::unix::fs::MetadataExt as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use reqwest::{Method, Url};
use serde_json::{Map, Value, json};

use self::echo::{ANSWERS, Echo, STAGES, WORDS};
use crate::support::{Gateway, eventually, wire::encoded};

const KEY: &str = "the-key-of-callers";
const HEADER: &str = "Head\"er/secret&<1>";
const BEARER: &str = "Bearer-Secret.2/3+4";
const PASSWORD: &str = "Pass%2Fword-secret%225";
const QUERY: &str = "Query%2Fsecret-6%22";
const VARIABLE: &str = "Variable/secret=7";
const COLLECTOR: &str = "Collector-secret-8";

/// Every secret in the forms in which somebody may look for it.
fn forms() -> Vec<String> {
    let plain = |text: &str| percent_decode_str(text).decode_utf8().expect("UTF-8").into_owned();
    let secrets = [KEY, HEADER, BEARER, PASSWORD, QUERY, VARIABLE, COLLECTOR];
    let secrets = secrets.into_iter().flat_map(|secret| [secret.to_owned(), plain(secret)]);
    let credentials = [format!("user1:{}", plain(PASSWORD)), format!("user1:{PASSWORD}")];
    secrets
        .chain(credentials)
        .flat_map(|secret| {
            let json = json!(secret).to_string();
            [json.trim_matches('"').to_owned(), encoded(&secret), STANDARD.encode(&secret), secret]
        })
        .collect()
}

/// Fails if `text` has a secret in it, in upper or lower case.
#[track_caller]
fn assert_clean(what: &str, text: &str) {
    let lower = text.to_lowercase();
    for form in forms() {
        assert!(!lower.contains(&form.to_lowercase()), "{what} shows {form}:\n{text}");
        // Nor its beginning, where something was cut. That of a short one is a word.
        let beginning = &form[..form.floor_char_boundary(12)];
        assert!(!lower.contains(&beginning.to_lowercase()), "{what} shows the beginning of {form}:\n{text}");
    }
}

/// A server for each stage, with each kind of secret.
fn servers(port: u16) -> Map<String, Value> {
    let url = |stage: &str| format!("http://user1:{PASSWORD}@127.0.0.1:{port}/{stage}/mcp?api_key={QUERY}");
    let kinds = |stage: &str| {
        let (bearer, basic) = (format!("{stage}-bearer"), format!("{stage}-basic"));
        let url_alone = format!("http://127.0.0.1:{port}/{stage}/mcp?api_key={QUERY}");
        let header = json!({ "Authorization": format!("Bearer {BEARER}"), "X-Whatever": HEADER });
        [
            (bearer, json!({ "type": "streamable-http", "url": url_alone, "headers": header })),
            (
                basic,
                json!({ "type": "streamable-http", "url": url(stage), "headers": { "X-Whatever": HEADER } }),
            ),
        ]
    };
    STAGES.iter().flat_map(|stage| kinds(stage)).collect()
}

#[tokio::test]
async fn what_a_server_repeats_is_shown_nowhere() {
    let echo = Echo::start().await;
    let mut servers = servers(echo.port);
    let script = "echo \"cannot log in with $DB_PASSWORD\" >&2; exit 1";
    servers.insert(
        "program".to_owned(),
        json!({ "command": "sh", "args": ["-c", script], "env": { "DB_PASSWORD": "${OF_THE_DATABASE}" } }),
    );
    let names: Vec<_> = servers.keys().cloned().collect();
    let gateway = Gateway::config(&Value::from(servers))
        .options(["--api-key", KEY, "--log-level", "trace", "--audit-log", "audit.log"])
        .environment([("OF_THE_DATABASE", VARIABLE), ("OTEL_EXPORTER_OTLP_HEADERS", COLLECTOR)])
        .start()
        .await;
    let ask = async |path: &str, key: &str| {
        let request = gateway.request(Method::GET, path);
        gateway.send(if key.is_empty() { request } else { request.bearer_auth(key) }).await
    };
    eventually("every server has been tried", async || {
        let status = ask("/status", KEY).await.json();
        let states = status["servers"].as_array().unwrap().iter().map(|server| server["state"].clone());
        states.into_iter().all(|state| state != "connecting").then_some(())
    })
    .await;
    for path in ["/status", "/openapi.json", "/docs", "/metrics", "/", "/nosuch"] {
        assert_clean(path, &ask(path, KEY).await.body);
    }
    let status = ask("/status", KEY).await.body;
    assert!(status.contains(WORDS) && status.contains("[redacted]"), "callers see all else: {status}");
    for name in &names {
        let path = |page: &str| format!("/{name}/{page}");
        for page in [path("docs"), path("openapi.json"), path("repeat"), path("nosuch")] {
            let (with_key, without) = (ask(&page, KEY).await, ask(&page, "").await);
            assert_clean(&page, &format!("{:?} {}", with_key.headers, with_key.body));
            assert_clean(&page, &format!("{:?} {}", without.headers, without.body));
            let connected = with_key.status == 200;
            assert!(connected || !without.body.contains(WORDS), "{page} without a key: {}", without.body);
        }
        for (turn, how) in (0..9).flat_map(|turn| ANSWERS.map(|how| (turn, how))) {
            let call = gateway.request(Method::POST, &path("repeat")).bearer_auth(KEY);
            let answer = gateway.send(call.json(&json!({ "how": how, "turn": turn }))).await;
            assert_clean(&format!("{name} {how} {turn}"), &format!("{:?} {}", answer.headers, answer.body));
            if !name.starts_with("call") {
                break;
            }
            assert!(answer.body.contains("[redacted]") || how == "not-json", "{name} {how}: {answer:?}");
        }
    }
    assert_clean("/metrics", &ask("/metrics", KEY).await.body);
    let audit = fs::read_to_string(gateway.file("audit.log")).unwrap();
    assert!(audit.contains("repeat"), "{audit}");
    assert_clean("the audit log", &audit);
    let log = gateway.stop().await;
    assert!(log.contains(WORDS) && log.contains("cannot log in with [redacted]"), "{log}");
    assert_clean("the log", &log);
}

/// What is searched for secrets is bounded.
#[tokio::test]
async fn a_very_long_error_is_shown_in_part() {
    let echo = Echo::start().await;
    let url = format!("http://127.0.0.1:{}/call/mcp", echo.port);
    let server = json!({ "type": "streamable-http", "url": url, "headers": { "X-Whatever": HEADER } });
    let gateway = Gateway::config(&json!({ "echo": server })).ready().await;
    let answer = gateway.call("/echo/repeat", &json!({ "how": "huge" })).await;
    let message = answer.error(500);
    assert!(
        (1 << 19..=1 << 20).contains(&message.len()) && message.ends_with('…'),
        "{} bytes",
        message.len()
    );
    assert!(message.starts_with(WORDS), "{}", &message[..100]);
    assert_clean("the answer", &answer.body);
    let metrics = gateway.get("/metrics").await.body;
    assert!(metrics.contains("mcpo_bounds_hit_total{bound=\"error_text\"} 2"), "{metrics}");
    gateway.stop().await;
}

#[tokio::test]
async fn an_authorization_server_does_not_learn_the_query() {
    let echo = Echo::start().await;
    let resource = format!("http://127.0.0.1:{}/challenge/mcp", echo.port);
    let url = format!("{resource}?api_key={QUERY}");
    let server = json!({ "type": "streamable-http", "url": url, "oauth": { "client_id": "client" } });
    let gateway = Gateway::config(&json!({ "guarded": server })).start().await;
    let login = eventually("a login can begin", async || {
        let answer = gateway.get("/oauth/guarded/login").await;
        answer.header("location").filter(|_| answer.status == 302)
    })
    .await;
    let login = Url::parse(&login).unwrap();
    let named: Vec<_> = login.query_pairs().filter(|(name, _)| name == "resource").collect();
    assert_eq!(named, [("resource".into(), resource.into())]);
    assert_clean("the login", login.as_str());
    gateway.stop().await;
}

/// The script shows which of these variables it has.
fn telling(names: &[&str]) -> String {
    let shown = names.iter().map(|name| format!("echo \"{name}=[${name}]\""));
    format!("{{ {}; }} >&2; exec \"$0\" example-server", shown.collect::<Vec<_>>().join("; "))
}

#[tokio::test]
async fn a_variable_of_a_secret_is_for_those_alone_whose_env_names_it() {
    let names = [
        "OF_HEADER",
        "OF_URL",
        "OF_CLIENT",
        "OWN_TOKEN",
        "MY_TOKEN",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "PLAIN",
        "SHARED_KEY",
    ];
    let program = |script: String, env: Value| json!({ "command": "sh", "args": ["-c", script, env!("CARGO_BIN_EXE_mcpo")], "env": env });
    let servers = json!({
        "other": program(format!("echo of-other >&2; {}", telling(&names)), json!({})),
        "owner": program(
            format!("echo of-owner >&2; {}", telling(&names)),
            json!({ "OWN_TOKEN": "${OWN_TOKEN}", "MY_TOKEN": "${OF_HEADER}" }),
        ),
        "remote": { "url": "http://127.0.0.1:1/mcp?key=${OF_URL}", "headers": { "X": "${OF_HEADER}", "Y": "${SHARED_KEY}" } },
        "login": { "url": "http://127.0.0.1:1/", "oauth": { "client_id": "c", "client_secret": "${OF_CLIENT}" } },
    });
    let gateway = Gateway::config(&servers)
        .options(["--env", "SHARED_KEY=short"])
        .environment(
            ["OF_HEADER", "OF_URL", "OF_CLIENT", "OWN_TOKEN", "OTEL_EXPORTER_OTLP_HEADERS", "PLAIN"]
                .map(|name| (name, "short")),
        )
        .start()
        .await;
    for server in ["other", "owner"] {
        let has = |name: &str, value: &str| format!("{name}=[{value}] server=\"{server}\"");
        let log = eventually("it says what it has", async || {
            let log = gateway.log();
            log.contains(&has("PLAIN", "short")).then_some(log)
        })
        .await;
        let own = if server == "owner" { "short" } else { "" };
        for (name, value) in [
            ("OF_HEADER", ""),
            ("OF_URL", ""),
            ("OF_CLIENT", ""),
            ("OWN_TOKEN", own),
            ("MY_TOKEN", own),
            ("OTEL_EXPORTER_OTLP_HEADERS", ""),
            ("SHARED_KEY", ""),
        ] {
            assert!(log.contains(&has(name, value)), "{server} {name}: {log}");
        }
    }
    let log = gateway.stop().await;
    let remark = "programs do not inherit OF_CLIENT, OF_HEADER, OF_URL, OWN_TOKEN, SHARED_KEY, which the configuration takes a \
                  secret from; a server that needs it has it in its own env, as in \"env\": {\"OF_CLIENT\": \"${OF_CLIENT}\"}";
    assert!(log.contains(remark), "{log}");
}

/// As a plain user; root may read everything.
#[tokio::test]
async fn a_program_cannot_read_the_gateways_memory() {
    let script = "for file in environ mem maps; do head -c 1 /proc/$PPID/$file >/dev/null 2>&1 && echo \"open: $file\" >&2; \
                  head -c 1 /proc/self/$file >/dev/null 2>&1 && echo \"own: $file\" >&2; done; exec \"$0\" example-server";
    let command = ["sh", "-c", script, env!("CARGO_BIN_EXE_mcpo")].map(str::to_owned);
    let launch = Gateway::single(command.to_vec()).options(["--api-key", KEY]);
    let launch = if fs::metadata("/proc/self").unwrap().uid() == 0 {
        launch.inside(&["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
    } else {
        launch
    };
    let gateway = launch.ready().await;
    let log = gateway.stop().await;
    assert!(log.contains("own: environ") && !log.contains("open: "), "{log}");
}
