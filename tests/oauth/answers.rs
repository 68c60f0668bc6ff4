//! Answers to registrations and to requests for tokens in the forms that servers write.

use serde_json::{Map, Value, json};
use url::form_urlencoded::Serializer;

use super::{
    fake::{Fake, Reply},
    fixture::needs_login_to,
    forms::log_in_to_each,
};
use crate::support::{Gateway, browser::Browser};

#[tokio::test]
async fn registrations_are_read() {
    let forms = [
        ("number", 201, json!({ "client_id": 12345 })),
        ("list-of-one", 201, json!({ "client_id": ["the client"] })),
        ("status-200", 200, json!({ "client_id": "the client" })),
        (
            "nulls",
            201,
            json!({ "client_id": "c", "client_secret": "", "client_secret_expires_at": "", "token_endpoint_auth_method": "" }),
        ),
        (
            "secret-as-number",
            201,
            json!({ "client_id": "c", "client_secret": 77, "client_secret_expires_at": "0", "token_endpoint_auth_method": ["client_secret_post"] }),
        ),
        (
            "expiry-as-text",
            201,
            json!({ "client_id": "c", "client_secret": "s", "client_secret_expires_at": "32503680000.0", "token_endpoint_auth_method": "client_secret_post" }),
        ),
        (
            "odd-expiry",
            201,
            json!({ "client_id": "c", "client_secret": "s", "client_secret_expires_at": "never", "token_endpoint_auth_method": "client_secret_post" }),
        ),
    ];
    let forms = forms.map(|(name, status, body)| (name, (status, body)));
    let fakes = log_in_to_each(forms, |(status, body), ask, reply| match ask.path.as_str() {
        "/register" => Reply { status: *status, ..reply }.with(body),
        _ => reply,
    })
    .await;
    for (name, client, secret) in [
        ("number", "12345", None),
        ("list-of-one", "the client", None),
        ("nulls", "c", None),
        ("secret-as-number", "c", Some("77")),
        ("expiry-as-text", "c", Some("s")),
        ("odd-expiry", "c", Some("s")),
    ] {
        let asked = &fakes[name].asked("/token")[0].parameters;
        assert_eq!(asked["client_id"], client, "{name}");
        assert_eq!(asked.get("client_secret").map(String::as_str), secret, "{name}");
    }
}

/// A token answer as JSON, with these members changed.
fn tokens(changes: Value) -> impl Fn(Reply) -> Reply + Clone {
    move |reply| reply.with(&changes)
}

#[tokio::test]
async fn token_answers_are_read() {
    let forms = [
        ("text", json!({ "expires_in": "3600", "ext_expires_in": "3600" })),
        ("fraction", json!({ "expires_in": "3599.5" })),
        ("list-of-one", json!({ "expires_in": ["3600"], "token_type": ["bearer"] })),
        ("zero", json!({ "expires_in": "0" })),
        ("soon", json!({ "expires_in": "soon" })),
        ("no-time", json!({ "expires_in": {} })),
        ("no-type", json!({ "token_type": null })),
        ("empty-type", json!({ "token_type": "" })),
        ("other-type", json!({ "token_type": "user" })),
        ("no-refresh", json!({ "refresh_token": null })),
        ("empty-refresh", json!({ "refresh_token": "" })),
        ("scopes-in-a-list", json!({ "scope": ["a", "b"] })),
        ("odd-scopes", json!({ "scope": { "a": 1 } })),
        ("empty-error", json!({ "error": "", "error_description": null })),
    ];
    log_in_to_each(forms.map(|(name, changes)| (name, tokens(changes))), |form, ask, reply| {
        match ask.path.as_str() {
            "/token" => form(reply),
            _ => reply,
        }
    })
    .await;
}

#[tokio::test]
async fn token_answers_of_any_encoding_are_read() {
    const MARK: &str = "\u{feff}";
    /// The body and its media type, given the tokens as JSON and as a form.
    type Body = fn(&str, &str) -> (String, &'static str);
    let forms: [(_, Body); 6] = [
        ("form", |_, form| (form.to_owned(), "application/x-www-form-urlencoded; charset=utf-8")),
        ("form-as-json", |_, form| (form.to_owned(), "application/json")),
        ("form-with-a-mark", |_, form| (format!("{MARK}{form}\r\n"), "text/plain")),
        ("html", |json, _| (json.to_owned(), "text/html")),
        ("mark", |json, _| (format!("{MARK}{json}"), "application/json")),
        ("marks-and-spaces", |json, _| (format!("{MARK}{MARK} \r\n{json}\n"), "application/octet-stream")),
    ];
    log_in_to_each(forms, |form, ask, reply| match ask.path.as_str() {
        "/token" => {
            let members: Map<String, Value> = serde_json::from_slice(&reply.body).unwrap();
            let texts = members.iter().map(|(name, value)| {
                (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            });
            let encoded = Serializer::new(String::new()).extend_pairs(texts).finish();
            let (body, kind) = form(&String::from_utf8(reply.body).unwrap(), &encoded);
            Reply { headers: vec![("Content-Type", kind.to_owned())], ..Reply::new(200, body) }
        }
        _ => reply,
    })
    .await;
}

/// With status 200, too, as GitHub writes them.
#[tokio::test]
async fn an_error_in_place_of_tokens_is_one() {
    for (status, body) in [
        (200, r#"{"error":"bad_verification_code","error_description":"too old"}"#),
        (200, "error=bad_verification_code&error_description=too+old&error_uri=x"),
        (400, "\u{feff}{\"error\":{\"code\":\"bad_verification_code\",\"message\":\"too old\"}}"),
    ] {
        let fake = Fake::start(move |ask, reply| match ask.path.as_str() {
            "/token" => Reply::new(status, body),
            _ => reply,
        })
        .await;
        let gateway = Gateway::config(&json!({ "guarded": fake.config(&json!({})) })).start().await;
        let answer = Browser::new().open(&needs_login_to(&gateway, "guarded").await).await;
        assert!(answer.page(answer.status).contains("bad_verification_code (too old)"), "{answer:?}");
        assert!(answer.status >= 400, "{answer:?}");
        gateway.stop().await;
    }
}
