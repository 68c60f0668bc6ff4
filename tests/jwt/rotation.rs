//! What becomes of tokens while their issuer changes its keys, or is away.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use futures_util::future::join_all;
use mcpo::{
    config::{self, ForwardProxy, Jwt},
    jwt::{Refusal, Verifier},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::issuer::Issuer;
use crate::support::wait::DEADLINE;

const AUDIENCE: &str = "https://mcpo.example.com";

fn verifier(issuer: &Issuer, audience: &str) -> Verifier {
    let identifier = config::IssuerIdentifier::parse(issuer.identifier()).unwrap();
    Verifier::new(
        Jwt::new(identifier, vec![audience.to_owned()]),
        &ForwardProxy::default(),
        &TaskTracker::new(),
        CancellationToken::new(),
    )
}

#[tokio::test]
async fn a_token_of_a_real_issuer_opens_for_its_audience_alone() {
    let issuer = Issuer::start().await;
    let token = issuer.token(AUDIENCE, "tools:call tools:list").await;
    let claims = verifier(&issuer, AUDIENCE).verify(&token).await.unwrap();
    assert_eq!((claims.client.as_deref(), claims.subject.as_deref()), (Some("caller"), Some("caller")));
    assert_eq!(claims.scopes, ["tools:call", "tools:list"]);
    let bare = verifier(&issuer, AUDIENCE).verify(&issuer.token(AUDIENCE, "").await).await.unwrap();
    assert!(bare.scopes.is_empty());
    let other = verifier(&issuer, "https://other.example.com").verify(&token).await;
    assert_eq!(other, Err(Refusal::WrongAudience));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_is_misjudged_while_keys_rotate() {
    let issuer = Issuer::start().await;
    let verifier = verifier(&issuer, AUDIENCE);
    let old = issuer.token(AUDIENCE, "").await;
    verifier.verify(&old).await.unwrap();
    let (done, start) = (AtomicBool::new(false), Instant::now());
    let load = async {
        let mut verified = 0;
        while !done.load(Ordering::SeqCst) {
            assert!(start.elapsed() < DEADLINE);
            let answers = join_all((0..20).map(|_| verifier.verify(&old))).await;
            assert!(answers.iter().all(Result::is_ok), "{answers:?}");
            verified += answers.len();
            tokio::task::yield_now().await;
        }
        verified
    };
    let rotation = async {
        issuer.rotate().await;
        let new = issuer.token(AUDIENCE, "").await;
        let answers = join_all((0..100).map(|_| verifier.verify(&new))).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        done.store(true, Ordering::SeqCst);
    };
    let (verified, ()) = tokio::join!(load, rotation);
    assert!(verified > 0);
    assert_eq!(issuer.fetches().await, 2, "one at the start, one for the new key");
}

#[tokio::test]
async fn a_key_that_is_withdrawn_opens_no_more() {
    let issuer = Issuer::start().await;
    let verifier = verifier(&issuer, AUDIENCE);
    let old = issuer.token(AUDIENCE, "").await;
    verifier.verify(&old).await.unwrap();
    issuer.rotate().await;
    issuer.retire().await;
    verifier.verify(&issuer.token(AUDIENCE, "").await).await.unwrap();
    assert_eq!(verifier.verify(&old).await, Err(Refusal::UnknownKey));
}

#[tokio::test]
async fn an_issuer_may_start_late_and_go_away() {
    let issuer = Issuer::start().await;
    let token = issuer.token(AUDIENCE, "").await;
    issuer.down().await;
    let verifier = verifier(&issuer, AUDIENCE);
    let answer = verifier.verify(&token).await;
    assert!(matches!(answer, Err(Refusal::Unavailable { .. })), "{answer:?}");
    issuer.up().await;
    verifier.verify(&token).await.unwrap();
    issuer.down().await;
    verifier.verify(&token).await.unwrap();
}
