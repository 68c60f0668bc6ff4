//! The forward proxy that the environment names: what it exempts, and that all else goes by it.

use serde_json::json;
use tokio::{io::AsyncReadExt as _, net::TcpListener};

use crate::support::{
    Gateway, eventually,
    launch::Launch,
    upstream::{Remote, free_port},
};

fn launch(url: &str, variables: &[(&str, &str)]) -> Launch {
    Gateway::config(&json!({ "remote": { "type": "http", "url": url } }))
        .environment(variables.iter().copied())
}

/// A proxy that is not there is asked for whatever is not exempt, and never gone around.
#[tokio::test]
async fn what_is_exempt_goes_straight_and_nothing_else() {
    let remote = Remote::fake("mcp", &[]).await;
    let port = remote.url.split([':', '/']).nth(4).unwrap();
    let (here, elsewhere) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{}", free_port()));
    let proxy = format!("http://user:hunter2@127.0.0.1:{}", free_port());
    for (name, list, exempt) in [
        ("NO_PROXY", "*", true),
        ("no_proxy", " * ", true),
        ("NO_PROXY", "example.com, 127.0.0.1", true),
        ("no_proxy", "127.0.0.0/8", true),
        ("NO_PROXY", &here, true),
        ("NO_PROXY", &elsewhere, false),
        ("NO_PROXY", "localhost,.0.0.1", false),
        ("NO_PROXY", "", false),
    ] {
        for variable in ["HTTP_PROXY", "all_proxy"] {
            let launch = launch(&remote.url, &[(variable, &proxy), (name, list)]);
            if exempt {
                launch.ready().await.stop().await;
                continue;
            }
            let gateway = launch.start().await;
            eventually("it cannot connect", async || {
                let answer = gateway.call("/remote/call", &json!({})).await;
                answer.error(503).contains("Connection refused").then_some(())
            })
            .await;
            let log = gateway.stop().await;
            assert!(!log.contains("hunter2"), "{name}={list}: {log}");
        }
    }
}

/// A SOCKS proxy is spoken to as one.
#[tokio::test]
async fn a_socks_proxy_is_spoken_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("socks5h://{}", listener.local_addr().unwrap());
    let gateway = launch("http://mcp.invalid/mcp", &[("ALL_PROXY", &proxy)]).start().await;
    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), 5);
    drop(stream);
    gateway.stop().await;
}
