//! Pure functions on request paths: prefixes and decoded segments.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Strips a prefix of whole segments, and returns the rest with its leading slash; `None` if the prefix does not match.
pub(super) fn without_prefix<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    match path.strip_prefix(prefix)? {
        "" => Some("/"),
        rest if rest.starts_with('/') => Some(rest),
        _ => None,
    }
}

/// Splits `/first/rest` into the decoded first segment and the encoded rest.
///
/// An encoded slash is part of the segment.
pub(super) fn split_first(path: &str) -> Option<(Cow<'_, str>, &str)> {
    let path = path.strip_prefix('/')?;
    let (first, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
    Some((decode(first)?, rest))
}

/// Returns the encoded rest after `name` in a path that does not encode the slashes in it.
pub(super) fn after_name<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    name.split('/').try_fold(path, |path, piece| {
        let (segment, rest) = split_first(path)?;
        (segment == piece).then_some(rest)
    })
}

/// Percent-decodes a name; `None` if it is not UTF-8.
pub(super) fn decode(encoded: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(encoded).decode_utf8().ok()
}

/// Returns the relative URL from `path` up to the gateway's root, which holds whatever prefix a proxy adds.
pub(super) fn way_up(path: &str) -> String {
    "../".repeat(path.matches('/').count().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_whole_segments() {
        assert_eq!(without_prefix("/p/x", "/p"), Some("/x"));
        assert_eq!(without_prefix("/p", "/p"), Some("/"));
        assert_eq!(without_prefix("/px", "/p"), None);
        assert_eq!(without_prefix("/x", ""), Some("/x"));
    }

    #[test]
    fn an_encoded_slash_is_part_of_a_name() {
        assert_eq!(split_first("/a%2Fb/c%20d/e"), Some(("a/b".into(), "/c%20d/e")));
        assert_eq!(split_first("/a"), Some(("a".into(), "")));
        assert_eq!(split_first("/%ff/x"), None);
    }

    #[test]
    fn a_slash_as_it_is_parts_a_name() {
        assert_eq!(after_name("/a/b/c/d", "a/b"), Some("/c/d"));
        assert_eq!(after_name("/a/%62", "a/b"), Some(""));
        assert_eq!(after_name("/a%2Fb/c", "a/b"), None);
        assert_eq!(after_name("/a/b%2Fc/d", "a/b/c"), None);
        assert_eq!(after_name("/a/bc", "a/b"), None);
        assert_eq!(after_name("/a", "a/b"), None);
    }

    #[test]
    fn the_way_up_is_relative() {
        assert_eq!(way_up("/docs"), "");
        assert_eq!(way_up("/api/v1/time/docs"), "../../../");
    }
}
