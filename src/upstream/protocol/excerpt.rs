//! What is shown of URLs and commands, without the secrets in them; and [`Excerpt`] for what strangers wrote.

use serde_json::value::RawValue;
use url::Url;

pub(crate) use crate::excerpt::Excerpt;
use crate::{
    bounds::Bound,
    secret::{redact, redact_json},
};

/// The longest error that its caller is shown, in bytes: it is searched for secrets on the way.
const LONGEST_ERROR: usize = 1 << 20;

/// An error in its server's words, for its caller: without secrets, and cut if it is very long.
pub fn error_words(text: &str) -> String {
    if text.len() <= LONGEST_ERROR {
        return redact(text).into_owned();
    }
    Bound::ErrorText.hit();
    format!("{}…", redact(&text[..text.floor_char_boundary(LONGEST_ERROR)]))
}

/// What is beside these words, without secrets; left out if it is very long.
pub(crate) fn error_data(data: &RawValue) -> Option<Box<RawValue>> {
    if data.get().len() <= LONGEST_ERROR {
        return Some(redact_json(data).into_owned());
    }
    Bound::ErrorText.hit();
    None
}

/// In place of what is not shown.
pub(crate) const HIDDEN: &str = "…";
/// No word of a name has so many letters and digits, but keys have.
const LONGEST_WORD: usize = 20;
/// No name of this length has so many digits, but UUIDs and keys have.
const LONGEST_NAME: usize = 16;
const MOST_DIGITS: usize = 6;

/// A URL, or a word of a command, without what may be secret in it: the credentials and the query of a URL, and all that
/// looks random.
pub(crate) fn without_secrets(text: &str) -> String {
    let text = match Url::parse(text) {
        Ok(mut url) if url.has_host() => {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.set_query(None);
            url.set_fragment(None);
            url.into()
        }
        _ => text.to_owned(),
    };
    let mut shown = String::new();
    for piece in text.split_inclusive(|c: char| !c.is_alphanumeric() && !"-_.".contains(c)) {
        let name = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        shown.push_str(&plain_name(name));
        shown.push_str(&piece[name.len()..]);
    }
    shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A name, without what looks random in it: as a whole, as a UUID does, or one of its words.
fn plain_name(name: &str) -> String {
    let digits = name.chars().filter(char::is_ascii_digit).count();
    let is_host_or_version = name.contains('.');
    if !is_host_or_version && name.len() >= LONGEST_NAME && digits >= MOST_DIGITS {
        return HIDDEN.to_owned();
    }
    let mut shown = String::new();
    for word in name.split_inclusive(['-', '_', '.']) {
        let bare = word.trim_end_matches(['-', '_', '.']);
        let random = bare.len() > LONGEST_WORD;
        shown.push_str(if random { HIDDEN } else { bare });
        shown.push_str(&word[bare.len()..]);
    }
    shown
}
