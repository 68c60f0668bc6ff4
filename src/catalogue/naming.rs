//! Names that clients see, derived from tool names as the Python mcpo derives them.

use std::collections::HashSet;

use crate::config::OperationIds;

/// The longest operation id that Open WebUI and the model providers behind it accept.
const LONGEST: usize = 64;

/// Assigns the operation ids of one server's document, each only once.
pub(super) struct Namer<'a> {
    style: OperationIds,
    server: &'a str,
    given: HashSet<String>,
}

impl<'a> Namer<'a> {
    pub(super) fn new(style: OperationIds, server: &'a str) -> Self {
        Self { style, server, given: HashSet::new() }
    }

    /// Assigns an operation id to a tool; it matches `[A-Za-z0-9_-]{1,64}`.
    pub(super) fn assign(&mut self, tool: &str) -> String {
        let (name, suffix) = match self.style {
            // FastAPI's form has no hyphens.
            OperationIds::Compatible => (format!("tool_{}", plain(tool).replace('-', "_")), "_post"),
            OperationIds::Bare => (plain(tool), ""),
            OperationIds::Prefixed => (format!("{}_{}", plain(self.server), plain(tool)), ""),
        };
        let mut id = fit(&name, suffix);
        let mut copy = 2;
        while !self.given.insert(id.clone()) {
            id = fit(&name, &format!("_{copy}{suffix}"));
            copy += 1;
        }
        id
    }
}

/// Whether a URL can address a tool of this name.
///
/// Clients resolve `.` and `..` as path segments, however they are encoded (RFC 3986 section 6.2.2), and the server
/// accepts no URL longer than 64 KiB.
pub(super) fn is_reachable(tool: &str) -> bool {
    /// Leaves room for the rest of the URL.
    const LONGEST_ENCODED: usize = 60_000;
    let encoded: usize = tool.bytes().map(|byte| if byte.is_ascii_alphanumeric() { 1 } else { 3 }).sum();
    ![".", ".."].contains(&tool) && encoded <= LONGEST_ENCODED
}

fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

fn fit(name: &str, suffix: &str) -> String {
    let room = LONGEST - suffix.len();
    format!("{}{suffix}", &name[..name.len().min(room)])
}

/// Returns a tool's summary as Python's `name.replace("_", " ").title()` does.
///
/// It capitalizes every letter that follows a non-letter and lowercases all others.
pub fn title_case(name: &str) -> String {
    let mut title = String::with_capacity(name.len());
    let mut after_letter = false;
    for c in name.chars().map(|c| if c == '_' { ' ' } else { c }) {
        if after_letter {
            title.extend(c.to_lowercase());
        } else {
            title.extend(c.to_uppercase());
        }
        after_letter = c.is_alphabetic();
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operation_ids_are_unique_and_plain() {
        let mut ids = Namer::new(OperationIds::Compatible, "my server");
        assert_eq!(ids.assign("get-tiny-image"), "tool_get_tiny_image_post");
        assert_eq!(ids.assign("get_tiny_image"), "tool_get_tiny_image_2_post");
        assert_eq!(ids.assign("get.tiny.image"), "tool_get_tiny_image_3_post");
        assert_eq!(ids.assign("日本"), "tool____post");
        let long = "x".repeat(100);
        let (first, second) = (ids.assign(&long), ids.assign(&long));
        assert_eq!((first.len(), second.len()), (64, 64));
        assert_ne!(first, second);
        assert_eq!(Namer::new(OperationIds::Bare, "my server").assign("get-tiny.image"), "get-tiny_image");
        assert_eq!(Namer::new(OperationIds::Prefixed, "my server").assign("get-it"), "my_server_get-it");
    }

    #[test]
    fn titles_are_pythons() {
        assert_eq!(title_case("get_current_time"), "Get Current Time");
        assert_eq!(title_case("get-tiny-image"), "Get-Tiny-Image");
        assert_eq!(title_case("readURL2file"), "Readurl2File");
    }
}
