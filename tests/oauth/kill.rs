//! `kill -9` at any point of a refresh: afterwards the store holds a valid token, or the gateway asks for a login.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nix::sys::{
    inotify::{AddWatchFlags, InitFlags, Inotify},
    signal::Signal,
};
use reqwest::Method;
use serde_json::json;

use super::{
    fixture::{ECHO, Fixture, answered, asks_for_login, log_in, works},
    store::token_files,
};
use crate::support::{Gateway, authorization::Hold, eventually, processes};

/// When it is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// The refresh has arrived and is not worked on.
    Arrived,
    /// The old token is spent, the new ones are on no wire yet.
    Processed,
    /// The answer was just sent.
    Answered,
    /// The token folder has seen so many events: files opened, written, closed, renamed.
    FileEvent(usize),
    /// So long after the call that needs the refresh.
    After(Duration),
}

#[tokio::test]
async fn a_kill_at_any_point_of_a_refresh_loses_nothing_but_the_login() {
    let rounds = if crate::support::long() { 10 } else { 1 };
    let fixture = Fixture::http().await;
    let mut gateway = fixture.logged_in().await;
    for _ in 0..rounds {
        let events = (1..=12).map(Moment::FileEvent);
        let delays = (0..8).map(|_| Moment::After(Duration::from_micros(fastrand::u64(0..40_000))));
        let answered = [Moment::Answered; 3];
        let held = [Moment::Arrived, Moment::Processed];
        for moment in held.into_iter().chain(answered).chain(events).chain(delays) {
            killed(&fixture, gateway, moment).await;
            let files = token_files(fixture.tokens());
            assert!(files.len() <= 1, "after a kill at {moment:?}: {files:?}");
            gateway = recovered(&fixture, moment).await;
        }
    }
    gateway.stop().await;
}

/// Makes the gateway refresh its token and kills it at that moment.
async fn killed(fixture: &Fixture, mut gateway: Gateway, moment: Moment) {
    let authorization = &fixture.authorization;
    let counts = authorization.counts().await;
    let next = |name: &str| counts.get(name).copied().unwrap_or_default() + 1;
    match moment {
        Moment::Arrived => authorization.hold(Hold::Arrived).await,
        Moment::Processed => authorization.hold(Hold::Processed).await,
        _ => {}
    }
    authorization.revoke_access().await;
    let (pid, watch) = (gateway.pid(), Watch::of(fixture.tokens()));
    let answered = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&answered);
    let call = async {
        let call = gateway.request(Method::POST, ECHO).json(&json!({ "message": "hi" })).send();
        // With an error where the kill came first.
        drop(call.await);
        answered.store(true, Ordering::Relaxed);
    };
    let strike = async {
        match moment {
            Moment::Arrived => authorization.until("held arrived", next("held arrived")).await,
            Moment::Processed => authorization.until("held processed", next("held processed")).await,
            Moment::Answered => authorization.until("token answered", next("token answered")).await,
            Moment::After(delay) => tokio::time::sleep(delay).await,
            Moment::FileEvent(wanted) => {
                // The kill comes from there: this task may be busy with the call.
                let strike = move || {
                    watch.see(wanted, &seen);
                    processes::signal(pid, Signal::SIGKILL);
                };
                tokio::task::spawn_blocking(strike).await.expect("it does not panic");
            }
        }
        processes::signal(pid, Signal::SIGKILL);
    };
    tokio::join!(call, strike);
    gateway.exit().await;
    if let Moment::Arrived = moment {
        authorization.until("token abandoned", next("token abandoned")).await;
    }
    authorization.release().await;
}

/// Starts the next gateway: it works, or asks for a login and works then.
async fn recovered(fixture: &Fixture, moment: Moment) -> Gateway {
    let gateway = fixture.launch().start().await;
    let answer = eventually("the server is connected or asks for a login", async || {
        let answer = answered(&gateway).await;
        (answer.status != 503).then_some(answer)
    })
    .await;
    if answer.status != 200 {
        asks_for_login(&answer);
        assert!(!matches!(moment, Moment::Arrived), "the refresh token was never used: {answer:?}");
        log_in(&gateway).await;
    }
    works(&gateway).await;
    gateway
}

/// What happens in a folder.
struct Watch(Inotify);

impl Watch {
    fn of(folder: &Path) -> Self {
        let watch = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).expect("inotify");
        watch.add_watch(folder, AddWatchFlags::IN_ALL_EVENTS).expect("a folder");
        Self(watch)
    }

    /// Returns at the event of this number, or when `ended` is set because there are fewer.
    fn see(&self, wanted: usize, ended: &AtomicBool) {
        let mut seen = 0;
        while seen < wanted && !ended.load(Ordering::Relaxed) {
            // Anything slower than asking again and again would come too late.
            match self.0.read_events() {
                Ok(events) => seen += events.len(),
                Err(_) => std::thread::yield_now(),
            }
        }
    }
}
