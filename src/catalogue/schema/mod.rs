//! JSON Schema as upstreams send it, whatever its draft, brought into one form that keeps its meaning.
//!
//! The form is JSON Schema 2020-12, which is what OpenAPI 3.1 documents hold: every reference is `#` or
//! `#/$defs/{name}`, every keyword is one of 2020-12. The validator is compiled from it and the document is
//! written from it, so what the document says is what is enforced.
//!
//! Schemas are untrusted. Size and fan-out are bounded, nothing is fetched, and translating takes time linear in
//! the bound.

mod components;
mod draft;
mod exposed;
mod graph;
mod index;
mod keywords;
#[cfg(test)]
mod tests;
mod translate;

pub use components::Components;

use std::{collections::HashSet, sync::LazyLock};

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use self::graph::Graph;

/// A compiled validator takes as many parts as there are paths through the references. Beyond this many it
/// would take seconds to build.
const MOST_PATHS: usize = 5_000;
/// A validator is built, and works, recursively: beyond this depth the stack could overflow.
const DEEPEST: usize = 200;
/// The same where the depth counts again for each level of the value.
const DEEPEST_RECURSIVE: usize = 50;

/// A schema in the one form.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The schema itself.
    root: Value,
    /// What references lead to, by name.
    parts: IndexMap<String, Value>,
}

/// The schema is larger than can be served.
#[derive(Debug, thiserror::Error)]
#[error("it has more than {} parts", translate::MOST_NODES)]
pub struct TooLarge;

impl Schema {
    /// Translates a schema. The notes say what could not be kept.
    ///
    /// # Errors
    ///
    /// It is too large.
    pub fn translate(schema: &Value) -> Result<(Self, Vec<String>), TooLarge> {
        translate::translate(schema)
    }

    /// A schema that allows any object.
    pub fn any_object() -> Self {
        Self { root: json!({ "type": "object" }), parts: IndexMap::new() }
    }

    /// The part at a JSON pointer into the schema itself, with all that it refers to; anything where there is
    /// none.
    pub fn part(&self, pointer: &str) -> Self {
        let Self { root, parts } = self.with_root_as_part();
        Self { root: root.pointer(pointer).cloned().unwrap_or_else(|| json!({})), parts }
    }

    /// The same schema, in which nothing refers to `#`: the root may then change for its own sake.
    fn with_root_as_part(&self) -> Self {
        let mut referred = false;
        for schema in std::iter::once(&self.root).chain(self.parts.values()) {
            keywords::for_each_reference(schema, &mut |reference| referred |= reference == "#");
        }
        let mut schema = self.clone();
        if referred {
            let mut names =
                std::iter::once("whole".to_owned()).chain((2..).map(|copy| format!("whole_{copy}")));
            let name = names.find(|name| !self.parts.contains_key(name)).unwrap_or_default();
            schema.parts.insert(name.clone(), self.root.clone());
            let whole = format!("#/$defs/{name}");
            for schema in std::iter::once(&mut schema.root).chain(schema.parts.values_mut()) {
                *schema = keywords::map_references(schema, &mut |reference| {
                    if reference == "#" { whole.clone() } else { reference.to_owned() }
                });
            }
        }
        schema
    }

    /// The schema itself; references in it are `#` or `#/$defs/{name}`.
    pub fn root(&self) -> &Map<String, Value> {
        // A schema that is no object is `true`, which says as much as an empty one.
        static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        self.root.as_object().unwrap_or(&EMPTY)
    }

    /// Whether its type leaves room for an object.
    pub fn admits_objects(&self) -> bool {
        let (mut schema, mut seen) = (Some(&self.root), HashSet::new());
        while let Some(here) = schema {
            let admits = match here.get("type") {
                None => *here != Value::Bool(false),
                Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
                Some(kind) => kind == "object",
            };
            if !admits {
                return false;
            }
            let next = here.get("$ref").and_then(Value::as_str).filter(|reference| seen.insert(*reference));
            schema = next.and_then(|reference| self.resolve(reference));
        }
        true
    }

    /// What a reference leads to.
    pub fn resolve(&self, reference: &str) -> Option<&Value> {
        match reference.strip_prefix('#')? {
            "" => Some(&self.root),
            pointer => self.parts.get(pointer.strip_prefix("/$defs/")?),
        }
    }

    /// The whole as one self-contained document.
    pub fn to_value(&self) -> Value {
        let mut whole = self.root.clone();
        if let Some(object) = whole.as_object_mut().filter(|_| !self.parts.is_empty()) {
            let parts = self.parts.iter().map(|(name, part)| (name.clone(), part.clone())).collect();
            object.insert("$defs".into(), Value::Object(parts));
        }
        whole
    }

    /// How a validator for it would behave.
    ///
    /// # Errors
    ///
    /// Why there should be none.
    pub fn effort(&self) -> Result<Effort, &'static str> {
        let graph = Graph::new(self);
        let depth = graph.depth();
        if graph.paths() > MOST_PATHS {
            Err("its references branch too often")
        } else if depth > DEEPEST || (graph.recursive && depth > DEEPEST_RECURSIVE) {
            Err("it is nested too deeply")
        } else if graph.has_empty_cycle() {
            Err("it refers to itself without end")
        } else if graph.recursive {
            Ok(Effort::GrowsWithDepth)
        } else {
            Ok(Effort::Bounded)
        }
    }
}

/// What checking a value against a schema takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A fixed amount for each part of the value.
    Bounded,
    /// The schema refers to itself: a deep value may take more stack and more time than there is.
    GrowsWithDepth,
}
