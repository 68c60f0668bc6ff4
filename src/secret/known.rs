//! The secrets of this process, and how they are taken out of what others say.
//!
//! A server may repeat what it was sent: in an error, in a log line, percent-encoded, in JSON inside JSON. So secrets are
//! found by their values, whatever the case of letters and however they are encoded.
//!
//! Owner: the code that uses a secret registers it with a [`KnownSecrets`], which it keeps while the secret is in use.
//! Invariant: the output of [`redact`] contains no registered secret, nor the beginning of one at its end.

use std::{
    borrow::Cow,
    collections::HashMap,
    ops::Range,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde_json::value::RawValue;

use super::decoded::{Byte, Decoded, RawBytes, begins_escape};

/// What stands in place of a secret.
pub const MASK: &str = "[redacted]";
/// Shorter values are not looked for: they are in many texts by chance.
pub const SHORTEST: usize = 6;
/// How much of a secret counts where a text ends within it.
const LEAST_BEGINNING: usize = 8;
/// How much of it counts elsewhere, if that is half of it: its server may have cut it.
const LEAST_HALF: usize = 12;
/// How often a text may be encoded.
const DEPTH: usize = 3;

/// How many bytes are compared for each one of a text, and for any text.
const EFFORT: usize = 32;
const LEAST_EFFORT: usize = 64 << 10;

static KNOWN: LazyLock<RwLock<SecretIndex>> = LazyLock::new(RwLock::default);

/// Secrets that are known for as long as this lives.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KnownSecrets(Arc<Forms>);

/// The forms of some secrets, as the index has them.
#[derive(Default, PartialEq, Eq)]
struct Forms(Vec<Arc<[u8]>>);

impl KnownSecrets {
    /// Takes `secrets` for such until this is dropped.
    pub fn of<T: AsRef<[u8]>>(secrets: impl IntoIterator<Item = T>) -> Self {
        let forms: Vec<_> = secrets.into_iter().flat_map(|secret| forms(secret.as_ref())).collect();
        if !forms.is_empty() {
            KNOWN.write().unwrap_or_else(PoisonError::into_inner).add(&forms);
        }
        Self(Arc::new(Forms(forms)))
    }
}

impl std::fmt::Debug for KnownSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KnownSecrets([redacted])")
    }
}

impl Drop for Forms {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            KNOWN.write().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
        }
    }
}

/// Returns `text` without known secrets.
pub fn redact(text: &str) -> Cow<'_, str> {
    mask(text, find(text))
}

fn find(text: &str) -> Vec<Range<usize>> {
    KNOWN.read().unwrap_or_else(PoisonError::into_inner).find(text.as_bytes())
}

/// Returns `text` without these parts of it.
fn mask(text: &str, found: Vec<Range<usize>>) -> Cow<'_, str> {
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut redacted = String::with_capacity(text.len());
    let mut at = 0;
    for range in found {
        let (start, end) = (text.floor_char_boundary(range.start), text.ceil_char_boundary(range.end));
        // Two that touch are one.
        if start > at || at == 0 {
            redacted.push_str(&text[at..start.max(at)]);
            redacted.push_str(MASK);
        }
        at = end.max(at);
    }
    redacted.push_str(&text[at..]);
    Cow::Owned(redacted)
}

/// Returns `json` without known secrets; all of it is hidden if one is more than a part of a string in it.
///
/// Secrets that are plain words stay: `postgres` and `string` are passwords of many, and what a definition needs to be
/// understood.
pub fn redact_json(json: &RawValue) -> Cow<'_, RawValue> {
    const SHORT: usize = 12;
    let is_word = |part: &str| part.len() < SHORT && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let mut found = find(json.get());
    found.retain(|range| !json.get().get(range.clone()).is_some_and(is_word));
    match mask(json.get(), found) {
        Cow::Borrowed(_) => Cow::Borrowed(json),
        Cow::Owned(text) => {
            let hidden = || serde_json::value::to_raw_value(MASK).unwrap_or_default();
            Cow::Owned(RawValue::from_string(text).unwrap_or_else(|_| hidden()))
        }
    }
}

/// The known secrets by their beginnings.
struct SecretIndex {
    by_beginning: HashMap<u64, Vec<Form>>,
    /// One bit for each pair of first bytes, since most bytes of a text begin no secret.
    pairs: Box<[u64; 1024]>,
}

struct Form {
    value: Arc<[u8]>,
    /// How many [`KnownSecrets`] have it.
    uses: usize,
}

impl Default for SecretIndex {
    fn default() -> Self {
        Self { by_beginning: HashMap::new(), pairs: Box::new([0; 1024]) }
    }
}

impl SecretIndex {
    fn add(&mut self, values: &[Arc<[u8]>]) {
        for value in values {
            let beginning = beginning(value);
            let forms = self.by_beginning.entry(beginning).or_default();
            match forms.iter_mut().find(|form| form.value == *value) {
                Some(form) => form.uses += 1,
                None => forms.push(Form { value: value.clone(), uses: 1 }),
            }
            self.note_pair(beginning);
        }
    }

    fn remove(&mut self, values: &[Arc<[u8]>]) {
        for value in values {
            let beginning = beginning(value);
            let Some(forms) = self.by_beginning.get_mut(&beginning) else { continue };
            for form in forms.iter_mut().filter(|form| form.value == *value) {
                form.uses -= 1;
            }
            forms.retain(|form| form.uses > 0);
            if forms.is_empty() {
                self.by_beginning.remove(&beginning);
            }
        }
        self.pairs.fill(0);
        let beginnings: Vec<u64> = self.by_beginning.keys().copied().collect();
        beginnings.into_iter().for_each(|beginning| self.note_pair(beginning));
    }

    fn note_pair(&mut self, beginning: u64) {
        let (word, bit) = pair(beginning);
        self.pairs[word] |= bit;
    }

    /// Where secrets are in `text`, in order. Ranges may touch.
    fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if self.by_beginning.is_empty() {
            return found;
        }
        let effort = LEAST_EFFORT + EFFORT * text.len();
        let mut search = SecretSearch { index: self, found: &mut found, length: text.len(), effort };
        let raw = RawBytes::new(text);
        let once = || Decoded::new(raw.clone());
        let twice = || Decoded::new(once());
        // Each depth is looked at only if the one before has left something to decode.
        let _ = search.run(raw.clone())
            && search.run(once())
            && search.run(twice())
            && search.run(Decoded::new(twice()));
        found.sort_unstable_by_key(|range| range.start);
        found
    }
}

struct SecretSearch<'a> {
    index: &'a SecretIndex,
    found: &'a mut Vec<Range<usize>>,
    /// That of the text.
    length: usize,
    /// How many bytes may still be compared.
    effort: usize,
}

impl SecretSearch<'_> {
    /// Looks for secrets. Returns whether there are escapes among the bytes, and effort is left to look at them.
    ///
    /// Who has chosen both a secret and a text can make them alike again and again. What cannot be looked at for that
    /// reason counts as secret.
    fn run(&mut self, mut bytes: impl Iterator<Item = Byte> + Clone) -> bool {
        let (mut window, mut starts, mut read, mut escapes) = (0, [0; SHORTEST], 0, false);
        let index = self.index;
        // The last that was found. Those that touch it become one with it.
        let mut last: Option<Range<usize>> = None;
        while let Some(byte) = bytes.next() {
            escapes |= begins_escape(byte.value);
            window = push(window, byte.value);
            starts[read % SHORTEST] = byte.start;
            read += 1;
            let (word, bit) = pair(window);
            if read < SHORTEST || index.pairs[word] & bit == 0 {
                continue;
            }
            let (start, effort) = (starts[read % SHORTEST], &mut self.effort);
            let forms = index.by_beginning.get(&window).into_iter().flatten();
            let ends = forms.filter_map(|form| end(&form.value[SHORTEST..], bytes.clone(), byte.end, effort));
            let end = ends.max();
            let end = if self.effort == 0 { Some(self.length) } else { end };
            let Some(end) = end else { continue };
            match &mut last {
                Some(last) if start <= last.end => last.end = last.end.max(end),
                _ => self.found.extend(last.replace(start..end)),
            }
            if self.effort == 0 {
                self.found.extend(last);
                return false;
            }
        }
        self.found.extend(last);
        escapes
    }
}

/// Where `rest` ends if `bytes` begin with it, or end within it. Takes off what it compares from `effort`.
fn end(
    rest: &[u8],
    mut bytes: impl Iterator<Item = Byte>,
    start: usize,
    effort: &mut usize,
) -> Option<usize> {
    let mut end = start;
    for (index, wanted) in rest.iter().enumerate() {
        *effort = effort.saturating_sub(1);
        if *effort == 0 {
            return None;
        }
        match bytes.next() {
            Some(byte) if fold(byte.value) == *wanted => end = byte.end,
            other => {
                let (matched, whole) = (index + SHORTEST, rest.len() + SHORTEST);
                let has_ended = other.is_none_or(|byte| byte.is_cut);
                let counts = (has_ended && matched >= LEAST_BEGINNING)
                    || (matched >= LEAST_HALF && 2 * matched >= whole);
                return counts.then_some(end);
            }
        }
    }
    Some(end)
}

/// The word and the bit that stand for the first two bytes.
fn pair(beginning: u64) -> (usize, u64) {
    let pair = beginning >> (8 * (SHORTEST - 2));
    ((pair >> 6) as usize, 1 << (pair & 63))
}

fn push(window: u64, byte: u8) -> u64 {
    (window << 8 | u64::from(fold(byte))) & ((1 << (8 * SHORTEST)) - 1)
}

fn beginning(value: &[u8]) -> u64 {
    value[..SHORTEST].iter().fold(0, |window, byte| push(window, *byte))
}

/// Case does not count, and a form has `+` for a space.
fn fold(byte: u8) -> u8 {
    if byte == b'+' { b' ' } else { byte.to_ascii_lowercase() }
}

/// What to look for: the secret, what it is if it is an encoded text itself, and each of them in base64 and hexadecimal.
fn forms(secret: &[u8]) -> Vec<Arc<[u8]>> {
    let mut plain = vec![secret.to_vec()];
    for _ in 0..DEPTH {
        let decoded =
            plain.last().map(|text| Decoded::new(RawBytes::new(text)).map(|byte| byte.value).collect());
        plain.extend(decoded.filter(|decoded| plain.last() != Some(decoded)));
    }
    let coded = plain.iter().filter(|plain| plain.len() >= SHORTEST).flat_map(|plain| in_base64(plain));
    let hexadecimal =
        plain.iter().map(|plain| plain.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let coded: Vec<Vec<u8>> = coded.chain(hexadecimal.map(String::into_bytes)).collect();
    let mut forms: Vec<Arc<[u8]>> = Vec::new();
    for form in plain.into_iter().chain(coded).filter(|form| form.len() >= SHORTEST) {
        let form: Arc<[u8]> = form.into_iter().map(fold).collect();
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

/// The characters that stand for `secret` alone wherever it is in what is encoded, in both alphabets (RFC 4648).
fn in_base64(secret: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..3).flat_map(move |before| {
        let padded = [&[0; 2][..before], secret].concat();
        // A character holds 6 bits. Those that share a byte with what is around the secret are left out.
        let (first, last) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)]
            .map(|text| text.into_bytes()[first..last].to_vec())
    })
}

#[cfg(test)]
mod tests;
