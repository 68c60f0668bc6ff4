//! Schemas of the one form as `components/schemas` of a document.
//!
//! OpenAPI tools follow references into components, and Open WebUI follows them only below `properties`,
//! `items`, `allOf`, `anyOf` and `oneOf`. Elsewhere a reference is replaced by what it leads to, wherever that
//! comes to an end.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::{form::Schema, graph::Graph, keywords, translate::plain};

/// The most schemas that replacing references may add to one schema.
const MOST_COPIES: usize = 500;
/// How many copies may stand one in another.
const DEEPEST_COPY: usize = 8;
/// Where clients follow references.
const FOLLOWED: [&str; 5] = ["properties", "items", "allOf", "anyOf", "oneOf"];

/// The `components/schemas` of one document.
#[derive(Debug, Default)]
pub struct Components {
    schemas: Map<String, Value>,
    /// Code generators name a type by its title, so that a title must not stand twice.
    titles: HashSet<String>,
}

impl Components {
    /// Adds a schema and its parts under `name`, or one like it. Returns a reference to it.
    pub fn add(&mut self, name: &str, schema: &Schema) -> Value {
        let name = self.reserve(&plain(name));
        let mut placing = Placing {
            schema,
            ends: Box::new(Graph::new(schema).ends()),
            names: HashMap::from([(String::from("#"), name.clone())]),
            waiting: vec!["#".to_owned()],
            copies: 0,
            nested: 0,
            components: self,
        };
        placing.place_all(&name);
        json!({ "$ref": pointer_to(&name) })
    }

    /// Adds a schema that refers to nothing.
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
        self.schemas.insert(name.to_owned(), schema);
    }

    /// All of them, by name.
    pub fn into_schemas(mut self) -> Value {
        self.schemas.sort_keys();
        Value::Object(self.schemas)
    }

    fn reserve(&mut self, wished: &str) -> String {
        let mut name = wished.to_owned();
        let mut copy = 2;
        while self.schemas.contains_key(&name) {
            name = format!("{wished}_{copy}");
            copy += 1;
        }
        self.schemas.insert(name.clone(), Value::Null);
        name
    }
}

struct Placing<'a> {
    schema: &'a Schema,
    /// Whether following a reference comes to an end.
    ends: Box<dyn Fn(&str) -> bool + 'a>,
    /// The component of each reference used so far.
    names: HashMap<String, String>,
    waiting: Vec<String>,
    copies: usize,
    /// How many copies the one being written stands in.
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
                    // First, where readers look for it.
                    written.shift_insert(0, "$ref".to_owned(), json!(target));
                }
            }
        }
        Value::Object(written)
    }

    /// What a reference leads to, where it stands in a place that clients do not follow.
    fn copy(&mut self, reference: &str, followed: bool, base: &str) -> Option<Value> {
        let spent = self.copies >= MOST_COPIES || self.nested >= DEEPEST_COPY;
        if followed || spent || !(self.ends)(reference) {
            return None;
        }
        let part = self.schema.resolve(reference)?;
        self.copies += 1;
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
