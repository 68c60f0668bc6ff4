//! Callers with an identity have connections of their own.

use std::collections::{HashMap, HashSet};

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::fixture::{allowing, call, whoami, with};
use crate::support::{Gateway, eventually, upstream::Remote};

fn server(remote: &Remote) -> Value {
    with(json!({ "url": remote.url }), allowing(&["X-User", "X-Request-Id", "Authorization"]))
}

async fn gateway(remote: &Remote) -> Gateway {
    Gateway::config(&json!({ "server": server(remote) })).ready().await
}

/// How many sessions the server has.
async fn sessions(remote: &Remote) -> u64 {
    let (origin, _) = remote.url.rsplit_once('/').unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("{origin}/sessions")).send().await.unwrap();
    answer.json().await.unwrap()
}

/// 1,000 calls by two callers, at once and in turns: each arrives with its own identity and session.
#[tokio::test]
async fn every_call_arrives_with_its_own_identity() {
    for path in ["mcp", "sse"] {
        let remote = Remote::identities(path).await;
        let gateway = gateway(&remote).await;
        let shared = whoami(&gateway, &[]).await["session"].clone();
        let mut of: HashMap<&str, HashSet<String>> = HashMap::new();
        for _ in 0..20 {
            let calls = (0..50).map(async |number| {
                let user = ["ada", "bob"][number % 2];
                let told = whoami(&gateway, &[("X-User", user)]).await;
                let who = [&told["headers"]["x-user"], &told["opened"]["x-user"]];
                assert_eq!(who, [&json!(user), &json!(user)], "{told}");
                (user, told["session"].as_str().unwrap().to_owned())
            });
            for (user, session) in join_all(calls).await {
                of.entry(user).or_default().insert(session);
            }
        }
        let own: HashSet<_> = of.values().flatten().collect();
        assert!(of.values().all(|sessions| sessions.len() == 1) && own.len() == 2, "{of:?}");
        assert!(!own.contains(&shared.as_str().unwrap().to_owned()), "nor is the gateway's own theirs");
        let anonymous = whoami(&gateway, &[]).await;
        assert_eq!((&anonymous["session"], &anonymous["headers"]["x-user"]), (&shared, &Value::Null));
        assert_eq!(sessions(&remote).await, 3);
        gateway.stop().await;
        eventually("all sessions end", async || (sessions(&remote).await == 0).then_some(())).await;
    }
}

/// The id of a request goes with it, and makes no other caller.
#[tokio::test]
async fn an_id_of_a_request_opens_no_session() {
    let remote = Remote::identities("mcp").await;
    let gateway = gateway(&remote).await;
    let shared = whoami(&gateway, &[]).await["session"].clone();
    let mut own = HashSet::new();
    for id in ["one", "two"] {
        let told = whoami(&gateway, &[("X-Request-Id", id)]).await;
        assert_eq!((&told["headers"]["x-request-id"], &told["session"]), (&json!(id), &shared));
        let told = whoami(&gateway, &[("X-Request-Id", id), ("X-User", "ada")]).await;
        assert_eq!(
            (&told["headers"]["x-request-id"], &told["opened"]["x-request-id"]),
            (&json!(id), &Value::Null)
        );
        own.insert(told["session"].to_string());
    }
    assert!(own.len() == 1 && !own.contains(&shared.to_string()), "{shared} {own:?}");
    gateway.stop().await;
}

/// Who is refused is told so; nobody else is touched, and no login is asked for.
#[tokio::test]
async fn a_refused_caller_is_alone_with_it() {
    for path in ["mcp", "sse"] {
        let remote = Remote::identities(path).await;
        let gateway = gateway(&remote).await;
        let before = whoami(&gateway, &[]).await["session"].clone();
        for (user, status) in [("mallory", "401"), ("eve", "403"), ("mallory", "401")] {
            for own in [&[("X-User", user)][..], &[("X-User", user), ("Authorization", "Bearer x")]] {
                let answer = call(&gateway, "/server/whoami", own).await;
                assert!(answer.error(502).contains(status), "{answer:?}");
            }
        }
        assert_eq!(whoami(&gateway, &[("X-User", "ada")]).await["headers"]["x-user"], "ada");
        assert_eq!(whoami(&gateway, &[]).await["session"], before);
        assert_eq!(gateway.get("/status").await.json()["servers"][0]["state"], "ready");
        gateway.stop().await;
    }
}

/// A session that the server has forgotten is opened anew, by the same caller.
#[tokio::test]
async fn a_lost_session_is_replaced() {
    let remote = Remote::identities("mcp").await;
    let gateway = gateway(&remote).await;
    let first = whoami(&gateway, &[("X-User", "ada")]).await;
    let (origin, _) = remote.url.rsplit_once('/').unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.delete(format!("{origin}/sessions")).send().await.unwrap();
    let second = whoami(&gateway, &[("X-User", "ada")]).await;
    assert_ne!(first["session"], second["session"]);
    assert_eq!((&second["headers"]["x-user"], &second["opened"]["x-user"]), (&json!("ada"), &json!("ada")));
    gateway.stop().await;
}

/// A reload that changes the server, or removes it, ends the sessions of all callers.
#[tokio::test]
async fn a_reload_ends_the_sessions_of_callers() {
    let remote = Remote::identities("mcp").await;
    let gateway = gateway(&remote).await;
    let users = ["ada", "bob", "cy"];
    let before: HashSet<String> =
        join_all(users.map(async |user| whoami(&gateway, &[("X-User", user)]).await["session"].to_string()))
            .await
            .into_iter()
            .collect();
    assert_eq!((before.len(), sessions(&remote).await), (3, 4));
    let mut changed = server(&remote);
    changed["timeout"] = json!(60);
    let config = json!({ "mcpServers": { "server": changed } });
    std::fs::write(gateway.file("config.json"), config.to_string()).unwrap();
    gateway.signal(Signal::SIGHUP);
    eventually("only the new session is left", async || (sessions(&remote).await == 1).then_some(())).await;
    let after = whoami(&gateway, &[("X-User", "ada")]).await;
    assert!(
        !before.contains(&after["session"].to_string()) && after["headers"]["x-user"] == "ada",
        "{after}"
    );
    gateway.stop().await;
}
