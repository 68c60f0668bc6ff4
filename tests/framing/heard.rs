//! What a fake has heard, byte by byte, as the most generous reader of lines would take it.

use std::{fs, path::Path};

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::forms::tight;

/// A message that a server has heard, with every value as it stood there.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) method: String,
    #[serde(borrow, default)]
    pub(super) params: IndexMap<String, &'a RawValue>,
}

impl Message<'_> {
    /// A member of its parameters without white space between tokens.
    pub(super) fn param(&self, name: &str) -> String {
        self.params.get(name).map(|value| tight(value.get())).unwrap_or_default()
    }
}

/// All that a fake has heard, cut wherever any reader of lines would cut it.
pub(super) fn heard(wire: &Path) -> Vec<String> {
    let breaks =
        |c: char| matches!(c, '\n'..='\r' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let text = fs::read_to_string(wire).unwrap_or_default();
    text.split(breaks).filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}

pub(super) fn read(message: &str) -> Message<'_> {
    serde_json::from_str(message).unwrap_or_else(|error| panic!("{error}: {message:?}"))
}

/// The calls among what it has heard.
pub(super) fn calls(wire: &Path) -> Vec<String> {
    heard(wire).into_iter().filter(|message| read(message).method == "tools/call").collect()
}
