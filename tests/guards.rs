//! Who may call: API key, strict authentication, CORS and TLS.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Certificate, Client, Method};
use serde_json::{Value, json};

use crate::support::{Answer, Gateway, parts};

const KEY: &str = "open-sesame";

fn servers() -> Value {
    json!({ "fake": parts::fake(&[]) })
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

/// Asks with this `Authorization`, none where it is empty.
async fn ask(gateway: &Gateway, method: Method, path: &str, authorization: &str) -> Answer {
    let request = gateway.request(method, path);
    let request =
        if authorization.is_empty() { request } else { request.header("authorization", authorization) };
    gateway.send(request).await
}

fn right() -> [String; 6] {
    let bearer = |scheme: &str| format!("{scheme} {KEY}");
    let lower = basic(&format!("any:{KEY}")).replacen("Basic", "basic", 1);
    [
        bearer("Bearer"),
        bearer("bearer"),
        bearer("BEARER"),
        basic(&format!("any:{KEY}")),
        basic(&format!(":{KEY}")),
        lower,
    ]
}

fn wrong() -> [String; 6] {
    let cut = &KEY[..KEY.len() - 1];
    [
        "Bearer no".to_owned(),
        format!("Bearer {cut}"),
        format!("Bearer {KEY}x"),
        format!("Bearer {}", KEY.to_uppercase()),
        basic("any:no"),
        basic(KEY),
    ]
}

/// With a key, tools ask for it before they look at anything else; documents and pages do not.
#[tokio::test]
async fn an_api_key_guards_the_tools() {
    let gateway = Gateway::config(&servers()).options(["--api-key", KEY]).ready().await;
    for authorization in right() {
        let answer = ask(&gateway, Method::POST, "/fake/call", &authorization).await;
        assert_eq!(answer.status, 200, "{authorization}: {answer:?}");
    }
    for authorization in wrong() {
        let answer = ask(&gateway, Method::POST, "/fake/call", &authorization).await;
        let refused = matches!(answer.status, 401 | 403);
        assert!(refused && answer.json()["detail"].is_string(), "{authorization}: {answer:?}");
    }
    let answer = ask(&gateway, Method::POST, "/fake/call", "Bearer no").await;
    answer.is(403, &json!({ "detail": "Invalid API key" }));

    let missing = json!({ "detail": "Missing or invalid Authorization header" });
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        for path in ["/fake/call", "/fake/nosuch", "/nosuch/x", "/nosuch", "/openapi.json"] {
            let answer = ask(&gateway, method.clone(), path, "").await;
            assert_eq!((answer.status, answer.json()), (401, missing.clone()), "{method} {path}");
            assert_eq!(answer.header("www-authenticate").as_deref(), Some("Bearer"), "{method} {path}");
        }
    }
    for path in ["/openapi.json", "/docs", "/fake/openapi.json", "/fake/docs", "/healthz", "/readyz"] {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
    }
    ask(&gateway, Method::GET, "/nosuch", "").await.is(404, &json!({ "detail": "Not Found" }));
    gateway.stop().await;
}

/// The key is asked for before the body is read: a bad body says nothing to a stranger.
#[tokio::test]
async fn the_key_comes_before_the_body() {
    let gateway = Gateway::config(&servers()).options(["--api-key", KEY]).ready().await;
    for (authorization, status) in [("", 401), ("Bearer no", 403), ("Bearer open-sesame", 422)] {
        let request = gateway.request(Method::POST, "/fake/call").header("content-type", "application/json");
        let request =
            if authorization.is_empty() { request } else { request.header("authorization", authorization) };
        assert_eq!(gateway.send(request.body("{bad")).await.status, status, "{authorization}");
    }
    gateway.stop().await;
}

/// The key and the arguments of calls reach no log.
#[tokio::test]
async fn nothing_secret_is_logged() {
    let mut server = parts::fake(&[]);
    server["env"] = json!({ "TOKEN": "a-token-of-the-config" });
    let options = ["--api-key", KEY, "--log-level", "debug"];
    let gateway = Gateway::config(&json!({ "fake": server })).options(options).ready().await;
    for authorization in right().into_iter().chain(wrong()) {
        let call = gateway.request(Method::POST, "/fake/call").json(&json!({ "diary": "a-private-thought" }));
        gateway.send(call.header("authorization", authorization)).await;
    }
    let log = gateway.stop().await;
    for secret in [KEY, "a-token-of-the-config", "a-private-thought", &STANDARD.encode(format!("any:{KEY}"))]
    {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

/// The key from the environment or a file is as good as one on the command line, which everybody can read.
#[tokio::test]
async fn a_key_need_not_stand_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    for launch in [
        Gateway::config(&servers()).environment([("API_KEY", KEY)]),
        Gateway::config(&servers()).environment([("MCPO_API_KEY", KEY)]),
        Gateway::config(&servers()).options(["--api-key-file", file.to_str().unwrap()]),
    ] {
        let gateway = launch.ready().await;
        assert_eq!(ask(&gateway, Method::POST, "/fake/call", "").await.status, 401);
        assert_eq!(ask(&gateway, Method::POST, "/fake/call", &right()[0]).await.status, 200);
        gateway.stop().await;
    }
}

/// With strict authentication everything asks for the key, but for health, readiness and preflights.
#[tokio::test]
async fn strict_auth_guards_everything() {
    let gateway = Gateway::config(&servers()).options(["--api-key", KEY, "--strict-auth"]).ready().await;
    let paths =
        ["/openapi.json", "/docs", "/fake/openapi.json", "/fake/docs", "/fake", "/nosuch", "/nosuch/x", "/"];
    for path in paths {
        for method in [Method::GET, Method::POST, Method::PUT, Method::HEAD, Method::DELETE] {
            let answer = ask(&gateway, method.clone(), path, "").await;
            assert_eq!(answer.status, 401, "{method} {path}: {answer:?}");
            // One line each: Chromium reads one challenge in a line.
            assert_eq!(answer.headers.get_all("www-authenticate").iter().count(), 2, "{answer:?}");
            assert_eq!(
                answer.header("www-authenticate").as_deref(),
                Some("Bearer, Basic"),
                "{method} {path}"
            );
        }
        let refused = |detail: &str| json!({ "detail": detail });
        for (authorization, status, detail) in [
            ("", 401, "Missing or invalid Authorization header"),
            ("Bearer no", 403, "Invalid API key"),
            (basic("any:no").as_str(), 403, "Invalid credentials"),
            ("Basic !!!", 401, "Invalid Basic Authentication format"),
            ("Digest x", 401, "Unsupported authorization method"),
        ] {
            ask(&gateway, Method::GET, path, authorization).await.is(status, &refused(detail));
        }
        for authorization in right() {
            let status = ask(&gateway, Method::GET, path, &authorization).await.status;
            assert!(matches!(status, 200 | 307 | 404), "{path} {authorization}: {status}");
        }
    }
    for authorization in right() {
        assert_eq!(
            ask(&gateway, Method::POST, "/fake/call", &authorization).await.status,
            200,
            "{authorization}"
        );
    }
    for path in ["/healthz", "/readyz"] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains("fake"), "it says nothing but the state: {answer:?}");
    }
    gateway.stop().await;
}

/// A request as a web page at `origin` makes it.
async fn from_page(gateway: &Gateway, method: Method, path: &str, origin: &str, preflight: bool) -> Answer {
    let mut request = gateway.request(method, path).header("origin", origin);
    if preflight {
        request = request.header("access-control-request-method", "POST");
        request = request.header("access-control-request-headers", "authorization,content-type,x-own");
    }
    gateway.send(request).await
}

#[tokio::test]
async fn cors_lets_any_origin_in_by_default() {
    let gateway = Gateway::config(&servers()).options(["--api-key", KEY]).ready().await;
    let origin = "http://ui.example";
    for path in ["/fake/call", "/openapi.json", "/nosuch/x", "/healthz"] {
        let answer = from_page(&gateway, Method::OPTIONS, path, origin, true).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "OK"), "{path}: {answer:?}");
        for (name, value) in [
            ("access-control-allow-origin", "*"),
            ("access-control-allow-methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
            ("access-control-allow-headers", "authorization,content-type,x-own"),
            ("access-control-max-age", "600"),
        ] {
            let sent = answer.header(name).unwrap_or_default();
            assert_eq!(sent.replace(' ', ""), value.replace(' ', ""), "{name} of {path}");
        }
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
    }
    for (method, path, status) in [
        (Method::GET, "/openapi.json", 200),
        (Method::GET, "/fake/openapi.json", 200),
        (Method::GET, "/nosuch", 404),
        (Method::POST, "/fake/call", 401),
        (Method::GET, "/fake/call", 405),
    ] {
        let answer = from_page(&gateway, method.clone(), path, origin, false).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        assert_eq!(answer.header("access-control-allow-origin").as_deref(), Some("*"), "{method} {path}");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{method} {path}");
    }
    let answer = gateway.get("/openapi.json").await;
    assert_eq!(answer.header("access-control-allow-origin"), None, "nobody asked");
    gateway.stop().await;
}

/// A page of another origin may read, as with the Python mcpo. What it would do with rights that are not its own (no key is
/// needed, or the browser adds the one that was typed) is not done.
#[tokio::test]
async fn a_foreign_page_calls_only_with_a_key_of_its_own() {
    let local = ["http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:3000", "https://localhost"];
    let foreign =
        ["http://ui.example", "null", "http://localhost.evil.example", "file://", "http://10.0.0.1", ""];
    let basic = basic(&format!("user:{KEY}"));
    let bearer = format!("Bearer {KEY}");
    let call = async |gateway: &Gateway, headers: &[(&str, &str)]| {
        let request = gateway.request(Method::POST, "/fake/call").json(&json!({}));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        gateway.send(request).await
    };
    let open = Gateway::config(&servers()).ready().await;
    let closed = Gateway::config(&servers()).options(["--api-key", KEY]).ready().await;
    for origin in local {
        assert_eq!(call(&open, &[("origin", origin)]).await.status, 200, "{origin}");
        assert_eq!(
            call(&closed, &[("origin", origin), ("authorization", &basic)]).await.status,
            200,
            "{origin}"
        );
    }
    for origin in foreign {
        for headers in [&[("origin", origin)][..], &[("origin", origin), ("authorization", &bearer)]] {
            let answer = call(&open, headers).await;
            assert_eq!(answer.status, 403, "{headers:?}: {answer:?}");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("Bearer") && detail.contains("--cors-allow-origins"), "{detail}");
        }
        for (credential, status) in [(&basic, 403), (&bearer, 200)] {
            let answer = call(&closed, &[("origin", origin), ("authorization", credential)]).await;
            assert_eq!(answer.status, status, "{origin} {credential}: {answer:?}");
        }
        assert_eq!(call(&closed, &[("origin", origin)]).await.status, 401, "{origin}");
    }
    for (site, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)] {
        assert_eq!(call(&open, &[("sec-fetch-site", site)]).await.status, status, "{site}");
    }
    assert_eq!(call(&open, &[]).await.status, 200, "a program");
    let read = from_page(&open, Method::GET, "/fake/openapi.json", "http://ui.example", false).await;
    assert_eq!((read.status, read.header("access-control-allow-origin").as_deref()), (200, Some("*")));
    open.stop().await;
    closed.stop().await;
}

#[tokio::test]
async fn cors_lets_listed_origins_in() {
    let options = ["--cors-allow-origins", "http://a.example", "--cors-allow-origins", "http://b.example"];
    let gateway = Gateway::config(&servers()).options(options).ready().await;
    for origin in ["http://a.example", "http://b.example"] {
        for (preflight, method) in [(true, Method::OPTIONS), (false, Method::POST)] {
            let answer = from_page(&gateway, method, "/fake/call", origin, preflight).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.header("access-control-allow-origin").as_deref(), Some(origin));
            assert_eq!(answer.header("access-control-allow-credentials").as_deref(), Some("true"));
            assert!(
                answer.header("vary").unwrap_or_default().to_lowercase().contains("origin"),
                "{answer:?}"
            );
        }
    }
    for origin in
        ["http://c.example", "https://a.example", "http://a.example:81", "http://a.example.evil", "null"]
    {
        let answer = from_page(&gateway, Method::OPTIONS, "/fake/call", origin, true).await;
        assert_eq!((answer.status, answer.body.as_str()), (400, "Disallowed CORS origin"), "{origin}");
        let answer = from_page(&gateway, Method::POST, "/fake/call", origin, false).await;
        answer.is(403, &json!({ "detail": "Disallowed CORS origin" }));
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        let read = from_page(&gateway, Method::GET, "/fake/openapi.json", origin, false).await;
        assert_eq!((read.status, read.header("access-control-allow-origin")), (200, None), "{origin}");
    }
    // Our own pages need not be listed: by the name that they were asked by, or by what their browser says.
    let own = gateway.base().to_owned();
    assert_eq!(from_page(&gateway, Method::POST, "/fake/call", &own, false).await.status, 200);
    for (site, status) in [("same-origin", 200), ("same-site", 403), ("cross-site", 403)] {
        let request = gateway.request(Method::POST, "/fake/call").header("origin", "https://public.example");
        let answer = gateway.send(request.header("sec-fetch-site", site).json(&json!({}))).await;
        assert_eq!(answer.status, status, "{site}");
    }
    gateway.stop().await;
}

/// A certificate and its key as files in a new folder.
pub(crate) fn certificate() -> (tempfile::TempDir, [String; 4], Certificate) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()].to_vec())
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let options = ["--ssl-certfile".to_owned(), certificate, "--ssl-keyfile".to_owned(), key];
    (folder, options, Certificate::from_pem(made.cert.pem().as_bytes()).unwrap())
}

#[tokio::test]
async fn tls_with_a_certificate() {
    let (_files, options, trusted) = certificate();
    let gateway = Gateway::config(&servers()).options(options).trust(trusted).ready().await;
    assert!(gateway.base().starts_with("https://"), "{}", gateway.base());
    assert_eq!(gateway.result("/fake/call", &json!({ "n": 1 })).await["arguments"], json!({ "n": 1 }));

    let stranger = Client::builder().no_proxy().build().unwrap();
    let answer = stranger.get(format!("{}/healthz", gateway.base())).send().await;
    assert!(answer.is_err(), "who does not trust the certificate gets no answer: {answer:?}");
    let plain = stranger.get(format!("{}/healthz", gateway.base().replacen("https", "http", 1))).send().await;
    assert!(plain.is_err(), "nothing is answered in the clear: {plain:?}");
    gateway.stop().await;
}
