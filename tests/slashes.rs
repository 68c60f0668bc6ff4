//! Servers whose names hold slashes, at both of their addresses: encoded, and as they are.

use reqwest::Method;
use serde_json::json;

use crate::support::{Gateway, parts};

const NAME: &str = "io.github.acme/notes";

#[tokio::test]
async fn a_name_is_reached_with_its_slashes_as_they_are_and_encoded() {
    let gateway =
        Gateway::config(&json!({ NAME: parts::fake(&[]), "plain": parts::fake(&[]) })).ready().await;
    let status = gateway.get("/status").await.json();
    assert_eq!(status["servers"][0]["docs"], "io.github.acme%2Fnotes/docs");
    let encoded = gateway.get("/io.github.acme%2Fnotes/openapi.json").await;
    for home in ["/io.github.acme/notes", "/io.github.acme%2Fnotes", "/io%2egithub.acme/n%6ftes"] {
        assert_eq!(gateway.get(&format!("{home}/openapi.json")).await.body, encoded.body, "{home}");
        assert_eq!(gateway.call(&format!("{home}/call"), &json!({})).await.status, 200, "{home}");
        // What the page loads lies where it looks for it.
        let page = gateway.get(&format!("{home}/docs")).await;
        assert_eq!(page.status, 200, "{home}");
        let base = reqwest::Url::parse(&format!("{}{home}/docs", gateway.base())).unwrap();
        let script = page.body.split("src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert_eq!(base.join(&script).unwrap().path(), "/docs/assets/swagger-ui-bundle.js", "{home}");
        for bare in ["", "/"] {
            let answer = gateway.get(&format!("{home}{bare}")).await;
            let to = answer.header("location").unwrap_or_default();
            let base = reqwest::Url::parse(&format!("{}{home}{bare}", gateway.base())).unwrap();
            assert_eq!(
                (answer.status, base.join(&to).unwrap().path()),
                (307, format!("{home}/docs").as_str())
            );
        }
    }
    for nowhere in
        ["/io.github.acme/call", "/io.github.acme/notes/none", "/io.github.acme/note/call", "/notes/call"]
    {
        assert_eq!(gateway.call(nowhere, &json!({})).await.status, 404, "{nowhere}");
    }
    gateway.stop().await;
}

/// Of names that begin alike the longest is meant; with its slashes encoded every name is reached, whatever the others.
#[tokio::test]
async fn the_longest_name_is_meant() {
    let named =
        |tool: &str| parts::fake(&["--tool", &json!({ "name": tool, "inputSchema": {} }).to_string()]);
    let servers = json!({ "a": named("b/tool"), "a/b": named("tool"), "a/b/c": named("tool"), "docs/x": named("start.js") });
    for prefix in ["", "/tools"] {
        let launch = Gateway::config(&servers);
        let launch = if prefix.is_empty() { launch } else { launch.options(["--path-prefix", "tools"]) };
        let gateway = launch.ready().await;
        for (path, status) in [
            ("/a/b/tool", 200),
            ("/a/b%2Ftool", 200),
            ("/a%2Fb/tool", 200),
            ("/a/b/c/tool", 200),
            ("/a%2Fb%2Fc/tool", 200),
            ("/a/b/c", 404),
            ("/a%2Fb/c", 404),
            ("/docs/x/start.js", 200),
        ] {
            assert_eq!(
                gateway.call(&format!("{prefix}{path}"), &json!({})).await.status,
                status,
                "{prefix}{path}"
            );
        }
        gateway.stop().await;
    }
}

/// The address that a document gives is its tool's, though another server has a name that reads like it.
#[tokio::test]
async fn a_documented_address_is_shadowed_by_no_name() {
    let tool = |name: &str| parts::fake(&["--tool", &json!({ "name": name, "inputSchema": {} }).to_string()]);
    let servers = json!({ "a": tool("b"), "a/b": tool("c"), "a/docs": tool("c") });
    let gateway = Gateway::config(&servers).ready().await;
    for path in ["/a/b", "/a/b/c", "/a%2Fb/c", "/a/docs/c"] {
        assert_eq!(gateway.call(path, &json!({})).await.status, 200, "{path}");
    }
    assert!(gateway.get("/a/docs").await.body.contains("openapi.json"));
    gateway.stop().await;
}

/// A key is judged by the server that a path leads to, however that is written.
#[tokio::test]
async fn a_key_opens_a_server_and_not_a_spelling() {
    let servers = json!({ "a": parts::fake(&[]), "a/b": parts::fake(&[]) });
    let access = json!({ "keys": {
        "all": { "key": "k-all" }, "short": { "key": "k-short", "servers": ["a"] }, "long": { "key": "k-long", "servers": ["a/b"] },
    } });
    let gateway = Gateway::config(&servers).access(&access, "k-all").ready().await;
    for (path, short, long) in [
        ("/a/call", 200, 403),
        ("/a/b/call", 403, 200),
        ("/a%2Fb/call", 403, 200),
        ("/a/b/openapi.json", 403, 200),
        ("/a/b/none", 403, 403),
    ] {
        let method = if path.ends_with(".json") { Method::GET } else { Method::POST };
        for (key, status) in [("k-short", short), ("k-long", long)] {
            let request = gateway.request(method.clone(), path).bearer_auth(key).json(&json!({}));
            assert_eq!(gateway.send(request).await.status, status, "{path} {key}");
        }
    }
    gateway.stop().await;
}
