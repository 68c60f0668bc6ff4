//! Keys by name, each with what it opens.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use super::{ask, call, tools};
use crate::{
    support::observe::hang_up,
    support::{Gateway, parts},
};

const READS: &str =
    r#"{"name": "read", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}}"#;
const WRITES: &str = r#"{"name": "write", "inputSchema": {"type": "object"}}"#;

fn servers() -> Value {
    let fake = parts::fake(&["--tool", READS, "--tool", WRITES]);
    json!({ "notes": fake, "mail": fake, "mail box": fake })
}

#[tokio::test]
async fn keys_come_from_flags_variables_files_and_the_config() {
    let digest = |key: &str| -> String {
        use sha2::Digest as _;
        sha2::Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let keys = file("keys", &format!("# who calls\n\ncarol=of-carol\nivan=sha256:{}\n", digest("of-ivan")));
    let erin = file("erin", "of-erin\n");
    let access = json!({ "keys": {
        "dave": { "key": "${OF_DAVE}" },
        "erin": { "keyFile": erin },
    } });
    let gateway = Gateway::config(&servers())
        .access(&access, "unnamed")
        .options(["--api-key", "unnamed", "--named-key", "alice=of-alice=", "--named-keys-file", &keys])
        .environment([("OF_DAVE", "of-dave")])
        .ready()
        .await;
    for key in ["unnamed", "of-alice=", "of-carol", "of-ivan", "of-dave", "of-erin"] {
        assert_eq!(call(&gateway, "/notes/write", key).await.status, 200, "{key}");
    }
    for wrong in ["of-bob", "of-alice", "alice=of-alice=", &format!("sha256:{}", digest("of-ivan")), "carol"]
    {
        let answer = call(&gateway, "/notes/write", wrong).await;
        answer.is(403, &json!({ "detail": "Invalid API key" }));
    }
    let metrics = gateway.get("/metrics").await.body;
    assert!(
        metrics.contains("mcpo_requests_admitted_total{credential=\"key\",name=\"carol\"} 1"),
        "{metrics}"
    );
    assert!(metrics.contains("mcpo_requests_denied_total 5"), "{metrics}");
    let log = gateway.stop().await;
    assert!(log.contains("caller=\"dave\""), "{log}");
    for key in ["unnamed", "of-"] {
        assert!(!log.contains(key) && !metrics.contains(key), "{key}:\n{log}\n{metrics}");
    }
}

/// One key sees and calls some tools, and learns nothing of the others.
#[tokio::test]
async fn a_limited_key_sees_what_it_may_call() {
    let access = json!({ "keys": {
        "all": { "key": "k-all" },
        "reader": { "key": "k-reader", "readOnly": true },
        "mail": { "key": "k-mail", "servers": ["mail*"] },
        "writer": { "key": "k-writer", "servers": ["notes"], "tools": ["wr?te"] },
        "none": { "key": "k-none", "servers": [] },
    } });
    let gateway =
        Gateway::config(&servers()).access(&access, "k-all").options(["--strict-auth"]).ready().await;
    let withheld = json!({ "detail": "this key or token does not open that, or there is no such thing" });
    for (key, opened) in [
        ("k-all", [true; 6]),
        ("k-reader", [true, false, true, false, true, false]),
        ("k-mail", [false, false, true, true, true, true]),
        ("k-writer", [false, true, false, false, false, false]),
        ("k-none", [false; 6]),
    ] {
        let tools_of = ["notes", "mail", "mail%20box"].map(|server| [(server, "read"), (server, "write")]);
        for ((server, tool), open) in tools_of.into_iter().flatten().zip(opened) {
            let path = format!("/{server}/{tool}");
            let answer = call(&gateway, &path, key).await;
            if open {
                assert_eq!(answer.status, 200, "{key} {path}: {answer:?}");
            } else {
                answer.is(403, &withheld);
            }
            let document = ask(&gateway, Method::GET, &format!("/{server}/openapi.json"), key).await;
            let shown =
                document.status == 200 && tools(&document.json()).contains(&format!("/{tool}").as_str());
            assert_eq!(shown, open, "{key} {path}: {document:?}");
        }
        if key != "k-all" {
            call(&gateway, "/notes/nosuch", key).await.is(403, &withheld);
            // A hint would tell names.
            call(&gateway, "/notes/reed", key).await.is(403, &withheld);
            call(&gateway, "/nots/read", key).await.is(403, &withheld);
            call(&gateway, "/nosuch/read", key).await.is(403, &withheld);
        }
    }
    call(&gateway, "/notes/nosuch", "k-all").await.is(404, &json!({ "detail": "Not Found" }));
    gateway.stop().await;
}

#[tokio::test]
async fn each_view_has_an_etag_of_its_own_and_the_root_names_what_it_opens() {
    let access = json!({ "keys": {
        "all": { "key": "k-all" },
        "reader": { "key": "k-reader", "readOnly": true, "servers": ["notes", "mail"] },
    } });
    let gateway =
        Gateway::config(&servers()).access(&access, "k-all").options(["--strict-auth"]).ready().await;
    let document = async |path: &str, key: &str| ask(&gateway, Method::GET, path, key).await;
    let (whole, part) =
        (document("/mail/openapi.json", "k-all").await, document("/mail/openapi.json", "k-reader").await);
    let (whole, part) = (whole.header("etag").unwrap(), part.header("etag").unwrap());
    assert_ne!(whole, part);
    for (tag, status) in [(&whole, 200), (&part, 304)] {
        let request = gateway.request(Method::GET, "/mail/openapi.json").bearer_auth("k-reader");
        assert_eq!(gateway.send(request.header("if-none-match", tag)).await.status, status);
    }
    let root = document("/openapi.json", "k-reader").await.json();
    let described = root["info"]["description"].as_str().unwrap();
    assert!(described.contains("[mail]") && !described.contains("[mail box]"), "{described}");
    let status = document("/status", "k-reader").await.json();
    let named: Vec<_> = status["servers"].as_array().unwrap().iter().map(|it| it["name"].as_str()).collect();
    assert_eq!(named, [Some("notes"), Some("mail")]);
    let notes = &status["servers"][0];
    assert_eq!(notes["tools"], 1, "{notes}");
    let metrics = document("/metrics", "k-reader").await.body;
    assert!(metrics.contains("server=\"notes\"") && !metrics.contains("mail box"), "{metrics}");
    assert!(metrics.contains("tool=\"read\"") && !metrics.contains("write"), "{metrics}");
    assert!(!metrics.contains("mcpo_requests_admitted_total"), "{metrics}");
    gateway.stop().await;
}

/// Documents that are open show everything to who shows nothing, and a limited key its own part.
#[tokio::test]
async fn open_documents_are_whole() {
    let access = json!({ "keys": { "reader": { "key": "k-reader", "readOnly": true } } });
    let gateway = Gateway::config(&servers()).access(&access, "").ready().await;
    let whole = gateway.get("/notes/openapi.json").await.json();
    assert_eq!(tools(&whole), ["/read", "/write"]);
    let part = ask(&gateway, Method::GET, "/notes/openapi.json", "k-reader").await.json();
    assert_eq!(tools(&part), ["/read"]);
    gateway.stop().await;
}

/// Keys change, come and go while mcpo runs, and no session notices.
#[tokio::test]
async fn keys_are_rotated_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    fs::write(&keys, "alice=old\nbob=of-bob\n").unwrap();
    let gateway =
        Gateway::config(&servers()).options(["--named-keys-file", keys.to_str().unwrap()]).ready().await;
    let document = gateway.get("/notes/openapi.json").await.json();
    let operation = &document["paths"]["/read"]["post"];
    assert!(operation["security"].is_array(), "{operation}");
    assert_eq!(call(&gateway, "/notes/read", "old").await.status, 200);
    fs::write(&keys, "alice=new\n").unwrap();
    hang_up(&gateway).await;
    for (key, status) in [("old", 403), ("of-bob", 403), ("new", 200)] {
        assert_eq!(call(&gateway, "/notes/read", key).await.status, status, "{key}");
    }
    // A file that is no good changes nothing.
    fs::write(&keys, "alice\n").unwrap();
    gateway.signal(nix::sys::signal::Signal::SIGHUP);
    crate::support::eventually("the log says why", async || {
        gateway.log().contains("keys:1: write it as NAME=KEY").then_some(())
    })
    .await;
    assert_eq!(call(&gateway, "/notes/read", "new").await.status, 200);
    // Nor does one without any key let everyone in.
    fs::write(&keys, "# nobody\n").unwrap();
    gateway.signal(nix::sys::signal::Signal::SIGHUP);
    crate::support::eventually("the log says why", async || {
        gateway.log().contains("holds no key; write NAME=KEY into it").then_some(())
    })
    .await;
    assert_eq!(call(&gateway, "/notes/read", "").await.status, 401);
    assert!(!gateway.log().contains("reconnect"), "{}", gateway.log());
    gateway.stop().await;
}

/// No edit opens a gateway that was closed: that takes a start.
#[tokio::test]
async fn a_gateway_stays_closed() {
    let access = json!({ "keys": { "alice": { "key": "k" } } });
    let gateway = Gateway::config(&servers()).access(&access, "k").ready().await;
    let without = json!({ "mcpServers": { "other": servers()["notes"] } });
    fs::write(gateway.file("config.json"), without.to_string()).unwrap();
    gateway.signal(nix::sys::signal::Signal::SIGHUP);
    crate::support::eventually("the log says why", async || {
        gateway.log().contains("it has no key any more").then_some(())
    })
    .await;
    assert_eq!(call(&gateway, "/notes/read", "").await.status, 401);
    assert_eq!(call(&gateway, "/notes/read", "k").await.status, 200);
    gateway.stop().await;
}

/// What the `access` block says beside keys follows an edit as they do.
#[tokio::test]
async fn origins_and_rates_are_read_again() {
    let access = json!({ "corsAllowOrigins": ["https://a.example"], "rateLimit": "100/s" });
    let gateway = Gateway::config(&servers()).access(&access, "").ready().await;
    let from = async |origin: &str| {
        let request = gateway.request(Method::GET, "/notes/openapi.json").header("origin", origin);
        gateway.send(request).await.header("access-control-allow-origin")
    };
    let policy = async || call(&gateway, "/notes/read", "").await.header("ratelimit-policy").unwrap();
    let (a, b) = ("https://a.example", "https://b.example");
    assert_eq!((from(a).await.as_deref(), from(b).await), (Some(a), None));
    assert_eq!(policy().await, "\"caller\";q=100;w=1");
    let config = fs::read_to_string(gateway.file("config.json")).unwrap();
    let edited = config.replace("a.example", "b.example").replace("100/s", "60/min");
    fs::write(gateway.file("config.json"), edited).unwrap();
    hang_up(&gateway).await;
    assert_eq!((from(a).await, from(b).await.as_deref()), (None, Some(b)));
    assert_eq!(policy().await, "\"caller\";q=60;w=60");
    gateway.stop().await;
}
