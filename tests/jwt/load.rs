//! Many callers at once, with right and with wrong credentials, while the issuer changes its keys.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::json;

use super::{
    AUDIENCE, KEY, call,
    forged::{Forged, Forger, each_fault},
    issuer::Issuer,
    launch,
};
use crate::support::{Gateway, long};

/// Tokens with unknown keys make mcpo ask the issuer so often at most, and are refused in between.
const GAP: Duration = Duration::from_secs(10);

/// What callers show, and how often it was judged.
#[derive(Default)]
struct Load {
    right: RefCell<Vec<String>>,
    wrong: Vec<Forged>,
    judged: Cell<usize>,
}

impl Load {
    /// One caller, who shows everything in turn, for ever.
    async fn caller(&self, gateway: &Gateway, first: usize) {
        for turn in first.. {
            let right = self.right(turn);
            self.expect(gateway, &right, 200, "a right one").await;
            let Forged { fault, token, .. } = &self.wrong[turn % self.wrong.len()];
            self.expect(gateway, token, 401, fault).await;
            self.expect(gateway, "open-sesam", 403, "a wrong key").await;
        }
    }

    fn right(&self, turn: usize) -> String {
        let right = self.right.borrow();
        right[turn % right.len()].clone()
    }

    async fn expect(&self, gateway: &Gateway, credential: &str, status: u16, what: &str) {
        let answer = call(gateway, "/notes/read", credential).await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        self.judged.set(self.judged.get() + 1);
    }
}

#[tokio::test]
async fn nobody_is_misjudged_while_keys_rotate() {
    let issuer = Issuer::start().await;
    let wrong = each_fault(&issuer, AUDIENCE).await;
    let right = vec![KEY.to_owned(), issuer.token(AUDIENCE, "").await];
    let load = Load { right: RefCell::new(right), wrong, ..Load::default() };
    let gateway = launch(&issuer, &json!({})).ready().await;
    let before = issuer.fetches().await;
    let rotations = if long() { 12 } else { 2 };
    let rotation = async {
        for number in 1..=rotations {
            issuer.rotate().await;
            let token = issuer.token(AUDIENCE, "").await;
            // All who come first with the new key share one question to the issuer.
            let first = (0..20).map(|_| load.expect(&gateway, &token, 200, "the new key"));
            join_all(first).await;
            let (asked, judged) = (Instant::now(), load.judged.get());
            assert_eq!(issuer.fetches().await, before + number);
            load.right.borrow_mut().push(token);
            while number < rotations && asked.elapsed() < GAP || load.judged.get() < judged + 200 {
                load.expect(&gateway, KEY, 200, "the key").await;
            }
        }
    };
    let callers = (0..8).map(|first| load.caller(&gateway, first));
    tokio::select! {
        _ = join_all(callers) => unreachable!("callers never end"),
        () = rotation => {}
    }
    assert_eq!(issuer.fetches().await, before + rotations, "wrong tokens made it ask for nothing");
    gateway.stop().await;
}

/// What was signed with a key that is gone opens nothing, from the moment that this is known.
#[tokio::test]
async fn a_withdrawn_key_opens_no_more() {
    let issuer = Issuer::start().await;
    let gateway = launch(&issuer, &json!({})).ready().await;
    let old = Forger::new(&issuer, AUDIENCE).await.token(&json!({}));
    assert_eq!(call(&gateway, "/notes/read", &old).await.status, 200);
    issuer.rotate().await;
    issuer.retire().await;
    assert_eq!(call(&gateway, "/notes/read", &issuer.token(AUDIENCE, "").await).await.status, 200);
    let refused = call(&gateway, "/notes/read", &old).await;
    let told = "the token is signed with a key that the issuer does not publish";
    refused.is(401, &json!({ "detail": told }));
    gateway.stop().await;
}
