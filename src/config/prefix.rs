//! `--root-path` and `--path-prefix`: a path, normalised once to `/a/b`.

use super::{error::ConfigError, options::Given};

/// Empty, or of the form `/a/b`: a leading slash, no trailing one.
pub(super) fn parse(given: &Option<Given>) -> Result<String, ConfigError> {
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
    use super::{Given, parse};

    fn path(value: &str) -> Result<String, String> {
        let given = Given { value: value.to_owned(), origin: "--root-path".to_owned() };
        parse(&Some(given)).map_err(|error| error.to_string())
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
            assert_eq!(path(text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(parse(&None).as_deref(), Ok(""));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in
            ["/a?b", "/a#b", "/a b", "/a\n", "/a/../b", "..", "/./a", "//a", "/a//b", "//", "https://a/b"]
        {
            assert!(path(text).is_err(), "{text}");
        }
    }
}
