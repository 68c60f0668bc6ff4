//! What fuzzing has taught, in every run: the fuzz targets' checks over their seeds, without a fuzzer.
//! `fuzz/run SECONDS` looks for more; an input that it finds becomes a seed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop at that very line")]

use std::path::Path;

#[allow(unreachable_pub, reason = "the fuzz targets call them from another crate")]
#[path = "../fuzz/src/checks.rs"]
mod checks;

#[allow(unreachable_pub, reason = "the fuzz targets call them from another crate")]
#[path = "../fuzz/src/readers.rs"]
mod readers;

fn replay(seeds: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(seeds);
    let mut count = 0;
    for seed in folder.read_dir().unwrap() {
        let path = seed.unwrap().path();
        println!("{}", path.display());
        check(&std::fs::read(path).unwrap());
        count += 1;
    }
    assert!(count > 0, "no seeds in {}", folder.display());
}

#[test]
fn schemas_keep_their_references() {
    replay("schema", checks::schema);
}

#[test]
fn arguments_are_checked_in_time() {
    replay("arguments", checks::arguments);
}

#[test]
fn foreign_bytes_are_read_in_time() {
    for (seeds, check) in [
        ("frames", readers::frames as fn(&[u8])),
        ("events", readers::events),
        ("challenge", readers::challenge),
        ("metadata", readers::metadata),
        ("config", readers::config),
        ("dotenv", readers::dotenv),
    ] {
        replay(seeds, check);
    }
}
