//! Cursors over a config's syntax tree. Every value knows its file, line and key.
//!
//! [`ConfigNode`] and [`ConfigObject`] expand `${VAR}` in strings. Their errors name the place:
//! `config.json:12: mcpServers.time.command: expected a string, found a number`. `null` and the empty string count as
//! absent, and an object has no key twice.

use std::{fmt::Display, str::FromStr as _};

use jsonc_parser::{
    ast::{ObjectProp, Value},
    common::Ranged as _,
};

use super::text::{JsonText, join};
use crate::config::{ConfigError, OptionSpec, RawOption, nearest};

/// One value and the path of keys that leads to it.
#[derive(Clone)]
pub(crate) struct ConfigNode<'a> {
    source: &'a JsonText<'a>,
    value: &'a Value<'a>,
    key: String,
}

impl<'a> ConfigNode<'a> {
    /// The root of the tree that [`JsonText::parse`] gave.
    pub(crate) fn root(source: &'a JsonText<'a>, tree: &'a Value<'a>) -> Self {
        Self { source, value: tree, key: String::new() }
    }

    /// An error at this value.
    pub(crate) fn error(&self, message: impl Display) -> ConfigError {
        ConfigError::at(self.place(), message)
    }

    /// A warning at this value.
    pub(crate) fn warn(&self, message: impl Display) {
        self.source.warn(self.value.start(), &self.key, message);
    }

    /// A string, its variables expanded.
    pub(crate) fn string(&self) -> Result<String, ConfigError> {
        let Value::StringLit(literal) = self.value else { return Err(self.expected("a string")) };
        let text = self.source.expand(&literal.value).map_err(|error| self.error(error))?;
        // Neither an argument, a variable, a path nor a header can carry it.
        if text.contains('\0') { Err(self.error("holds a NUL character")) } else { Ok(text) }
    }

    /// A string that is a secret, as a raw option.
    pub(crate) fn secret(&self) -> Result<RawOption, ConfigError> {
        self.withhold_variables();
        self.given()
    }

    /// Takes the variables in the string, if it is one, for secrets: child processes do not inherit them.
    pub(crate) fn withhold_variables(&self) {
        if let Value::StringLit(literal) = self.value {
            self.source.withhold_variables(&literal.value);
        }
    }

    /// A string, as a raw option.
    pub(crate) fn given(&self) -> Result<RawOption, ConfigError> {
        Ok(RawOption { value: self.string()?, origin: self.place() })
    }

    /// A string, or a number or a boolean as its text, as a raw option.
    pub(crate) fn given_text(&self) -> Result<RawOption, ConfigError> {
        Ok(RawOption { value: self.text()?, origin: self.place() })
    }

    /// A string, or a number or a boolean as its text.
    pub(crate) fn text(&self) -> Result<String, ConfigError> {
        match self.value {
            Value::StringLit(_) => self.string(),
            Value::NumberLit(number) => Ok(number.value.to_owned()),
            Value::BooleanLit(boolean) => Ok(boolean.value.to_string()),
            _ => Err(self.expected("a string")),
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self) -> Result<bool, ConfigError> {
        match self.value {
            Value::BooleanLit(boolean) => Ok(boolean.value),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A number.
    pub(crate) fn number(&self) -> Result<serde_json::Number, ConfigError> {
        let Value::NumberLit(number) = self.value else { return Err(self.expected("a number")) };
        serde_json::Number::from_str(number.value).map_err(|_| self.error("the number is out of range"))
    }

    /// A list.
    pub(crate) fn list(&self) -> Result<Vec<Self>, ConfigError> {
        let Value::Array(array) = self.value else { return Err(self.expected("a list")) };
        let element = |(index, value)| Self { value, key: format!("{}[{index}]", self.key), ..self.clone() };
        Ok(array.elements.iter().enumerate().map(element).collect())
    }

    /// A list of strings; numbers and booleans become their text.
    pub(crate) fn texts(&self) -> Result<Vec<String>, ConfigError> {
        self.list()?.iter().map(Self::text).collect()
    }

    /// A list of strings.
    pub(crate) fn strings(&self) -> Result<Vec<String>, ConfigError> {
        self.list()?.iter().map(Self::string).collect()
    }

    /// An object.
    pub(crate) fn object(&self) -> Result<ConfigObject<'a>, ConfigError> {
        match self.value {
            Value::Object(object) => Ok(ConfigObject { node: self.clone(), properties: &object.properties }),
            _ => Err(self.expected("an object")),
        }
    }

    /// Whether it is `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::NullKeyword(_))
    }

    /// Whether it is an empty string, as templates have for values to fill in.
    fn is_blank_string(&self) -> bool {
        matches!(self.value, Value::StringLit(literal) if literal.value.trim().is_empty())
    }

    /// Whether it is a list or an object with nothing in it.
    pub(crate) fn is_empty_container(&self) -> bool {
        match self.value {
            Value::Array(array) => array.elements.is_empty(),
            Value::Object(object) => object.properties.is_empty(),
            _ => false,
        }
    }

    /// The value as plain JSON, variables in its strings expanded.
    pub(crate) fn json(&self) -> Result<serde_json::Value, ConfigError> {
        Ok(match self.value {
            Value::StringLit(_) => self.string()?.into(),
            Value::NumberLit(_) => self.number()?.into(),
            Value::BooleanLit(boolean) => boolean.value.into(),
            Value::NullKeyword(_) => serde_json::Value::Null,
            Value::Array(_) => self.list()?.iter().map(Self::json).collect::<Result<_, _>>()?,
            Value::Object(_) => self.object()?.json()?.into(),
        })
    }

    /// The path of keys that leads to it.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    fn place(&self) -> String {
        self.source.place(self.value.start(), &self.key)
    }

    fn expected(&self, wanted: &str) -> ConfigError {
        let found = match self.value {
            Value::StringLit(_) => "a string",
            Value::NumberLit(_) => "a number",
            Value::BooleanLit(boolean) if boolean.value => "true",
            Value::BooleanLit(_) => "false",
            Value::NullKeyword(_) => "null",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.error(format_args!("expected {wanted}, found {found}"))
    }
}

/// An object: its values by key.
pub(crate) struct ConfigObject<'a> {
    node: ConfigNode<'a>,
    properties: &'a [ObjectProp<'a>],
}

impl<'a> ConfigObject<'a> {
    /// The object as a value, for errors and warnings about the whole.
    pub(crate) fn node(&self) -> &ConfigNode<'a> {
        &self.node
    }

    /// The value under `key`. `null` and `""`, which generated configs and templates use for what they leave out,
    /// count as absent.
    pub(crate) fn get(&self, key: &str) -> Option<ConfigNode<'a>> {
        let property = self.properties.iter().find(|property| property.name.as_str() == key)?;
        Some(self.child(property)).filter(|node| !node.is_null() && !node.is_blank_string())
    }

    /// The value under a key that has several spellings, of which an object may use one.
    pub(crate) fn one_of(&self, keys: &[&str]) -> Result<Option<ConfigNode<'a>>, ConfigError> {
        let mut given = keys.iter().filter_map(|key| Some((key, self.get(key)?)));
        let first = given.next();
        match (&first, given.next()) {
            (Some((key, _)), Some((_, second))) => {
                Err(second.error(format_args!("means the same as {key}; keep one of the two")))
            }
            _ => Ok(first.map(|(_, node)| node)),
        }
    }

    /// What `read` makes of the value under `key`, such as `object.read("command", ConfigNode::string)`.
    pub(crate) fn read<T>(
        &self,
        key: &str,
        read: impl FnOnce(&ConfigNode<'a>) -> Result<T, ConfigError>,
    ) -> Result<Option<T>, ConfigError> {
        self.get(key).as_ref().map(read).transpose()
    }

    /// The value under the key that sets the same as this option.
    pub(crate) fn get_option(&self, option: &OptionSpec) -> Option<ConfigNode<'a>> {
        self.get(option.key?.name)
    }

    /// What `read` makes of the value under the key that sets the same as this option.
    pub(crate) fn read_option<T>(
        &self,
        option: &OptionSpec,
        read: impl FnOnce(&ConfigNode<'a>) -> Result<T, ConfigError>,
    ) -> Result<Option<T>, ConfigError> {
        self.get_option(option).as_ref().map(read).transpose()
    }

    /// All keys and their values, in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, ConfigNode<'a>)> {
        self.properties.iter().map(|property| (property.name.as_str(), self.child(property)))
    }

    /// The key here that is nearest to what was wanted.
    pub(crate) fn nearest(&self, wanted: &str) -> Option<&'a str> {
        nearest(wanted, &self.properties.iter().map(|property| property.name.as_str()).collect::<Vec<_>>())
    }

    /// Warns of every key that is not among `known`.
    pub(crate) fn expect_keys(&self, known: &[&str]) {
        self.expect_keys_beside(&[], known);
    }

    /// Warns of every key that is neither in `known` nor in `idle`, the keys without effect.
    pub(crate) fn expect_keys_beside(&self, idle: &[&str], known: &[&str]) {
        let is_expected = |key: &str| known.contains(&key) || idle.contains(&key);
        for (key, node) in self.entries().filter(|(key, _)| !is_expected(key)) {
            match nearest(key, known) {
                Some(meant) => node.warn(format_args!("unknown key, ignored; did you mean \"{meant}\"?")),
                None => node.warn("unknown key, ignored"),
            }
        }
    }

    /// Refuses every key that is not in `known`, and every value that would count as absent. For blocks whose absence
    /// would open something.
    pub(crate) fn require_keys(&self, known: &[&str]) -> Result<(), ConfigError> {
        for (key, node) in self.entries() {
            if node.is_null() || node.is_blank_string() {
                let found = if node.is_null() { "null" } else { "empty" };
                return Err(node.error(format_args!("is {found}; give it a value, or leave it out")));
            }
            if !known.contains(&key) {
                return Err(match nearest(key, known) {
                    Some(meant) => node.error(format_args!("unknown key; did you mean \"{meant}\"?")),
                    None => node.error(format_args!("unknown key; use {}", known.join(", "))),
                });
            }
        }
        Ok(())
    }

    /// The object as plain JSON.
    pub(crate) fn json(&self) -> Result<serde_json::Map<String, serde_json::Value>, ConfigError> {
        self.entries().map(|(key, node)| Ok((key.to_owned(), node.json()?))).collect()
    }

    fn child(&self, property: &'a ObjectProp<'a>) -> ConfigNode<'a> {
        let key = join(&self.node.key, property.name.as_str());
        ConfigNode { source: self.node.source, value: &property.value, key }
    }
}
