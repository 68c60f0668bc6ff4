//! JSON text with comments and trailing commas: its syntax tree, and the places in it.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeSet, HashMap},
    fmt::Display,
};

use jsonc_parser::{
    CollectOptions, ParseOptions, ParseStringErrorKind, ast::Value, common::Ranged as _,
    errors::ParseErrorKind, parse_to_ast,
};

use super::expand::{ExpansionError, expand};
use crate::{
    config::{ConfigError, Environment, environment::BARE_NECESSITIES},
    secret::is_telling,
};

/// Comments and trailing commas, and no other of the parser's leniencies.
const SYNTAX: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// A text in JSON: a whole file, or the value of an option.
pub(crate) struct JsonText<'a> {
    name: &'a str,
    has_lines: bool,
    text: &'a str,
    environment: &'a Environment,
    /// Values of variables that the environment does not set.
    defaults: OnceCell<HashMap<String, String>>,
    warnings: RefCell<Vec<String>>,
    withheld: RefCell<BTreeSet<String>>,
}

impl<'a> JsonText<'a> {
    /// A file's text; a byte order mark, which Windows editors write, is skipped.
    pub(crate) fn file(name: &'a str, text: &'a str, environment: &'a Environment) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self::new(name, true, text, environment)
    }

    /// The value of an option: places need no line.
    pub(crate) fn option(name: &'a str, text: &'a str, environment: &'a Environment) -> Self {
        Self::new(name, false, text, environment)
    }

    fn new(name: &'a str, has_lines: bool, text: &'a str, environment: &'a Environment) -> Self {
        let (defaults, warnings, withheld) = (OnceCell::new(), RefCell::default(), RefCell::default());
        Self { name, has_lines, text, environment, defaults, warnings, withheld }
    }

    /// Returns the syntax tree, in which no object has a key twice; `None` if there are only comments.
    pub(crate) fn parse(&self) -> Result<Option<Value<'a>>, ConfigError> {
        let result = parse_to_ast(self.text, &CollectOptions::default(), &SYNTAX).map_err(|error| {
            let place = self.place(error.range().start, "");
            ConfigError::at(place, format_args!("not valid JSON: {}", explain(error.kind())))
        })?;
        if let Some(value) = &result.value {
            self.check(value, "")?;
        }
        Ok(result.value)
    }

    /// `text` with its variables replaced. Those whose names tell that they hold secrets are noted.
    pub(crate) fn expand(&self, text: &str) -> Result<String, ExpansionError> {
        expand(text, &|name| {
            if is_telling(name) {
                self.withhold(name);
            }
            self.variable(name)
        })
    }

    /// Sets the values of variables that the environment does not set. Only the first call counts.
    pub(crate) fn set_defaults(&self, defaults: HashMap<String, String>) {
        let _ = self.defaults.set(defaults);
    }

    fn variable(&self, name: &str) -> Option<&str> {
        let default = || self.defaults.get()?.get(name).map(String::as_str);
        self.environment.get(name).or_else(default)
    }

    /// Notes the variables in `text`, which holds a secret.
    pub(crate) fn withhold_variables(&self, text: &str) {
        // What cannot be expanded is an error elsewhere.
        let _ = expand(text, &|name| {
            self.withhold(name);
            self.variable(name)
        });
    }

    fn withhold(&self, name: &str) {
        if !BARE_NECESSITIES.contains(&name) {
            self.withheld.borrow_mut().insert(name.to_owned());
        }
    }

    /// The variables that hold secrets.
    pub(crate) fn withheld(&self) -> Vec<String> {
        self.withheld.borrow().iter().cloned().collect()
    }

    /// Adds a warning.
    pub(crate) fn warn(&self, offset: usize, key: &str, message: impl Display) {
        self.warnings.borrow_mut().push(format!("{}: {message}", self.place(offset, key)));
    }

    /// Returns the warnings, each with its place.
    pub(crate) fn into_warnings(self) -> Vec<String> {
        self.warnings.into_inner()
    }

    /// Refuses what the parser lets pass: a key that an object has twice, and a line break in a string.
    fn check(&self, value: &Value<'_>, key: &str) -> Result<(), ConfigError> {
        match value {
            Value::StringLit(literal) if literal.text(self.text).contains(|c| c < ' ') => {
                let message = "a line break or tab inside a string; close the quote, or write \\n or \\t";
                return Err(ConfigError::at(self.place(literal.start(), key), message));
            }
            Value::Object(object) => {
                let mut seen = HashMap::new();
                for property in &object.properties {
                    let key = join(key, property.name.as_str());
                    if let Some(first) = seen.insert(property.name.as_str(), property.start()) {
                        let first = self.line(first);
                        let message = format!("stands here and on line {first}; keep one of the two");
                        return Err(ConfigError::at(self.place(property.start(), &key), message));
                    }
                    self.check(&property.value, &key)?;
                }
            }
            Value::Array(array) => {
                for (index, element) in array.elements.iter().enumerate() {
                    self.check(element, &format!("{key}[{index}]"))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }

    /// Where `offset` is: file, line and key, as far as there are any.
    pub(crate) fn place(&self, offset: usize, key: &str) -> String {
        let mut place = self.name.to_owned();
        if self.has_lines {
            place.push_str(&format!(":{}", self.line(offset)));
        }
        if !key.is_empty() {
            place.push_str(": ");
            place.push_str(key);
        }
        place
    }
}

/// `mcpServers.time`, or `mcpServers."my server"` where a plain name would mislead.
pub(crate) fn join(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$'));
    let dot = if path.is_empty() { "" } else { "." };
    if plain { format!("{path}{dot}{key}") } else { format!("{path}{dot}{key:?}") }
}

/// What to correct, in words for people who write JSON by hand.
fn explain(kind: &ParseErrorKind) -> String {
    match kind {
        ParseErrorKind::ExpectedComma => "a comma is missing".to_owned(),
        ParseErrorKind::ExpectedColonAfterObjectKey => "a colon is missing after the key".to_owned(),
        ParseErrorKind::ExpectedStringObjectProperty | ParseErrorKind::SingleQuotedStringsNotAllowed => {
            "keys and strings stand in double quotes".to_owned()
        }
        ParseErrorKind::UnexpectedWord | ParseErrorKind::UnexpectedToken => {
            "neither a string in double quotes, a number, true, false nor null".to_owned()
        }
        ParseErrorKind::UnterminatedObject => "a { is never closed".to_owned(),
        ParseErrorKind::UnterminatedArray => "a [ is never closed".to_owned(),
        ParseErrorKind::String(ParseStringErrorKind::UnterminatedStringLiteral) => {
            "a quote is never closed".to_owned()
        }
        ParseErrorKind::String(ParseStringErrorKind::InvalidEscape) => {
            "an unknown escape; write \\\\ for a backslash".to_owned()
        }
        ParseErrorKind::MultipleRootJsonValues => "something follows the end of the object".to_owned(),
        other => {
            let text = other.to_string();
            let mut characters = text.chars();
            characters
                .next()
                .map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
        }
    }
}
