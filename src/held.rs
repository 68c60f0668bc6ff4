//! Counts the bytes of bodies and answers that are held, and bounds them: for the whole gateway, and for each holder.
//!
//! Invariant: a holder, which is a server or a client's address, never takes more than it leaves to the others. What is
//! small counts for nothing, so that most calls neither count nor wait.
//!
//! Owner: the process, whose memory it is. Open to all modules, as [`crate::secret`] is.

use std::{
    collections::HashMap,
    net::IpAddr,
    pin::pin,
    sync::{
        Arc, LazyLock, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use crate::bounds::Bound;

/// What counts for nothing, and the unit that all else is counted in, in bytes.
pub const SMALL: usize = 64 << 10;
/// How long an answer waits for room. Its server waits meanwhile, and so do the answers behind it.
const PATIENCE: Duration = Duration::from_secs(5);

static ROOM: HeldRoom = HeldRoom::new(1 << 30, PATIENCE);
static CLIENTS: LazyLock<Mutex<HashMap<IpAddr, Weak<Holder>>>> = LazyLock::new(Mutex::default);

/// Sets how many bytes may be held.
pub fn limit(bytes: usize) {
    ROOM.limit.store(bytes, Relaxed);
}

/// How many bytes may be held, and how many are.
#[derive(Debug)]
struct HeldRoom {
    limit: AtomicUsize,
    taken: AtomicUsize,
    freed: Notify,
    patience: Duration,
}

impl HeldRoom {
    const fn new(limit: usize, patience: Duration) -> Self {
        let (limit, taken) = (AtomicUsize::new(limit), AtomicUsize::new(0));
        Self { limit, taken, freed: Notify::const_new(), patience }
    }
}

/// There is no room for more.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "mcpo holds as many bodies and answers as it may ({0} bytes for all, see --max-total-size, and for one no more than \
     are left)"
)]
pub struct Full(usize);

/// Who holds bytes.
#[derive(Debug, Default)]
pub struct Holder(AtomicUsize);

impl Holder {
    /// The clients at one address, or in one network.
    pub fn clients(network: IpAddr) -> Arc<Self> {
        let mut known = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(holder) = known.get(&network).and_then(Weak::upgrade) {
            return holder;
        }
        // As few remain as hold something.
        known.retain(|_, holder| holder.strong_count() > 0);
        let holder = Arc::new(Self::default());
        known.insert(network, Arc::downgrade(&holder));
        holder
    }
}

/// Bytes that are held, until it is dropped.
#[derive(Debug)]
pub struct Hold {
    room: &'static HeldRoom,
    /// `None` if they only count for all.
    holder: Option<Arc<Holder>>,
    bytes: usize,
}

impl Default for Hold {
    fn default() -> Self {
        Self { room: &ROOM, holder: None, bytes: 0 }
    }
}

impl Hold {
    /// Holds nothing yet.
    pub fn by(holder: Arc<Holder>) -> Self {
        Self { holder: Some(holder), ..Self::default() }
    }

    /// Holds a copy of what is held already, whether there is room or not.
    pub fn copy(bytes: usize) -> Self {
        let mut copy = Self::default();
        copy.take(counted(bytes));
        copy
    }

    /// Holds nothing any more.
    pub fn clear(&mut self) {
        self.free(self.bytes);
    }

    /// Whether what it holds is too small to be counted.
    pub fn is_small(&self) -> bool {
        self.bytes == 0
    }

    /// Holds `bytes` in all.
    ///
    /// # Errors
    ///
    /// There is no room; it holds what it held.
    pub fn resize(&mut self, bytes: usize) -> Result<(), Full> {
        self.try_resize(bytes).inspect_err(|_| Bound::HeldBytes.hit())
    }

    /// Holds `bytes` in all, and waits for room, but not long.
    ///
    /// # Errors
    ///
    /// There is still no room; it holds what it held.
    pub async fn resize_soon(&mut self, bytes: usize) -> Result<(), Full> {
        if self.try_resize(bytes).is_ok() {
            return Ok(());
        }
        let patience = self.room.patience;
        let waiting = async {
            loop {
                let mut freed = pin!(self.room.freed.notified());
                freed.as_mut().enable();
                match self.try_resize(bytes) {
                    Ok(()) => return,
                    Err(_) => freed.await,
                }
            }
        };
        if timeout(patience, waiting).await.is_err() {
            return self.resize(bytes);
        }
        Ok(())
    }

    /// The same as [`Self::resize`], by a holder that is only looked up if it is needed.
    ///
    /// # Errors
    ///
    /// There is no room; it holds what it held.
    pub fn resize_by(&mut self, holder: impl FnOnce() -> Arc<Holder>, bytes: usize) -> Result<(), Full> {
        if self.is_small() && bytes > SMALL {
            self.holder = Some(holder());
        }
        self.resize(bytes)
    }

    /// Gives what it holds to another holder.
    ///
    /// # Errors
    ///
    /// That one may not hold so much; then nobody does.
    pub fn give_to(self, holder: impl FnOnce() -> Arc<Holder>) -> Result<Self, Full> {
        let mut given = Self { room: self.room, holder: None, bytes: 0 };
        let bytes = self.bytes;
        drop(self);
        given.resize_by(holder, bytes)?;
        Ok(given)
    }

    fn try_resize(&mut self, bytes: usize) -> Result<(), Full> {
        let bytes = counted(bytes);
        if bytes <= self.bytes {
            self.free(self.bytes - bytes);
            return Ok(());
        }
        let more = bytes - self.bytes;
        let limit = self.room.limit.load(Relaxed);
        // A look first, so that a claim that is refused does not make others fail meanwhile.
        let with_more = |count: &AtomicUsize| count.load(Relaxed).saturating_add(more);
        let holders = self.holder.as_ref().map_or(0, |holder| with_more(&holder.0));
        if with_more(&self.room.taken).saturating_add(holders) > limit {
            return Err(Full(limit));
        }
        if self.take(more) <= limit {
            return Ok(());
        }
        // Nobody waits for what was never had.
        self.put_back(more);
        Err(Full(limit))
    }

    /// Returns what is taken then, by all and by the holder together.
    fn take(&mut self, bytes: usize) -> usize {
        let taken = |count: &AtomicUsize| count.fetch_add(bytes, Relaxed).saturating_add(bytes);
        self.bytes += bytes;
        taken(&self.room.taken).saturating_add(self.holder.as_ref().map_or(0, |holder| taken(&holder.0)))
    }

    fn put_back(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.room.taken.fetch_sub(bytes, Relaxed);
        if let Some(holder) = &self.holder {
            holder.0.fetch_sub(bytes, Relaxed);
        }
    }

    fn free(&mut self, bytes: usize) {
        if bytes > 0 {
            self.put_back(bytes);
            self.room.freed.notify_waiters();
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What so many bytes count for.
fn counted(bytes: usize) -> usize {
    if bytes <= SMALL { 0 } else { bytes.next_multiple_of(SMALL) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// Holds within a room of this size.
    fn room(limit: usize) -> impl Fn(&Arc<Holder>) -> Hold {
        let room: &'static HeldRoom = Box::leak(Box::new(HeldRoom::new(limit, Duration::from_millis(50))));
        move |holder| Hold { room, holder: Some(holder.clone()), bytes: 0 }
    }

    #[test]
    fn everyone_leaves_as_much_as_they_take() {
        let (ada, bob) = (Arc::new(Holder::default()), Arc::new(Holder::default()));
        let by = room(16 * MIB);
        let (mut first, mut second) = (by(&ada), by(&ada));
        first.resize(5 * MIB).unwrap();
        second.resize(3 * MIB).unwrap();
        assert!(second.resize(3 * MIB + 1).is_err(), "half is left to the others");
        second.resize(3 * MIB).expect("what it held it holds still");
        let mut other = by(&bob);
        other.resize(4 * MIB).expect("of which another takes half");
        assert!(by(&bob).resize(MIB).is_err());
        by(&ada).resize(SMALL).expect("what is small counts for nothing");
        drop((first, second, other));
        by(&bob).resize(8 * MIB).expect("all is free again");
    }

    #[tokio::test]
    async fn who_waits_gets_what_is_freed_and_nobody_waits_for_ever() {
        let (ada, by) = (Arc::new(Holder::default()), room(16 * MIB));
        let (mut first, mut second) = (by(&ada), by(&ada));
        first.resize(8 * MIB).unwrap();
        let (waited, ()) = tokio::join!(second.resize_soon(MIB), async { first.resize(7 * MIB).unwrap() });
        waited.expect("room was made");
        assert!(second.resize_soon(2 * MIB).await.is_err(), "nobody makes room");
    }

    #[test]
    fn what_is_given_counts_for_who_gets_it() {
        let (ada, bob, by) = (Arc::new(Holder::default()), Arc::new(Holder::default()), room(16 * MIB));
        let (mut first, mut second) = (by(&ada), by(&ada));
        first.resize(5 * MIB).unwrap();
        second.resize(3 * MIB).unwrap();
        let given = first.give_to(|| bob.clone()).unwrap();
        assert_eq!([&ada, &bob].map(|holder| holder.0.load(Relaxed)), [3 * MIB, 5 * MIB]);
        second.resize(4 * MIB).unwrap();
        assert!(second.give_to(|| bob.clone()).is_err(), "bob has enough");
        assert_eq!([&ada, &bob].map(|holder| holder.0.load(Relaxed)), [0, 5 * MIB]);
        drop(given);
        assert_eq!(bob.0.load(Relaxed), 0);
    }

    #[test]
    fn a_network_is_one_holder() {
        let clients = || Holder::clients([192, 0, 2, 1].into());
        let holder = clients();
        assert!(Arc::ptr_eq(&holder, &clients()));
        drop(holder);
        drop(Holder::clients([192, 0, 2, 2].into()));
        assert!(
            !CLIENTS.lock().unwrap().contains_key(&[192, 0, 2, 1].into()),
            "who holds nothing is forgotten"
        );
    }
}
