//! What must hold for every text that a server, an authorization server or a file of the operator's holds: it is read
//! in time, without a panic, and to the same whatever the parts in which it comes. Shared by the fuzz targets and by the
//! test that replays their seeds.

use std::{cell::OnceCell, fs};

use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};
use mcpo::{
    config::{Config, Environment, Options, RawOption},
    oauth::{self, Challenge},
    upstream::fuzzing,
};
use tempfile::TempDir;
use url::Url;

use super::checks::{breaks_a_line, in_time};

/// The input is what a server writes, line by line: what mcpo answers is one line each.
pub fn frames(input: &[u8]) {
    for frame in in_time("reading messages", || fuzzing::messages(input)) {
        let line = frame.into_line();
        let line =
            std::str::from_utf8(&line).expect("UTF-8").strip_suffix('\n').expect("a line feed at its end");
        assert!(!line.contains(breaks_a_line), "an answer of more than a line: {line:?}");
    }
}

/// The input is a stream of events: they are the same in whichever parts they come.
pub fn events(input: &[u8]) {
    let whole = in_time("reading events", || fuzzing::events(input, usize::MAX));
    for size in [1, 3, 64] {
        let parts = in_time("reading events in parts", || fuzzing::events(input, size));
        assert!(parts == whole, "events in parts of {size}: {parts:?}, not {whole:?}");
    }
}

/// The input is a list of `WWW-Authenticate` headers, one a line.
pub fn challenge(input: &[u8]) {
    let values = input.split(|byte| *byte == b'\n').filter_map(|value| HeaderValue::from_bytes(value).ok());
    let headers = HeaderMap::from_iter(values.map(|value| (WWW_AUTHENTICATE, value)));
    let asked = Url::parse("https://mcp.example/mcp").expect("a URL");
    let challenge = in_time("reading challenges", || Challenge::of(&headers, &asked, None));
    for text in challenge.into_iter().flat_map(|challenge| [challenge.error, challenge.description]).flatten()
    {
        assert!(!text.contains(char::is_control), "{text:?} is not for a message");
    }
}

/// The input is a document of a resource, of an authorization server, or of its token endpoint.
pub fn metadata(input: &[u8]) {
    if let Ok(document) = serde_json::from_slice(input) {
        in_time("reading metadata", || oauth::fuzzing::metadata(&document));
    }
}

/// The input is a config file.
pub fn config(input: &[u8]) {
    load("config.json", input, |path| Options { config: Some(path), ..Options::default() });
}

/// The input is a `.env` file.
pub fn dotenv(input: &[u8]) {
    load("mcpo.env", input, |path| Options {
        env_path: Some(path),
        command: vec!["server".into()],
        ..Options::default()
    });
}

/// Loads a configuration with this file; what is wrong with it is said in an error of bounded length.
fn load(name: &str, input: &[u8], options: impl FnOnce(RawOption) -> Options) {
    thread_local! {
        static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
    }
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a folder"));
        let path = folder.path().join(name);
        fs::write(&path, input).expect("a file");
        let value = path.to_str().expect("UTF-8").to_owned();
        let options = options(RawOption { value, origin: "--fuzzed".into() });
        let loaded =
            in_time("loading", || Config::load(&options, &Environment::of(&[("TOKEN", "t0p-secret-token")])));
        if let Err(error) = loaded {
            let message = error.to_string();
            assert!(message.len() < 64 << 10, "an error of {} bytes", message.len());
        }
    });
}
