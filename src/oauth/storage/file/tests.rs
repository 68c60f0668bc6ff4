//! The file store: rights, atomicity, locks, and what may be in its way.

use std::{os::unix::fs::symlink, thread};

use tempfile::TempDir;
use url::Url;

use super::*;

fn key(server: &str) -> RecordKey {
    RecordKey::new(server, &Url::parse("https://h/").unwrap())
}

fn store() -> (TempDir, FileBackend) {
    let parent = tempfile::tempdir().unwrap();
    let store = FileBackend::open(&parent.path().join("a/tokens/")).unwrap();
    (parent, store)
}

fn rights(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_rights(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn folder_and_files_are_for_their_owner_alone() {
    let (_parent, store) = store();
    let _lock = store.try_lock(&key("one")).unwrap();
    store.save(&key("one"), b"secret").unwrap();
    let (json, lock) = (store.path(&key("one"), "json"), store.path(&key("one"), "lock"));
    assert_eq!([rights(&store.folder), rights(&json), rights(&lock)], [0o700, 0o600, 0o600]);
    set_rights(&store.folder, 0o755);
    set_rights(&json, 0o644);
    FileBackend::open(&store.folder).unwrap();
    assert_eq!(store.load(&key("one")).unwrap().as_deref(), Some(&b"secret"[..]));
    assert_eq!([rights(&store.folder), rights(&json)], [0o700, 0o600]);
}

#[test]
fn a_shared_folder_is_refused_and_left_as_it_is() {
    let parent = tempfile::tempdir().unwrap();
    for (name, mode) in [("sticky", 0o1777), ("home", 0o755)] {
        let folder = parent.path().join(name);
        fs::create_dir_all(folder.join("other")).unwrap();
        set_rights(&folder, mode);
        let error = FileBackend::open(&folder).err().unwrap().to_string();
        assert!(error.contains("give a folder of its own"), "{error}");
        assert_eq!(rights(&folder), mode);
    }
}

#[test]
fn a_reader_never_sees_a_part() {
    let (_parent, store) = store();
    let texts = [vec![b'a'; 10], vec![b'b'; 100_000]];
    store.save(&key("one"), &texts[0]).unwrap();
    thread::scope(|scope| {
        let saves = scope.spawn(|| (0..200).for_each(|n| store.save(&key("one"), &texts[n % 2]).unwrap()));
        while !saves.is_finished() {
            let read = store.load(&key("one")).unwrap().expect("there is always a file");
            assert!(texts.contains(&read), "{} bytes", read.len());
        }
    });
    let left: Vec<_> = fs::read_dir(&store.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_lock_excludes_everybody_else_until_it_is_dropped() {
    let (_parent, store) = store();
    let lock = store.try_lock(&key("one")).unwrap().expect("nobody has it");
    let other_process = FileBackend::open(&store.folder).unwrap();
    assert!(store.try_lock(&key("one")).unwrap().is_none());
    assert!(other_process.try_lock(&key("one")).unwrap().is_none());
    assert!(other_process.try_lock(&key("two")).unwrap().is_some());
    store.save(&key("one"), b"").unwrap();
    store.remove(&key("one")).unwrap();
    assert!(other_process.try_lock(&key("one")).unwrap().is_none(), "removal of the record keeps the lock");
    // As a child shares it that is being started.
    let shared = File::open(store.path(&key("one"), "lock")).unwrap();
    drop(lock);
    let lock = other_process.try_lock(&key("one")).unwrap();
    assert!(lock.is_some() && matches!(shared.try_lock(), Err(TryLockError::WouldBlock)));
}

#[test]
fn only_abandoned_temporary_files_are_swept() {
    let (_parent, store) = store();
    let [old, new] = ["old", "new"].map(|name| store.folder.join(format!("{TEMPORARY}{name}")));
    let hours_ago = std::time::SystemTime::now() - 2 * ABANDONED;
    File::create(&old).and_then(|file| file.set_modified(hours_ago)).unwrap();
    File::create(&new).unwrap();
    FileBackend::open(&store.folder).unwrap();
    assert_eq!((old.exists(), new.exists()), (false, true));
}

#[test]
fn what_is_in_the_way_is_named_and_left_alone() {
    let (parent, store) = store();
    let path = store.path(&key("one"), "json");
    let victim = parent.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, &path).unwrap();
    symlink(&victim, store.path(&key("one"), "lock")).unwrap();
    let link = parent.path().join("link");
    symlink(&store.folder, &link).unwrap();
    let fails = |result: Result<(), BackendError>, words: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with(&parent.path().display().to_string()) && error.contains(words), "{error}");
    };
    fails(store.load(&key("one")).map(|_| ()), "one-");
    fails(store.load(&key("one")).map(|_| ()), "a symbolic link");
    fails(store.save(&key("one"), b"new"), "a symbolic link");
    fails(store.try_lock(&key("one")).map(|_| ()), "a symbolic link");
    fails(FileBackend::open(&link).map(|_| ()), "a symbolic link");
    fails(FileBackend::open(&link.join("")).map(|_| ()), "a symbolic link");
    fails(FileBackend::open(&victim).map(|_| ()), "a file is in the way");
    fails(FileBackend::open(&victim.join("tokens")).map(|_| ()), "a file is in the way");
    assert_eq!((fs::read_to_string(&victim).unwrap().as_str(), rights(&victim) & 0o044), ("precious", 0o044));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    fails(store.load(&key("one")).map(|_| ()), "not a file");
    fails(store.save(&key("one"), b"new"), "a folder is in the way");
    fs::remove_dir(&path).unwrap();
    fs::write(&path, vec![b' '; 2 << 20]).unwrap();
    fails(store.load(&key("one")).map(|_| ()), "too large");
}
