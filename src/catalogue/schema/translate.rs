//! Translation from any draft into the canonical form.

use std::collections::{HashMap, HashSet, VecDeque};

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::{
    draft::Draft,
    form::Schema,
    index::{self, Index},
    keywords::{self, Holds},
};

/// How much one tool's schema may weigh once translated: what is referred to has a part of its own, so there may be more
/// of it than was sent.
const HEAVIEST: usize = 30_000;

/// Keywords without meaning once references are resolved.
const NAMES: [&str; 9] = [
    "$schema",
    "$vocabulary",
    "$id",
    "$anchor",
    "$dynamicAnchor",
    "$recursiveAnchor",
    "$defs",
    "definitions",
    "$comment",
];
/// Annotations that are kept beside a `$ref` even in drafts that ignore its siblings, because they constrain nothing.
const REMARKS: [&str; 7] =
    ["title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"];

/// The schema is too large to be served.
#[derive(Debug, thiserror::Error)]
#[error("it has more than {} parts", HEAVIEST)]
pub struct TooLarge;

impl Schema {
    /// Translates a schema, and returns it with notes about what could not be kept.
    ///
    /// # Errors
    ///
    /// The schema is too large.
    pub fn translate(schema: &Value) -> Result<(Self, Vec<String>), TooLarge> {
        translate(schema)
    }
}

fn translate(schema: &Value) -> Result<(Schema, Vec<String>), TooLarge> {
    let draft = Draft::of(schema);
    let index = Index::new(schema, draft).ok_or(TooLarge)?;
    let mut translator = Translator {
        draft,
        index,
        names: HashMap::new(),
        taken: HashSet::new(),
        parts: IndexMap::new(),
        waiting: VecDeque::new(),
        weight: 0,
        notes: Vec::new(),
    };
    let root = translator.schema(schema, "")?;
    while let Some((name, place)) = translator.waiting.pop_front() {
        if let Some(part) = translator.index.at(&place) {
            let part = translator.schema(part, &place)?;
            translator.parts.insert(name, part);
        }
    }
    Ok((Schema { root, parts: translator.parts }, translator.notes))
}

struct Translator<'a> {
    draft: Draft,
    index: Index<'a>,
    /// The name of the part for each place that is referred to.
    names: HashMap<String, String>,
    taken: HashSet<String>,
    parts: IndexMap<String, Value>,
    /// Parts that are named but not yet translated, in a queue so that long chains of references need no deep stack.
    waiting: VecDeque<(String, String)>,
    weight: usize,
    notes: Vec<String>,
}

impl<'a> Translator<'a> {
    fn schema(&mut self, schema: &Value, place: &str) -> Result<Value, TooLarge> {
        self.add(1)?;
        match schema {
            Value::Bool(_) => Ok(schema.clone()),
            Value::Object(object) => self.object(object, place).map(Value::Object),
            _ => {
                self.note(place, "is no schema; it was left open");
                Ok(json!({}))
            }
        }
    }

    fn object(&mut self, object: &Map<String, Value>, place: &str) -> Result<Map<String, Value>, TooLarge> {
        let alone = self.draft.reference_stands_alone() && object.get("$ref").is_some_and(Value::is_string);
        let mut translated = Map::with_capacity(object.len());
        for (keyword, value) in object {
            let known = self.draft.knows(keyword) && !NAMES.contains(&keyword.as_str());
            let spoken = !alone
                || keyword == "$ref"
                || REMARKS.contains(&keyword.as_str())
                || keyword.starts_with("x-");
            if known && spoken {
                self.keyword(keyword, value, object, place, &mut translated)?;
            }
        }
        if object.get("nullable") == Some(&Value::Bool(true)) {
            allow_null(&mut translated);
        }
        Ok(translated)
    }

    /// Translates one keyword of `object` into `translated`.
    fn keyword(
        &mut self,
        keyword: &str,
        value: &Value,
        object: &Map<String, Value>,
        place: &str,
        translated: &mut Map<String, Value>,
    ) -> Result<(), TooLarge> {
        let here = format!("{place}/{}", index::escape(keyword));
        let pieces: Vec<(&str, Value)> = match (keyword, value) {
            ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(target)) => {
                return self.reference(keyword, target, place, translated);
            }
            ("id", Value::String(_)) if self.draft == Draft::Four => vec![],
            ("nullable", Value::Bool(_)) => vec![],
            // 2020-12 dropped `items` arrays and `dependencies`, but their meaning is clear in any draft.
            ("items", Value::Array(_)) => {
                let mut pieces = vec![("prefixItems", self.below("prefixItems", value, &here)?)];
                if let Some(rest) = object.get("additionalItems") {
                    pieces.push(("items", self.schema(rest, &format!("{place}/additionalItems"))?));
                }
                pieces
            }
            ("additionalItems", _) => vec![],
            ("dependencies", Value::Object(map)) => self.dependencies(map, &here)?,
            ("exclusiveMinimum", Value::Bool(_)) | ("exclusiveMaximum", Value::Bool(_)) => vec![],
            ("minimum", _) if object.get("exclusiveMinimum") == Some(&Value::Bool(true)) => {
                vec![("exclusiveMinimum", value.clone())]
            }
            ("maximum", _) if object.get("exclusiveMaximum") == Some(&Value::Bool(true)) => {
                vec![("exclusiveMaximum", value.clone())]
            }
            _ => vec![(keyword, self.below(keyword, value, &here)?)],
        };
        for (keyword, value) in pieces {
            if is_well_formed(keyword, &value) {
                translated.insert(keyword.to_owned(), value);
            } else {
                self.note(&here, "has a value that it cannot have; it was left out");
            }
        }
        Ok(())
    }

    /// Translates the schemas in the value of a canonical keyword.
    fn below(&mut self, keyword: &str, value: &Value, here: &str) -> Result<Value, TooLarge> {
        match (keywords::holds(keyword), value) {
            (Holds::Schema, schema) => self.schema(schema, here),
            (Holds::List, Value::Array(schemas)) => {
                let numbered = schemas.iter().enumerate();
                numbered.map(|(number, schema)| self.schema(schema, &format!("{here}/{number}"))).collect()
            }
            (Holds::Map, Value::Object(schemas)) => {
                let mut map = Map::with_capacity(schemas.len());
                for (name, schema) in schemas {
                    let there = format!("{here}/{}", index::escape(name));
                    map.insert(name.clone(), self.schema(schema, &there)?);
                }
                Ok(Value::Object(map))
            }
            _ => {
                self.add(keywords::weight(value))?;
                Ok(value.clone())
            }
        }
    }

    fn add(&mut self, weight: usize) -> Result<(), TooLarge> {
        self.weight += weight;
        if self.weight > HEAVIEST { Err(TooLarge) } else { Ok(()) }
    }

    fn dependencies(
        &mut self,
        map: &Map<String, Value>,
        here: &str,
    ) -> Result<Vec<(&'static str, Value)>, TooLarge> {
        let (mut required, mut schemas) = (Map::new(), Map::new());
        for (name, dependency) in map {
            match dependency {
                Value::Array(_) => drop(required.insert(name.clone(), dependency.clone())),
                Value::String(one) => drop(required.insert(name.clone(), json!([one]))),
                schema => {
                    let there = format!("{here}/{}", index::escape(name));
                    schemas.insert(name.clone(), self.schema(schema, &there)?);
                }
            }
        }
        let both = [("dependentRequired", required), ("dependentSchemas", schemas)];
        Ok(both
            .into_iter()
            .filter(|(_, map)| !map.is_empty())
            .map(|(key, map)| (key, Value::Object(map)))
            .collect())
    }

    /// Translates a reference into a `$ref` to a part.
    ///
    /// A reference to nothing, or out of the schema, is dropped, so that it allows everything.
    fn reference(
        &mut self,
        keyword: &str,
        target: &str,
        place: &str,
        translated: &mut Map<String, Value>,
    ) -> Result<(), TooLarge> {
        let found = match keyword {
            "$dynamicRef" => self.index.resolve_dynamic(target, place),
            "$recursiveRef" => self.index.resolve_recursive(place),
            _ => self.index.resolve(target, place),
        };
        let Some(there) = found else {
            self.note(place, &format!("refers to {target}, which is not in the schema; it was left open"));
            return Ok(());
        };
        let reference = json!(self.name(there));
        if translated.contains_key("$ref") {
            // `$ref` and `$dynamicRef` side by side must both apply.
            let all = translated.entry("allOf").or_insert_with(|| json!([]));
            if let Some(all) = all.as_array_mut() {
                all.push(json!({ "$ref": reference }));
            }
        } else {
            translated.insert("$ref".to_owned(), reference);
        }
        Ok(())
    }

    /// Returns the canonical reference to a place.
    fn name(&mut self, place: String) -> String {
        if place.is_empty() {
            return "#".to_owned();
        }
        if let Some(name) = self.names.get(&place) {
            return format!("#/$defs/{name}");
        }
        let words = place.split('/').filter(|word| !["", "$defs", "definitions"].contains(word));
        let wished = words.map(plain).collect::<Vec<_>>().join("_");
        let mut name = wished.clone();
        let mut copy = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{wished}_{copy}");
            copy += 1;
        }
        self.names.insert(place.clone(), name.clone());
        self.waiting.push_back((name.clone(), place));
        format!("#/$defs/{name}")
    }

    fn note(&mut self, place: &str, what: &str) {
        const MOST_NOTES: usize = 10;
        if self.notes.len() < MOST_NOTES {
            self.notes.push(format!("#{place} {what}"));
        }
    }
}

fn is_well_formed(keyword: &str, value: &Value) -> bool {
    match keywords::holds(keyword) {
        Holds::Schema => true,
        Holds::List => value.is_array(),
        Holds::Map => value.is_object(),
        Holds::Data => keywords::is_well_formed(keyword, value),
    }
}

/// Translates OpenAPI 3.0's `nullable`, which many servers use (OpenAPI 3.0.4 section 4.7.24).
fn allow_null(schema: &mut Map<String, Value>) {
    let nothing = json!("null");
    match schema.get_mut("type") {
        Some(Value::Array(types)) if !types.contains(&nothing) => types.push(nothing),
        Some(one @ Value::String(_)) if *one != nothing => *one = json!([one.take(), nothing]),
        _ => {}
    }
    if let Some(Value::Array(options)) = schema.get_mut("enum")
        && !options.contains(&Value::Null)
    {
        options.push(Value::Null);
    }
}

/// Replaces characters that component names must not have: `[A-Za-z0-9._-]` (OpenAPI 3.1.1 section 4.8.7).
pub(super) fn plain(word: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    word.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}
