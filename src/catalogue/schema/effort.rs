//! Estimates the cost of a schema's validator before one is compiled.

use super::{form::Schema, graph::Graph};

/// The most paths through references, since a compiled validator has a part for each path.
///
/// Beyond this number, compiling would take seconds.
const MOST_PATHS: usize = 5_000;
/// The deepest schema: validators are compiled and run recursively, so a deeper one could overflow the stack.
const DEEPEST: usize = 200;
/// The deepest recursive schema, whose depth counts again for each level of the value.
const DEEPEST_RECURSIVE: usize = 50;

/// The cost of validating a value against a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Bounded for each part of the value.
    Bounded,
    /// Grows with the depth of the value, because the schema refers to itself: a deep value may exhaust stack or time.
    GrowsWithDepth,
}

impl Schema {
    /// Returns the cost of a validator for this schema.
    ///
    /// # Errors
    ///
    /// The reason why the schema must not be compiled.
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
