//! Detects every kind of edit of a file: in place, by renaming another file over it, and through symbolic links.
//!
//! The folders are watched instead of the file, because another file may replace it. An event only triggers a check of
//! whether the content has changed.

use std::{
    collections::BTreeSet,
    fs,
    future::pending,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use sha2::{Digest as _, Sha256};
use tokio::{
    sync::Notify,
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tracing::warn;

use crate::config::read_file;

/// An edit counts as complete if there is no event for this long.
const QUIET: Duration = Duration::from_millis(100);
/// The longest wait for that, for folders with constant events.
const RESTLESS: Duration = Duration::from_secs(1);
/// How often the file is read if it cannot be watched.
const POLL: Duration = Duration::from_secs(2);
/// The most symbolic links in a path, as in Linux.
const LINKS: usize = 40;

/// Calls `tell` after each edit of `file`, and never returns.
pub(super) async fn edits(file: &Path, tell: impl Fn()) {
    let stirred = Arc::new(Notify::new());
    let mut watch = Watch::new(&stirred);
    let mut known = None;
    let mut watched = true;
    loop {
        // A file system that hangs holds only this.
        let looked = spawn_blocking(look(watch, file.to_owned())).await;
        let Ok((aiming, aimed, now)) = looked else { return pending().await };
        watch = aiming;
        if known.replace(now).is_some_and(|known| known != now) {
            tell();
        }
        match &aimed {
            Ok(()) => {
                stirred.notified().await;
                let settled = async { while timeout(QUIET, stirred.notified()).await.is_ok() {} };
                let _ = timeout(RESTLESS, settled).await;
            }
            Err(error) => {
                if watched {
                    let file = file.display();
                    warn!("{file} cannot be watched, so it is looked at every {POLL:?}: {error}");
                }
                sleep(POLL).await;
            }
        }
        watched = aimed.is_ok();
    }
}

/// Aims at the file as it is now, and takes a digest of its content; `None` if it cannot be read.
fn look(mut watch: Watch, file: PathBuf) -> impl FnOnce() -> (Watch, Result<(), String>, Option<[u8; 32]>) {
    move || {
        let aimed = watch.aim(&file);
        let content = read_file(&file).ok();
        (watch, aimed, content.map(|content| Sha256::digest(content).into()))
    }
}

struct Watch {
    watcher: notify::Result<RecommendedWatcher>,
    places: BTreeSet<Place>,
}

/// A folder with its inode, because another folder may replace it at its path.
type Place = (PathBuf, u64);

impl Watch {
    fn new(stirred: &Arc<Notify>) -> Self {
        let stirred = stirred.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading the file causes events, too.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                stirred.notify_one();
            }
        });
        Self { watcher, places: BTreeSet::new() }
    }

    /// Watches the folders that `file` depends on now, and no others.
    fn aim(&mut self, file: &Path) -> Result<(), String> {
        let watcher = self.watcher.as_mut().map_err(|error| error.to_string())?;
        let places = places(file).map_err(|error| error.to_string());
        let wanted = places.as_ref().ok();
        self.places.retain(|place| {
            let keep = wanted.is_some_and(|wanted| wanted.contains(place));
            if !keep {
                // This fails if the folder is gone, but then so is the watch.
                let _ = watcher.unwatch(&place.0);
            }
            keep
        });
        for place in places? {
            if !self.places.contains(&place) {
                watcher.watch(&place.0, RecursiveMode::NonRecursive).map_err(|error| error.to_string())?;
                self.places.insert(place);
            }
        }
        Ok(())
    }
}

/// Returns the folders of the file and of every symbolic link in its path.
fn places(file: &Path) -> io::Result<BTreeSet<Place>> {
    let mut places = BTreeSet::new();
    let mut paths = vec![std::path::absolute(file)?];
    for _ in 0..LINKS {
        let Some(path) = paths.pop() else { break };
        for part in path.ancestors() {
            let Some(folder) = part.parent() else { break };
            let link = fs::read_link(part);
            if part == path || link.is_ok() {
                let folder = fs::canonicalize(folder)?;
                places.insert((folder.clone(), fs::metadata(&folder)?.ino()));
            }
            if let Ok(target) = link {
                paths.push(folder.join(target));
            }
        }
    }
    Ok(places)
}
