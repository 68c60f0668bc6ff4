//! A schema in the canonical form: a root, and named parts that references point to.

use std::{collections::HashSet, sync::LazyLock};

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::keywords;

/// A schema in the canonical form.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The root schema.
    pub(super) root: Value,
    /// The targets of references, by name.
    pub(super) parts: IndexMap<String, Value>,
}

impl Schema {
    /// A schema that allows any object.
    pub fn any_object() -> Self {
        Self { root: json!({ "type": "object" }), parts: IndexMap::new() }
    }

    /// Returns the subschema at a JSON pointer into the root, with everything that it refers to.
    ///
    /// Returns a schema that allows everything if there is none.
    pub fn part(&self, pointer: &str) -> Self {
        let Self { root, parts } = self.with_root_as_part();
        Self { root: root.pointer(pointer).cloned().unwrap_or_else(|| json!({})), parts }
    }

    /// Returns the same schema without references to `#`, so that the root can be changed on its own.
    pub(super) fn with_root_as_part(&self) -> Self {
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

    /// Calls `visit` with every schema that is an object, at any depth.
    pub fn for_each_object<'a>(&'a self, visit: &mut dyn FnMut(&'a Map<String, Value>)) {
        for schema in std::iter::once(&self.root).chain(self.parts.values()) {
            keywords::for_each_object(schema, visit);
        }
    }

    /// The root schema, whose references are `#` or `#/$defs/{name}`.
    pub fn root(&self) -> &Map<String, Value> {
        // A root that is not an object counts as `true`, which allows the same as an empty schema.
        static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        self.root.as_object().unwrap_or(&EMPTY)
    }

    /// Whether its type allows an object.
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

    /// Returns the target of a reference; `None` if it does not exist.
    pub fn resolve(&self, reference: &str) -> Option<&Value> {
        match reference.strip_prefix('#')? {
            "" => Some(&self.root),
            pointer => self.parts.get(pointer.strip_prefix("/$defs/")?),
        }
    }

    /// Returns the root and its parts as one self-contained document.
    pub fn to_value(&self) -> Value {
        let mut whole = self.root.clone();
        if let Some(object) = whole.as_object_mut().filter(|_| !self.parts.is_empty()) {
            let parts = self.parts.iter().map(|(name, part)| (name.clone(), part.clone())).collect();
            object.insert("$defs".into(), Value::Object(parts));
        }
        whole
    }
}
