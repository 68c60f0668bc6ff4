//! Patterns of schemas, matched within bounds.
//!
//! A pattern is matched in time linear in the text, unless it looks around or refers back; then its steps are limited.
//! Invariant: within [`metered`], all matches together do no more work than its limit, whatever patterns and texts are.

use std::{
    cell::Cell,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use jsonschema::ValidationError;
use regex_automata::meta;
use serde_json::Value;

/// The longest pattern that is compiled, in bytes.
const LONGEST: usize = 4 << 10;
/// The largest compiled pattern, in bytes.
pub(super) const LARGEST: usize = 1 << 20;
/// The memory that one pattern may use as a cache while it matches, in bytes.
pub(super) const CACHE: usize = 32 << 10;
/// How much the patterns of one schema may take together, in bytes. One that fails counts as the largest.
const MOST: usize = 4 << 20;
/// How often a match that looks around or refers back may go back to try another way.
const MOST_RETREATS: usize = 5_000;
/// The longest text that such a pattern is matched with, in bytes: each step may look at all of it.
const LONGEST_TEXT: usize = 2 << 10;

thread_local! {
    /// The work that is left to the matches of the check that runs on this thread, in steps of about 10 ns.
    static LEFT: Cell<usize> = const { Cell::new(0) };
    static EXCEEDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs a check whose matches may do this much work; `None` if they would have to do more.
pub(super) fn metered<T>(limit: usize, check: impl FnOnce() -> T) -> Option<T> {
    LEFT.set(limit);
    EXCEEDED.set(false);
    let outcome = check();
    (!EXCEEDED.get()).then_some(outcome)
}

/// Takes work from what is left. False if there is not enough.
fn spend(work: usize) -> bool {
    let left = LEFT.get().checked_sub(work);
    EXCEEDED.set(EXCEEDED.get() || left.is_none());
    LEFT.set(left.unwrap_or(0));
    left.is_some()
}

/// A compiled pattern.
pub(super) struct CompiledPattern {
    engine: Engine,
    /// What it takes, in bytes.
    size: usize,
}

enum Engine {
    Linear(meta::Regex),
    Backtracking(fancy_regex::Regex),
}

impl CompiledPattern {
    fn compile(source: &str) -> Result<Self, String> {
        if source.len() > LONGEST {
            return Err(format!("it has {} bytes, and may have {LONGEST}", source.len()));
        }
        // JSON Schema's patterns are those of ECMA-262.
        let source = jsonschema_regex::to_rust_regex(source).map_err(|()| "it cannot be read".to_owned())?;
        match linear(&source) {
            Ok(regex) => Ok(Self { size: size(&regex), engine: Engine::Linear(regex) }),
            Err(NotLinear::TooLarge) => Err(format!("it would take more than {LARGEST} bytes")),
            Err(NotLinear::Unknown) => Self::backtracking(&source),
        }
    }

    /// Compiles a pattern that looks around or refers back. Its parts are patterns of their own, which take no more than
    /// the same pattern with plain groups in their place.
    fn backtracking(source: &str) -> Result<Self, String> {
        let plain = linear(&with_plain_groups(source)).map_err(|_| "it is too complex".to_owned())?;
        let mut builder = fancy_regex::RegexBuilder::new(source);
        builder.backtrack_limit(MOST_RETREATS).delegate_size_limit(LARGEST).delegate_dfa_size_limit(CACHE);
        let regex = builder.build().map_err(|error| error.to_string())?;
        // Each part has memory of its own.
        Ok(Self { size: size(&plain) + source.len() * 512, engine: Engine::Backtracking(regex) })
    }

    /// Whether it matches somewhere in the text. True if there is no telling.
    fn is_match(&self, text: &str) -> bool {
        let work = match &self.engine {
            Engine::Linear(_) => (text.len() + 1).saturating_mul(1 + self.size / 256),
            Engine::Backtracking(_) if text.len() > LONGEST_TEXT => usize::MAX,
            Engine::Backtracking(_) => MOST_RETREATS * (2 + text.len() / 32),
        };
        if !spend(work) {
            return true;
        }
        // The engines panic for some patterns (https://github.com/rust-lang/regex/issues/1344).
        let matched = catch_unwind(AssertUnwindSafe(|| match &self.engine {
            Engine::Linear(regex) => Some(regex.is_match(text)),
            Engine::Backtracking(regex) => regex.is_match(text).ok(),
        }));
        matched.ok().flatten().unwrap_or_else(|| {
            spend(usize::MAX);
            true
        })
    }
}

/// Why a pattern is not matched in linear time.
enum NotLinear {
    TooLarge,
    /// It looks around, refers back, or is none.
    Unknown,
}

fn linear(source: &str) -> Result<meta::Regex, NotLinear> {
    let config = meta::Config::new()
        .nfa_size_limit(Some(LARGEST / 2))
        .hybrid_cache_capacity(CACHE)
        .onepass(false)
        .backtrack(false);
    meta::Regex::builder().configure(config).build(source).map_err(|error| match error.size_limit() {
        Some(_) => NotLinear::TooLarge,
        None => NotLinear::Unknown,
    })
}

/// What a pattern takes, with what it uses while it matches.
fn size(regex: &meta::Regex) -> usize {
    regex.memory_usage() + CACHE / 2
}

/// The pattern with groups in place of what looks around, and nothing in place of what refers back.
fn with_plain_groups(source: &str) -> String {
    let mut plain = String::with_capacity(source.len());
    let (mut rest, mut in_class) = (source, false);
    while let Some(c) = rest.chars().next() {
        let looks = ["(?=", "(?!", "(?<=", "(?<!", "(?>"].iter().find(|group| rest.starts_with(**group));
        let taken = match (c, looks) {
            ('\\', _) => {
                let escaped = rest[1..].chars().next();
                let taken = 1 + escaped.map_or(0, char::len_utf8);
                if !escaped.is_some_and(|c| c.is_ascii_digit() && !in_class) {
                    plain.push_str(&rest[..taken]);
                } else {
                    plain.push_str("(?:)");
                }
                taken
            }
            ('(', Some(group)) if !in_class => {
                plain.push_str("(?:");
                group.len()
            }
            _ => {
                in_class = (in_class || c == '[') && c != ']';
                plain.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    plain
}

/// The compiled patterns of one schema.
#[derive(Clone, Default)]
pub(super) struct Patterns {
    known: HashMap<String, Arc<CompiledPattern>>,
    /// What they take, with those that failed.
    pub(super) size: usize,
    /// What is not checked, and why.
    pub(super) unchecked: Vec<String>,
    /// Why nothing can be checked.
    pub(super) fatal: Option<String>,
}

impl Patterns {
    /// Compiles a pattern of a `pattern` keyword. One that cannot be had is not checked.
    pub(super) fn add(&mut self, source: &str) {
        if self.known.contains_key(source) {
            return;
        }
        let compiled = match self.size {
            MOST.. => Err(format!("the patterns of the tool take more than {MOST} bytes")),
            _ => CompiledPattern::compile(source),
        };
        match compiled {
            Ok(pattern) => {
                self.size += pattern.size + source.len();
                self.known.insert(source.to_owned(), Arc::new(pattern));
            }
            Err(reason) => {
                self.size += LARGEST;
                self.unchecked.push(format!("the pattern {:?} goes unchecked: {reason}", excerpt(source)));
            }
        }
    }

    /// Measures a pattern of `patternProperties`. It is matched with each name, by the validator's own engine, so it has
    /// to be small and linear.
    pub(super) fn add_for_names(&mut self, source: &str) {
        const SMALL: usize = 64 << 10;
        let short = Some(source).filter(|source| source.len() <= LONGEST && self.size < MOST);
        let translated = short.and_then(|source| jsonschema_regex::to_rust_regex(source).ok());
        let size = translated.and_then(|source| linear(&source).ok()).map(|regex| size(&regex));
        match size.filter(|size| *size <= SMALL) {
            Some(size) => self.size += size,
            None => {
                self.size += LARGEST;
                self.fatal.get_or_insert_with(|| {
                    format!("it has names by a pattern that is too complex, {:?}", excerpt(source))
                });
            }
        }
    }

    /// A validator for the keyword `pattern`.
    pub(super) fn keyword(&self, source: &Value) -> PatternKeyword {
        let source = source.as_str().unwrap_or_default();
        PatternKeyword(self.known.get(source).cloned(), source.into())
    }
}

/// The keyword `pattern` with this pattern; `None` if it goes unchecked.
pub(super) struct PatternKeyword(Option<Arc<CompiledPattern>>, Box<str>);

impl<'i> jsonschema::Keyword<'i> for PatternKeyword {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        match jsonschema::Keyword::is_valid(self, instance) {
            true => Ok(()),
            // The error of the keyword `pattern` holds the pattern.
            false => Err(ValidationError::custom(&*self.1)),
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        let Self(pattern, _) = self;
        match (pattern, instance) {
            (Some(pattern), Value::String(text)) => pattern.is_match(text),
            _ => true,
        }
    }
}

/// The beginning of a pattern, for a message.
fn excerpt(source: &str) -> &str {
    &source[..source.floor_char_boundary(100)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> Option<bool> {
        let pattern = CompiledPattern::compile(pattern).unwrap();
        metered(1_000_000, || pattern.is_match(text))
    }

    #[test]
    fn patterns_match_as_they_do_in_ecma_script() {
        for (pattern, text, matched) in [
            ("^[a-z]+$", "abc", true),
            ("^[a-z]+$", "aBc", false),
            ("b", "abc", true),
            (r"^\d{4}-\d\d$", "2026-12", true),
            (r"^\d$", "٣", false),
            (r"^\p{L}+$", "größe", true),
            (r"^(?=.*\d)(?!.*x).{3,}$", "ab1", true),
            (r"^(?=.*\d)(?!.*x).{3,}$", "ax1", false),
            (r"^(a|b)\1$", "aa", true),
            (r"^(a|b)\1$", "ab", false),
            (r"(?<=€)\d", "€5", true),
        ] {
            assert_eq!(matches(pattern, text), Some(matched), "{pattern} {text}");
        }
    }

    #[test]
    fn what_takes_too_much_memory_is_not_compiled() {
        let hostile = [
            r"^[\p{L}\p{N}]{200}1$".to_owned(),
            "(((a{99}){99}){99}){99}".to_owned(),
            format!("^({})$", "x".repeat(LONGEST)),
            r"(?=[\p{L}\p{N}]{200})a".to_owned(),
        ];
        for pattern in &hostile {
            assert!(CompiledPattern::compile(pattern).is_err(), "{pattern}");
        }
        let mut patterns = Patterns::default();
        (0..50).for_each(|n| patterns.add(&format!(r"^[\p{{L}}\p{{N}}]{{200}}{n}$")));
        (0..500).for_each(|n| patterns.add(&format!(r"^\w{{300}}{n}$")));
        assert!(patterns.size < 2 * 550 * LARGEST && patterns.known.len() < 500);
        let held: usize = patterns.known.values().map(|pattern| pattern.size).sum();
        assert!(held < MOST + LARGEST, "{held}");
    }

    #[test]
    fn what_takes_too_long_is_not_decided() {
        let text = "Johann Wolfgang von Goethe, Weimar, 1810";
        assert_eq!(matches(r"^(.|..)+\1@$", text), None);
        assert_eq!(matches("(?=a)b", &"x".repeat(LONGEST_TEXT + 1)), None);
        let linear = CompiledPattern::compile(r"(a|b)*a(a|b){500}c").unwrap();
        assert_eq!(metered(1_000, || linear.is_match(text)), None);
        // Once the work is spent nothing runs any more.
        assert_eq!(metered(1_000, || (0..1_000_000).all(|_| linear.is_match(text))), None);
        assert_eq!(metered(1_000_000, || linear.is_match("b")), Some(false));
    }
}
