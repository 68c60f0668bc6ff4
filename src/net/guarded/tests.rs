//! What the policy admits, and what comes back.

use super::*;
use crate::{
    config::Environment,
    stub::{Stub, redirect, response},
};

/// No test resolves a name but `localhost`: the network of the tests may have no others.
fn towards(server: &str) -> GuardedClient {
    heard(server, None)
}

/// For a server that has answered from this address.
fn heard(server: &str, peer: Option<&str>) -> GuardedClient {
    let (server, peer) = (Url::parse(server).unwrap(), peer.map(|peer| peer.parse().unwrap()));
    Network::new(ForwardProxy::default()).login(&server, peer)
}

#[test]
fn judges_urls_by_where_the_server_is() {
    let public = towards("https://1.1.1.1/mcp");
    let public_http = towards("http://1.1.1.1/mcp");
    let private = towards("https://10.0.0.1/mcp");
    let private_http = towards("http://192.168.0.1/mcp");
    let loopback = towards("https://localhost/mcp");
    let loopback_http = towards("http://127.0.0.1:8000/mcp");
    let all = [&public, &public_http, &private, &private_http, &loopback, &loopback_http];
    // Who may ask there, in the order of `all`.
    let table = [
        ("https://auth.example.com/a?b=c", "111111"),
        ("https://8.8.8.8", "111111"),
        ("https://10.9.9.9", "001111"),
        ("https://[fd12::1]/x", "001111"),
        ("https://127.0.0.1", "001111"),
        ("https://localhost:1", "001111"),
        ("http://localhost:1", "000111"),
        ("http://[::1]", "000111"),
        ("http://10.9.9.9", "000111"),
        ("http://8.8.8.8", "000000"),
        ("https://169.254.169.254/latest", "000000"),
        ("http://169.254.169.254/latest", "000000"),
        ("https://[::ffff:127.0.0.1]", "000000"),
        ("https://0.0.0.0", "000000"),
        ("https://user@auth.example.com", "000000"),
        ("https://:password@auth.example.com", "000000"),
        ("https://auth.example.com/#fragment", "000000"),
        ("file:///etc/passwd", "000000"),
        ("ftp://8.8.8.8", "000000"),
        ("data:,x", "000000"),
    ];
    for (url, expected) in table {
        let url = Url::parse(url).unwrap();
        let passed: String =
            all.iter().map(|guarded| if guarded.check(&url).is_ok() { '1' } else { '0' }).collect();
        assert_eq!(passed, expected, "{url}");
    }
}

#[tokio::test]
async fn judges_names_where_they_are_resolved() {
    let stub = Stub::serve(|_, _| response(200, "{}")).await;
    let mut url = stub.url("/x");
    url.set_host(Some("localhost")).unwrap();
    let inside = towards(url.as_str());
    assert_eq!(inside.get_json(&url).await.unwrap().status, 200);
    // Connections for the internet alone do not follow a name that leads inside, whatever the name looks like.
    let outside = filtered_client(Reach::Public, &ForwardProxy::default()).unwrap();
    let error = outside.execute(Request::new(Method::GET, url.clone())).await.unwrap_err();
    let error = FetchError::of(&url, &error);
    assert!(matches!(&error, FetchError::Forbidden { .. }), "{error}");
    assert!(
        error.to_string().ends_with("this MCP server may send no login to a loopback address"),
        "{error}"
    );
    assert_eq!(stub.asked().len(), 1);
}

/// Behind a proxy names are resolved elsewhere, so only what a URL itself says counts as inside.
#[test]
fn trusts_no_name_behind_a_proxy() {
    let proxy = ForwardProxy::parse(&Environment::of(&[("all_proxy", "http://proxy.example:3128")])).unwrap();
    let network = Network::new(proxy);
    for (server, url, expected) in [
        ("http://mcp.example/mcp", "http://mcp.example/token", false),
        ("http://mcp.example/mcp", "https://mcp.example/token", true),
        ("http://mcp.example/mcp", "https://10.0.0.1/token", false),
        ("http://10.0.0.1/mcp", "http://10.0.0.1/token", true),
        ("http://localhost/mcp", "http://localhost/token", true),
        ("http://1.1.1.1/mcp", "http://1.1.1.1/token", false),
        // The proxy's own name is resolved without a check of its addresses.
        ("https://mcp.example/mcp", "https://proxy.example/token", false),
        ("https://proxy.example/mcp", "https://proxy.example/token", true),
        ("https://proxy.example/mcp", "https://proxy.example:9200/token", false),
    ] {
        let peer = Some("10.0.0.9".parse().unwrap());
        let client = network.login(&Url::parse(server).unwrap(), peer);
        assert_eq!(client.check(&Url::parse(url).unwrap()).is_ok(), expected, "{server} {url}");
    }
}

#[test]
fn a_server_is_where_its_last_answer_came_from() {
    let (inside, outside) = ("https://10.9.9.9", "https://8.8.8.8");
    let admits =
        |client: &GuardedClient| [inside, outside].map(|url| client.check(&Url::parse(url).unwrap()).is_ok());
    let server = "https://mcp.example/mcp";
    for (peer, expected) in [
        (None, [false, true]),
        (Some("1.1.1.1"), [false, true]),
        (Some("10.0.0.5"), [true, true]),
        (Some("fd12::1"), [true, true]),
        (Some("169.254.169.254"), [false, true]),
    ] {
        assert_eq!(admits(&heard(server, peer)), expected, "{peer:?}");
    }
    // Only the server's own documents say where it is, each time.
    let answer = |peer: &str| Answer {
        status: 200,
        headers: HeaderMap::new(),
        body: Vec::new(),
        peer: Some(peer.parse().unwrap()),
    };
    let url = |text: &str| Url::parse(text).unwrap();
    let mut client = heard(server, Some("1.1.1.1"));
    client.note_origin_of(&answer("10.0.0.5"), &url("https://auth.example/x"));
    assert_eq!(admits(&client), [false, true]);
    client.note_origin_of(&answer("10.0.0.5"), &url("https://mcp.example/x"));
    assert_eq!(admits(&client), [true, true]);
    client.note_origin_of(&answer("1.1.1.1"), &url("https://mcp.example/x"));
    assert_eq!(admits(&client), [false, true]);
    // An address in the server's own URL stands.
    assert_eq!(admits(&heard("https://10.0.0.1/mcp", Some("1.1.1.1"))), [true, true]);
    assert_eq!(admits(&heard("https://1.1.1.1/mcp", Some("10.0.0.1"))), [false, true]);
}

#[tokio::test]
async fn follows_redirects_within_the_origin() {
    let other = Stub::serve(|_, _| response(200, "other")).await;
    let elsewhere = other.url("/secret").to_string();
    let stub = Stub::serve(move |origin, request| match request {
        "GET /moved" => redirect("/there"),
        "GET /there" => redirect(&format!("{origin}/end#x")),
        "GET /end" => response(404, "end"),
        "GET /elsewhere" => redirect(&elsewhere),
        "GET /loop" => redirect("/loop"),
        "GET /nowhere" => response(302, "no location"),
        "POST /moved" => redirect("/end"),
        _ => panic!("{request}"),
    })
    .await;
    let guarded = towards(stub.origin.as_str());
    let answer = guarded.get_json(&stub.url("/moved")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (404, &b"end"[..]));
    assert_eq!(guarded.get_json(&stub.url("/nowhere")).await.unwrap().status, 302);
    assert_eq!(guarded.post(&stub.url("/moved"), HeaderMap::new(), b"x".to_vec()).await.unwrap().status, 302);

    let error = guarded.get_json(&stub.url("/elsewhere")).await.unwrap_err();
    assert!(
        !error.is_transient() && error.to_string().contains("it redirects to http://127.0.0.1"),
        "{error}"
    );
    assert!(!error.to_string().contains("secret"), "{error}");
    let error = guarded.get_json(&stub.url("/loop")).await.unwrap_err();
    assert!(error.to_string().ends_with("it redirects more than 3 times"), "{error}");
    assert_eq!(stub.asked().iter().filter(|request| *request == "GET /loop").count(), 4);
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn tells_faults_from_refusals() {
    let stub = Stub::serve(|_, request| match request {
        "GET /large?secret" => response(200, &"x".repeat(LARGEST + 1)),
        "GET /fits" => response(200, &"x".repeat(LARGEST)),
        _ => String::new(),
    })
    .await;
    let guarded = towards(stub.origin.as_str());
    assert_eq!(guarded.get_json(&stub.url("/fits")).await.unwrap().body.len(), LARGEST);
    let error = guarded.get_json(&stub.url("/large?secret")).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge(_)) && !error.is_transient(), "{error}");
    let error = guarded.get_json(&stub.url("/broken?secret")).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }) && error.is_transient(), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn posts_under_the_same_policy() {
    let stub = Stub::serve(|_, _| response(400, "no")).await;
    let guarded = towards(stub.origin.as_str());
    let post = async |url: Url| guarded.post(&url, HeaderMap::new(), b"a=b".to_vec()).await;
    let answer = post(stub.url("/token")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (400, &b"no"[..]));
    assert_eq!(stub.asked(), ["POST /token"]);
    let error = post(Url::parse("http://169.254.169.254/token").unwrap()).await.unwrap_err();
    assert!(matches!(error, FetchError::Forbidden { .. }), "{error}");
}
