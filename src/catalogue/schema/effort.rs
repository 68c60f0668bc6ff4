//! Estimates the cost of a schema's validator before one is compiled.

use serde_json::Value;

use super::{form::Schema, graph::Graph};

/// The most paths through references and what is looked at again, since a compiled validator has a part for each path.
///
/// Beyond this number, compiling would take seconds.
const MOST_PATHS: usize = 5_000;
/// The deepest schema: validators are compiled and run recursively, so a deeper one could overflow the stack.
const DEEPEST: usize = 200;
/// The deepest recursive schema, whose depth counts again for each level of the value.
const DEEPEST_RECURSIVE: usize = 50;

/// The cost of validating a value against a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// How many values the schema has.
    pub values: usize,
    /// The most of them, by any path of references, that a validator may look at for one value.
    pub weight: usize,
    /// Whether the weight says too little, so that the steps have to be counted for each value. A schema may refer to
    /// itself, so that a deep value exhausts stack or time; look at a value again to see what was evaluated; or match
    /// names with patterns.
    pub counted: bool,
}

impl Schema {
    /// Returns the cost of a validator for this schema.
    ///
    /// # Errors
    ///
    /// The reason why the schema must not be compiled.
    pub fn effort(&self) -> Result<Effort, &'static str> {
        let graph = Graph::new(self);
        let (depth, paths) = (graph.depth(), graph.paths());
        if paths > MOST_PATHS {
            Err("it branches too often")
        } else if depth > DEEPEST || (graph.recursive && depth > DEEPEST_RECURSIVE) {
            Err("it is nested too deeply")
        } else if graph.has_empty_cycle() {
            Err("it refers to itself without end")
        } else {
            let values = size(&self.root) + self.parts.values().map(size).sum::<usize>();
            let mut counted = graph.recursive;
            self.for_each_object(&mut |object| {
                const COSTLY: [&str; 3] = ["unevaluatedProperties", "unevaluatedItems", "patternProperties"];
                counted |= COSTLY.iter().any(|keyword| object.contains_key(*keyword));
            });
            Ok(Effort { values, weight: values.saturating_mul(paths), counted })
        }
    }
}

/// Returns the number of values in `value`, itself included.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(size).sum::<usize>() + 1,
        Value::Object(members) => members.values().map(size).sum::<usize>() + 1,
        _ => 1,
    }
}
