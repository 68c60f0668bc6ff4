//! When the issuer is asked, and who waits for the answer. Answers come when the test lets them.

use futures_util::{FutureExt as _, future::join_all};
use tokio::sync::Semaphore;

use super::*;

/// Longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(10);

/// An issuer that answers when it may, and whose keys are fresh for as long as told.
struct Fake {
    /// How often it was asked.
    asked: watch::Sender<usize>,
    answers: Semaphore,
    down: watch::Sender<bool>,
    lifetime: Duration,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Fake {
    fn new(lifetime: Duration, answers: usize) -> Arc<Self> {
        let (asked, down) = (watch::Sender::new(0), watch::Sender::new(false));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        Arc::new(Self { asked, answers: Semaphore::new(answers), down, lifetime, stop, tasks })
    }

    fn cache(self: &Arc<Self>) -> Arc<JwksCache> {
        let fake = self.clone();
        JwksCache::start("https://id.example".to_owned(), &self.tasks, self.stop.clone(), move || {
            let fake = fake.clone();
            async move {
                fake.asked.send_modify(|asked| *asked += 1);
                fake.answers.acquire().await.unwrap().forget();
                let down = *fake.down.borrow();
                if down {
                    return Err("it is down".to_owned());
                }
                Ok(Published { keys: Keys::default(), lifetime: fake.lifetime })
            }
        })
    }

    fn asked(&self) -> usize {
        *self.asked.borrow()
    }

    async fn is_asked(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        timeout(DEADLINE, asked.wait_for(|asked| *asked >= times)).await.expect("asked").unwrap();
    }
}

#[tokio::test]
async fn any_number_of_tokens_make_one_fetch_and_nobody_ends_it() {
    let fake = Fake::new(LONGEST, 1);
    let cache = fake.cache();
    assert!(join_all((0..50).map(|_| cache.renewed())).await.iter().all(Result::is_ok));
    assert_eq!(fake.asked(), 1, "the first fetch is for all");
    let mut tokens: Vec<_> = (0..50).map(|_| Box::pin(cache.renewed())).collect();
    let asked = async {
        fake.is_asked(2).await;
        fake.answers.add_permits(1);
    };
    // The one that makes the fetch hangs up.
    assert!(tokens.remove(0).now_or_never().is_none());
    let (answers, ()) = tokio::join!(join_all(tokens), asked);
    assert!(answers.iter().all(Result::is_ok));
    // Nor do any more within the gap.
    assert!(join_all((0..50).map(|_| cache.renewed())).await.iter().all(Result::is_ok));
    assert_eq!(fake.asked(), 2);
}

#[tokio::test]
async fn a_token_waits_for_a_fetch_that_begins_after_it() {
    let cache = Fake::new(LONGEST, 1).cache();
    assert_eq!(cache.ask(), 1);
    cache.renewed().await.unwrap();
    cache.known.send_modify(|known| known.begun += 1);
    assert_eq!(cache.ask(), 3, "the second may have missed the key");
    cache.known.send_modify(|known| known.begun += 1);
    assert_eq!(cache.ask(), 3, "others join it");
}

#[tokio::test]
async fn keys_are_fetched_again_without_any_token() {
    let fake = Fake::new(Duration::from_millis(1), 4);
    let cache = fake.cache();
    fake.is_asked(5).await;
    assert!(cache.at_hand().is_some());
}

#[tokio::test]
async fn keys_outlive_their_issuer_for_a_day() {
    let fake = Fake::new(LONGEST, 2);
    let cache = fake.cache();
    cache.renewed().await.unwrap();
    fake.down.send_replace(true);
    let Err(Refusal::Unavailable { reason, .. }) = cache.renewed().await else { panic!("judged") };
    assert_eq!(reason, "it is down");
    let known = cache.known.borrow().clone();
    let (_, fetched) = known.keys.clone().unwrap();
    assert!(known.keys(fetched + LONGEST - GAP).is_some() && known.keys(fetched + LONGEST).is_none());
}

#[tokio::test]
async fn the_end_frees_who_waits() {
    let fake = Fake::new(LONGEST, 0);
    let cache = fake.cache();
    let (answer, ()) = tokio::join!(cache.renewed(), async { fake.stop.cancel() });
    assert!(matches!(answer, Err(Refusal::Unavailable { .. })));
    fake.tasks.close();
    timeout(DEADLINE, fake.tasks.wait()).await.expect("the task ends");
}

#[test]
fn an_issuer_that_stays_down_is_asked_ever_more_rarely() {
    let pauses = [1, 2, 5, 6, 40, u32::MAX].map(|failures| pause_after(failures).as_secs());
    assert_eq!(pauses, [10, 20, 160, 300, 300, 300]);
}
