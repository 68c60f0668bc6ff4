//! Names that clients see, derived from a tool's own name as the Python mcpo derives them.

use std::collections::HashSet;

/// What Open WebUI, and the model providers behind it, accept at most.
const LONGEST: usize = 64;

/// Hands out operation ids, each once.
#[derive(Default)]
pub(super) struct OperationIds(HashSet<String>);

impl OperationIds {
    /// `tool_` + the tool's name with all but letters and digits as `_` + `_post`, as FastAPI makes it.
    pub(super) fn assign(&mut self, tool: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let name: String = tool.chars().map(plain).collect();
        let wished = fit(&format!("tool_{name}"), "_post");
        let mut id = wished;
        let mut copy = 2;
        while !self.0.insert(id.clone()) {
            id = fit(&format!("tool_{name}"), &format!("_{copy}_post"));
            copy += 1;
        }
        id
    }
}

fn fit(name: &str, suffix: &str) -> String {
    let room = LONGEST - suffix.len();
    format!("{}{suffix}", &name[..name.len().min(room)])
}

/// A tool's summary: Python's `name.replace("_", " ").title()`, which raises every letter that follows
/// something other than a letter and lowers all others.
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
        let mut ids = OperationIds::default();
        assert_eq!(ids.assign("get-tiny-image"), "tool_get_tiny_image_post");
        assert_eq!(ids.assign("get_tiny_image"), "tool_get_tiny_image_2_post");
        assert_eq!(ids.assign("get.tiny.image"), "tool_get_tiny_image_3_post");
        assert_eq!(ids.assign("日本"), "tool____post");
        let long = "x".repeat(100);
        let (first, second) = (ids.assign(&long), ids.assign(&long));
        assert_eq!((first.len(), second.len()), (64, 64));
        assert_ne!(first, second);
    }

    #[test]
    fn titles_are_pythons() {
        assert_eq!(title_case("get_current_time"), "Get Current Time");
        assert_eq!(title_case("get-tiny-image"), "Get-Tiny-Image");
        assert_eq!(title_case("readURL2file"), "Readurl2File");
    }
}
