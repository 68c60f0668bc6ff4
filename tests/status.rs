//! What the gateway tells of itself: `/status`, `/readyz`, and the page at `/`.

use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::support::{Gateway, eventually, parts, wire::encoded};

const KEY: &str = "open-sesame";

/// One server that works and one that cannot be started.
fn servers() -> Value {
    json!({ "fake": parts::fake(&[]), "dead": { "command": "no-such-program" } })
}

/// What `/status` tells of a server.
async fn told(gateway: &Gateway, name: &str) -> Value {
    let status = gateway.get("/status").await.json();
    let servers = status["servers"].as_array().expect("servers");
    let found = servers.iter().find(|server| server["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {status}")).clone()
}

async fn reaches(gateway: &Gateway, name: &str, state: &str) -> Value {
    eventually(&format!("{name} is {state}"), async || {
        let server = told(gateway, name).await;
        (server["state"] == state).then_some(server)
    })
    .await
}

/// The moment that a value names.
fn moment(value: &Value) -> jiff::Timestamp {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no RFC 3339: {value}"))
}

#[tokio::test]
async fn it_says_what_each_server_does_and_why_not() {
    let start = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(1);
    let gateway = Gateway::config(&servers()).start().await;
    let ready = reaches(&gateway, "fake", "ready").await;
    let dead = reaches(&gateway, "dead", "backing off").await;
    for server in [&ready, &dead] {
        let since = moment(&server["since"]);
        assert!(start < since && since <= jiff::Timestamp::now(), "{server}");
    }
    assert!(ready["tools"].as_u64() > Some(0) && ready.get("reason").is_none(), "{ready}");
    assert!(dead["reason"].as_str().is_some_and(|reason| reason.contains("no-such-program")), "{dead}");
    assert!(moment(&dead["next_try"]) > start && dead["tools"] == 0, "{dead}");
    assert_eq!((&ready["docs"], &dead["docs"]), (&json!("fake/docs"), &json!("dead/docs")));
    // One has been started once, the other never; neither again.
    assert_eq!((&ready["restarts"], &dead["restarts"]), (&json!(0), &json!(0)));

    let status = gateway.get("/status").await.json();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert!(status["uptime"].is_u64(), "{status}");
    gateway.stop().await;
}

#[tokio::test]
async fn it_counts_calls() {
    let gateway = Gateway::config(&json!({ "example": parts::example() })).ready().await;
    let tokyo = json!({ "timezone": "Asia/Tokyo" });
    gateway.result("/example/get_current_time", &tokyo).await;
    assert_eq!(gateway.call("/example/get_current_time", &json!({ "timezone": 7 })).await.status, 422);
    gateway.call("/example/no_such_tool", &json!({})).await;
    let calls = told(&gateway, "example").await["calls"].clone();
    assert_eq!(calls, json!({ "total": 2, "failed": 1, "in_flight": 0, "running": 0, "queued": 0 }));
    gateway.stop().await;
}

/// Of the calls under way it tells apart those that run from those that wait for them, and so do the metrics.
#[tokio::test]
async fn it_tells_how_long_the_queue_is() {
    let folder = tempfile::tempdir().unwrap();
    let release = folder.path().join("release");
    let servers = json!({ "fake": parts::fake(&[]) });
    let gateway = Gateway::config(&servers).options(["--max-concurrent", "1"]).ready().await;
    let counts = async || {
        let calls = told(&gateway, "fake").await["calls"].clone();
        let depth =
            gateway.get("/metrics").await.body.lines().find_map(|line| {
                line.strip_prefix("mcpo_queue_depth{server=\"fake\"} ")?.parse::<u64>().ok()
            });
        [calls["in_flight"].as_u64(), calls["running"].as_u64(), calls["queued"].as_u64(), depth]
    };
    let are = async |wanted: [u64; 4]| {
        eventually(&format!("{wanted:?}"), async || (counts().await == wanted.map(Some)).then_some(())).await;
    };
    let arguments = json!({ "until": release });
    let call = || gateway.result("/fake/call", &arguments);
    let watch = async {
        are([3, 1, 2, 2]).await;
        std::fs::write(&release, "").unwrap();
    };
    tokio::join!(call(), call(), call(), watch);
    are([0, 0, 0, 0]).await;
    gateway.stop().await;
}

/// Where a key is set, what servers do is for those who hold it; a page's script is refused without a dialog.
#[tokio::test]
async fn it_asks_for_the_key() {
    for (options, challenge) in [(&[][..], "Bearer"), (&["--strict-auth"][..], "Bearer, Basic")] {
        let options = ["--api-key", KEY].iter().chain(options).copied();
        let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).options(options).ready().await;
        let refused = gateway.get("/status").await;
        assert_eq!(refused.status, 401, "{refused:?}");
        assert_eq!(refused.header("www-authenticate").as_deref(), Some(challenge));
        assert!(!refused.body.contains("fake"), "{refused:?}");
        let ask = |key: &str| gateway.send(gateway.request(Method::GET, "/status").bearer_auth(key));
        assert_eq!(ask("wrong").await.status, 403);
        assert_eq!(ask(KEY).await.json()["servers"][0]["state"], "ready");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn readiness_is_of_any_server_or_of_all() {
    for (wanted, status) in [("any", 200), ("all", 503)] {
        let gateway = Gateway::config(&servers()).options(["--ready", wanted]).start().await;
        reaches(&gateway, "fake", "ready").await;
        reaches(&gateway, "dead", "backing off").await;
        assert_eq!(gateway.get("/readyz").await.status, status, "--ready {wanted}");
        gateway.stop().await;
    }
    let gateway = Gateway::config(&json!({ "a": parts::fake(&[]), "b": parts::fake(&[]) }))
        .environment([("MCPO_READY", "all")])
        .ready()
        .await;
    gateway.stop().await;
}

/// The links of a status hold wherever servers are mounted, whatever they are called.
#[tokio::test]
async fn it_links_to_the_documentation() {
    let name = "a b/ü";
    for (options, docs) in [
        (&[][..], format!("{}/docs", encoded(name))),
        (&["--path-prefix", "api"][..], format!("api/{}/docs", encoded(name))),
    ] {
        let servers = json!({ name: parts::fake(&[]) });
        let gateway = Gateway::config(&servers).options(options.to_vec()).ready().await;
        assert_eq!(told(&gateway, name).await["docs"], docs);
        gateway.get(&format!("/{docs}")).await.page(200);
        gateway.stop().await;
    }
    let gateway = Gateway::single(parts::time_command()).ready().await;
    let status = gateway.get("/status").await.json();
    assert_eq!(status["servers"][0]["docs"], "docs");
    gateway.stop().await;
}

/// The page and its files, at the root and below a root path; nothing in it is of the gateway.
#[tokio::test]
async fn a_page_for_people_is_at_the_root() {
    let gateway = Gateway::config(&servers()).options(["--root-path", "/p"]).start().await;
    for root in ["/", "/p/"] {
        let page = gateway.get(root).await;
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.contains("script-src 'self';"), "{policy}");
        let text = page.page(200);
        assert!(!text.contains("//") && !text.contains("dead"), "{text}");
        for file in ["docs/status.css", "docs/status.js", "docs", "status"] {
            assert!(text.contains(&format!("=\"{file}\"")), "{file} is not in {text}");
            assert_eq!(gateway.get(&format!("{root}{file}")).await.status, 200, "{root}{file}");
        }
    }
    let answer = gateway.get("/p").await;
    let base = Url::parse(gateway.base()).and_then(|base| base.join("/p")).unwrap();
    let location = base.join(&answer.header("location").expect("a redirect")).unwrap();
    assert_eq!((answer.status, location.path()), (307, "/p/"));
    gateway.stop().await;
}
