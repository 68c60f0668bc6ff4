//! `--root-path` and `--path-prefix`: a path, normalised once to `/a/b`.

use crate::config::{ConfigError, Options, RawOption};

/// The two prefixes, each empty or of the form `/a/b`: a leading slash, no trailing one.
#[derive(Debug, Clone, Default)]
pub struct BasePath {
    /// Set by a reverse proxy in front (`--root-path`); may or may not arrive in a request's path.
    pub root: String,
    /// Put before every server's routes (`--path-prefix`).
    pub prefix: String,
}

impl BasePath {
    pub(crate) fn of_options(options: &Options) -> Result<Self, ConfigError> {
        Ok(Self { root: path(&options.root_path)?, prefix: path(&options.path_prefix)? })
    }
}

/// Empty, or of the form `/a/b`: a leading slash, no trailing one.
fn path(given: &Option<RawOption>) -> Result<String, ConfigError> {
    let Some(given) = given else { return Ok(String::new()) };
    let text = given.value.as_str();
    let refuse =
        |what: &str| Err(given.error(format_args!("\"{text}\" {what}; write a path such as /api/v1")));
    if text.contains("://") {
        return refuse("is a whole URL");
    }
    if let Some(bad) = text.chars().find(|c| matches!(c, '?' | '#') || c.is_whitespace() || c.is_control()) {
        return refuse(&format!("holds {bad:?}"));
    }
    if text.contains("//") {
        return refuse("holds //");
    }
    let path = text.trim_matches('/');
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return refuse("holds a . or .. segment");
    }
    Ok(if path.is_empty() { String::new() } else { format!("/{path}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<String, String> {
        let given = RawOption { value: value.to_owned(), origin: "--root-path".to_owned() };
        path(&Some(given)).map_err(|error| error.to_string())
    }

    #[test]
    fn every_spelling_becomes_one() {
        for (text, expected) in [
            ("", ""),
            ("/", ""),
            ("api", "/api"),
            ("api/v1", "/api/v1"),
            ("/api/v1", "/api/v1"),
            ("/api/v1/", "/api/v1"),
            ("/a..b/~x", "/a..b/~x"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(path(&None).as_deref(), Ok(""));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in
            ["/a?b", "/a#b", "/a b", "/a\n", "/a/../b", "..", "/./a", "//a", "/a//b", "//", "https://a/b"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
