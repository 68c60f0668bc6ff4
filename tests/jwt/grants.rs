//! What a token opens, by the values of a claim; how often; and what is told of its holder.

use std::fs;

use serde_json::{Value, json};

use super::{AUDIENCE, KEY, access, call, forged::Forger, get, issuer::Issuer, launch};
use crate::{
    support::observe::hang_up,
    support::{Answer, Gateway},
};

fn scopes() -> Value {
    json!({ "grants": {
        "tools:list": { "servers": ["notes"], "readOnly": true },
        "tools:call": { "servers": ["notes", "mail"], "tools": ["w*"] },
    } })
}

/// Which of the tools a token opens.
async fn opened(gateway: &Gateway, token: &str) -> Vec<&'static str> {
    let mut opened = Vec::new();
    for path in ["/notes/read", "/notes/write", "/mail/read", "/mail/write"] {
        match call(gateway, path, token).await.status {
            200 => opened.push(path),
            status => assert_eq!(status, 403, "{path}"),
        }
    }
    opened
}

#[tokio::test]
async fn scopes_open_what_they_are_granted() {
    let issuer = Issuer::start().await;
    let gateway = launch(&issuer, &scopes()).options(["--strict-auth"]).ready().await;
    let [list, tools, both] = [
        issuer.token(AUDIENCE, "tools:list").await,
        issuer.token(AUDIENCE, "tools:call").await,
        issuer.token(AUDIENCE, "tools:call tools:list").await,
    ];
    assert_eq!(opened(&gateway, &list).await, ["/notes/read"]);
    assert_eq!(opened(&gateway, &tools).await, ["/notes/write", "/mail/write"]);
    assert_eq!(opened(&gateway, &both).await, ["/notes/read", "/notes/write", "/mail/write"]);
    assert_eq!(opened(&gateway, KEY).await.len(), 4, "a key is none of its business");

    // Documents show what can be called, each view with a tag of its own.
    let shown = async |token: &str| {
        let answer = get(&gateway, "/notes/openapi.json", token).await;
        let document = answer.json();
        let paths: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
        (paths.join(" "), answer.header("etag").unwrap())
    };
    let views = [shown(&list).await, shown(&tools).await, shown(&both).await];
    let [one, other, whole] = views.each_ref().map(|(paths, _)| paths.as_str());
    assert_eq!((one, other, whole), ("/read", "/write", "/read /write"));
    assert_ne!(views[0].1, views[1].1);
    let with_tag = gateway.request(reqwest::Method::GET, "/notes/openapi.json").bearer_auth(&list);
    assert_eq!(gateway.send(with_tag.header("if-none-match", &views[2].1)).await.status, 200);
    let withheld = get(&gateway, "/mail/openapi.json", &list).await;
    assert_eq!(withheld.status, 403, "{withheld:?}");

    insufficient(&call(&gateway, "/notes/read", &issuer.token(AUDIENCE, "").await).await);
    gateway.stop().await;
}

/// RFC 6750 section 3.1: the token is good, and nothing in it opens anything.
fn insufficient(answer: &Answer) {
    answer.is(403, &json!({ "detail": "the token is good, but opens nothing here" }));
    let challenge = answer.challenge();
    assert!(challenge.insufficient_scope() && challenge.resource_metadata.is_some(), "{challenge:?}");
    let scopes = challenge.scopes.expect("what would do").to_string();
    assert_eq!(scopes, "tools:list tools:call");
}

/// Roles, as Keycloak writes them, and a claim whose name is a URL.
#[tokio::test]
async fn another_claim_may_count() {
    let issuer = Issuer::start().await;
    let forger = Forger::new(&issuer, AUDIENCE).await;
    let grants = json!({ "reader": { "readOnly": true } });
    for (claim, right, wrong) in [
        (
            "/realm_access/roles",
            json!({ "realm_access": { "roles": ["other", "reader"] } }),
            json!({ "realm_access": { "roles": { "reader": true } } }),
        ),
        (
            "https://example.com/roles",
            json!({ "https://example.com/roles": "reader other" }),
            json!({ "scope": "reader" }),
        ),
    ] {
        let gateway = launch(&issuer, &json!({ "claim": claim, "grants": grants })).ready().await;
        assert_eq!(opened(&gateway, &forger.token(&right)).await, ["/notes/read", "/mail/read"], "{claim}");
        let refused = call(&gateway, "/notes/read", &forger.token(&wrong)).await;
        assert_eq!(refused.status, 403, "{claim}: {refused:?}");
        let challenge = refused.challenge();
        assert!(
            challenge.insufficient_scope() && challenge.scopes.is_none(),
            "no scope would do: {challenge:?}"
        );
        gateway.stop().await;
    }
}

/// Other grants hold at once, and the issuer is not asked for that.
#[tokio::test]
async fn grants_change_while_mcpo_runs() {
    let issuer = Issuer::start().await;
    let gateway = launch(&issuer, &scopes()).ready().await;
    let token = issuer.token(AUDIENCE, "tools:list").await;
    assert_eq!(opened(&gateway, &token).await, ["/notes/read"]);
    let file = gateway.file("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    config["access"] = access(&issuer, &json!({ "grants": { "tools:list": { "servers": ["mail"] } } }));
    fs::write(&file, config.to_string()).unwrap();
    hang_up(&gateway).await;
    assert_eq!(opened(&gateway, &token).await, ["/mail/read", "/mail/write"]);
    assert_eq!(issuer.fetches().await, 1);
    gateway.stop().await;
}

#[tokio::test]
async fn each_subject_has_a_rate_of_its_own() {
    let issuer = Issuer::start().await;
    let forger = Forger::new(&issuer, AUDIENCE).await;
    let gateway = launch(&issuer, &json!({})).options(["--rate-limit", "2/h"]).ready().await;
    let subject = |name: &str, id: u32| forger.token(&json!({ "sub": name, "jti": id.to_string() }));
    for (number, status) in [200, 200, 429].into_iter().enumerate() {
        let answer = call(&gateway, "/notes/read", &subject("ada", number as u32)).await;
        assert_eq!(answer.status, status, "another token is no other caller: {answer:?}");
    }
    assert_eq!(call(&gateway, "/notes/read", &subject("bob", 0)).await.status, 200);
    assert_eq!(call(&gateway, "/notes/read", KEY).await.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn who_called_is_recorded_and_the_token_is_not() {
    let issuer = Issuer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("audit.jsonl");
    let options = ["--audit-log", record.to_str().unwrap(), "--log-level", "debug"];
    let gateway = launch(&issuer, &scopes()).options(options).ready().await;
    let forger = Forger::new(&issuer, AUDIENCE).await;
    let token = issuer.token(AUDIENCE, "tools:list").await;
    let odd = forger.token(&json!({ "sub": "a\nb\u{1b}[31m", "scope": "tools:list" }));
    let expired = forger.token(&json!({ "exp": 1 }));
    for (token, status) in [(&token, 200), (&odd, 200), (&expired, 401)] {
        assert_eq!(call(&gateway, "/notes/read", token).await.status, status);
    }
    let metrics = gateway.get("/metrics").await.body;
    assert!(
        metrics.contains("mcpo_requests_admitted_total{credential=\"token\",name=\"\"} 2"),
        "subjects are no labels: {metrics}"
    );
    let log = gateway.stop().await;
    let audit = fs::read_to_string(record).unwrap();
    let callers: Vec<_> =
        audit.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["caller"].clone()).collect();
    assert_eq!(callers, [json!("token:caller"), json!("token:a\u{fffd}b\u{fffd}[31m"), Value::Null]);
    assert!(log.contains("caller=\"token:caller\""), "{log}");
    for token in [token, odd, expired] {
        let signature = token.rsplit('.').next().unwrap();
        assert!(![&log, &audit, &metrics].iter().any(|text| text.contains(signature)), "{log}");
    }
}
