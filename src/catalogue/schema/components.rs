//! Canonical schemas as `components/schemas` of a document.
//!
//! OpenAPI tools follow references into components, but Open WebUI follows them only below `properties`, `items`,
//! `allOf`, `anyOf` and `oneOf`. Elsewhere, a reference is replaced by its target unless the target is recursive.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

use super::{form::Schema, graph::Graph, keywords, translate::plain};

/// The most copies of targets that one schema may get, and how much they may weigh in one schema and in all.
const MOST_COPIES: usize = 500;
const HEAVIEST_COPIES: usize = 20_000;
const HEAVIEST_OF_ALL: usize = 100_000;
/// The deepest nesting of copies.
const DEEPEST_COPY: usize = 8;
/// The keywords below which clients follow references.
const FOLLOWED: [&str; 5] = ["properties", "items", "allOf", "anyOf", "oneOf"];

/// The `components/schemas` of one document.
#[derive(Debug, Default)]
pub struct Components {
    /// As text: there may be thousands.
    schemas: IndexMap<String, Box<RawValue>>,
    /// The titles in use, because code generators name types by title and each must be unique.
    titles: HashSet<String>,
    /// How much the copies of targets weigh.
    copied: usize,
}

impl Components {
    /// Adds a schema and its parts under `name`, or a similar name if that is taken, and returns a reference to it.
    pub fn add(&mut self, name: &str, schema: &Schema) -> Value {
        let name = self.reserve(&plain(name));
        let mut placing = Placing {
            schema,
            ends: Box::new(Graph::new(schema).ends()),
            names: HashMap::from([(String::from("#"), name.clone())]),
            waiting: vec!["#".to_owned()],
            copies: 0,
            copied: 0,
            nested: 0,
            components: self,
        };
        placing.place_all(&name);
        json!({ "$ref": pointer_to(&name) })
    }

    /// Adds a schema without references.
    pub fn add_plain(&mut self, name: &str, schema: Value) {
        self.insert(name, schema);
    }

    fn insert(&mut self, name: &str, mut schema: Value) {
        if let Some(title) = schema.get("title").and_then(Value::as_str).map(str::to_owned)
            && !self.titles.insert(title.clone())
        {
            schema["x-mcp-title"] = title.into();
            schema["title"] = name.into();
        }
        self.schemas.insert(name.to_owned(), to_raw_value(&schema).unwrap_or_default());
    }

    /// Returns all schemas, sorted by name.
    pub fn into_schemas(mut self) -> IndexMap<String, Box<RawValue>> {
        self.schemas.sort_unstable_keys();
        self.schemas
    }

    fn reserve(&mut self, wished: &str) -> String {
        let mut name = wished.to_owned();
        let mut copy = 2;
        while self.schemas.contains_key(&name) {
            name = format!("{wished}_{copy}");
            copy += 1;
        }
        self.schemas.insert(name.clone(), Box::default());
        name
    }
}

struct Placing<'a> {
    schema: &'a Schema,
    /// Whether a reference's target is free of recursion.
    ends: Box<dyn Fn(&str) -> bool + 'a>,
    /// The component's name for each reference used so far.
    names: HashMap<String, String>,
    waiting: Vec<String>,
    copies: usize,
    /// How much they weigh.
    copied: usize,
    /// How many copies enclose the schema being written.
    nested: usize,
    components: &'a mut Components,
}

impl Placing<'_> {
    fn place_all(&mut self, base: &str) {
        while let Some(reference) = self.waiting.pop() {
            let Some(part) = self.schema.resolve(&reference) else {
                continue;
            };
            let part = self.write(part, true, base);
            let name = &self.names[&reference];
            self.components.insert(name, part);
        }
    }

    fn write(&mut self, schema: &Value, followed: bool, base: &str) -> Value {
        let Some(object) = schema.as_object() else {
            return schema.clone();
        };
        let mut written = keywords::map_below(object, &mut |keyword, schema| {
            self.write(schema, followed && FOLLOWED.contains(&keyword), base)
        });
        if let Some(Value::String(reference)) = object.get("$ref") {
            written.remove("$ref");
            match self.copy(reference, followed, base) {
                Some(copy) if written.is_empty() => return copy,
                Some(copy) => {
                    let all = written.entry("allOf").or_insert_with(|| json!([]));
                    if let Some(all) = all.as_array_mut() {
                        all.insert(0, copy);
                    }
                }
                None => {
                    let target = pointer_to(&self.component(reference, base));
                    // Readers look for it first.
                    written.shift_insert(0, "$ref".to_owned(), json!(target));
                }
            }
        }
        Value::Object(written)
    }

    /// Returns a copy of a reference's target; `None` if the reference may stay.
    fn copy(&mut self, reference: &str, followed: bool, base: &str) -> Option<Value> {
        let spent = self.copies >= MOST_COPIES || self.nested >= DEEPEST_COPY;
        if followed || spent || !(self.ends)(reference) {
            return None;
        }
        let part = self.schema.resolve(reference)?;
        let weight = keywords::weight(part);
        self.copies += 1;
        self.copied += weight;
        self.components.copied += weight;
        if self.copied > HEAVIEST_COPIES || self.components.copied > HEAVIEST_OF_ALL {
            return None;
        }
        self.nested += 1;
        let copy = self.write(part, false, base);
        self.nested -= 1;
        Some(copy)
    }

    fn component(&mut self, reference: &str, base: &str) -> String {
        if let Some(name) = self.names.get(reference) {
            return name.clone();
        }
        let part = reference.rsplit('/').next().unwrap_or_default();
        let name = self.components.reserve(&format!("{base}_{part}"));
        self.names.insert(reference.to_owned(), name.clone());
        self.waiting.push(reference.to_owned());
        name
    }
}

fn pointer_to(name: &str) -> String {
    format!("#/components/schemas/{name}")
}
