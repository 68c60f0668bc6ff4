//! The guard cannot be got round: tricks as raw bytes over TCP, to mcpo and through nginx, reach no tool and no page
//! that is not theirs.

mod corpus;
mod fixture;
mod framing;
mod fuzz;
mod heard;
mod trick;

use fixture::{Fixture, Front, Mode};
use trick::{KEY, Spelling};

use crate::support::long;

const MODE: Mode = Mode { strict: false, below: false, front: Front::None, shown: None };

/// Runs the whole corpus.
async fn withstands(mode: Mode) {
    let fixture = Fixture::start(mode).await;
    fixture.withstands(&fixture.spelling(mode.shown).all(), false).await;
    fixture.ends_well().await;
}

#[tokio::test]
async fn no_trick_reaches_a_tool() {
    for below in [false, true] {
        withstands(Mode { below, ..MODE }).await;
    }
}

#[tokio::test]
async fn no_trick_reaches_anything_under_strict_auth() {
    for below in [false, true] {
        withstands(Mode { strict: true, below, ..MODE }).await;
    }
}

#[tokio::test]
async fn no_trick_widens_a_key() {
    for shown in ["k-server", "k-tools", "k-reader"] {
        for below in [false, true] {
            withstands(Mode { strict: true, below, shown: Some(shown), ..MODE }).await;
        }
    }
}

#[tokio::test]
async fn no_trick_gets_through_nginx() {
    for front in [Front::Passing, Front::Stripping] {
        for (strict, shown) in [(false, None), (true, None), (true, Some("k-tools"))] {
            withstands(Mode { strict, below: true, front, shown }).await;
        }
    }
}

/// The tricks are not refused for being ill-formed alone: with the right key most are requests like any other.
#[tokio::test]
async fn with_the_right_key_tricks_are_requests() {
    let fixture = Fixture::start(Mode { strict: true, ..MODE }).await;
    let right = fixture.spelling(Some(KEY));
    for trick in right.headers() {
        let calls = fixture.calls().len();
        let heard = fixture.hear(&trick).await;
        let preflight = heard.text.contains("access-control-allow-methods");
        assert!(preflight || fixture.calls().len() == calls + 1, "{trick:?}\n{heard:?}");
    }
    let paths = right.paths();
    let mut malformed = 0;
    for trick in &paths {
        malformed += usize::from(fixture.hear(trick).await.text.starts_with("HTTP/1.1 400"));
    }
    assert!(malformed < paths.len() / 10, "{malformed} of {}", paths.len());
}

/// As many more tricks as there are between those of the corpus.
#[tokio::test]
async fn no_mutant_does_either() {
    let (seed, count) = if long() { (fastrand::u64(..), 30_000) } else { (1, 1_500) };
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for (strict, below, shown) in [(false, true, None), (true, true, None), (true, false, Some("k-tools"))] {
        let fixture = Fixture::start(Mode { strict, below, shown, ..MODE }).await;
        // No key but the shown one: a mutation might put it right.
        let corpus = Spelling { key: "no", ..fixture.spelling(shown) }.all();
        fixture.withstands(&fuzz::mutants(&corpus, count, &mut random), true).await;
        fixture.ends_well().await;
    }
}
