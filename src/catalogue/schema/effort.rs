//! What a validator of a schema would take, judged before one is compiled.

use super::{form::Schema, graph::Graph};

/// A compiled validator takes as many parts as there are paths through the references. Beyond this many it
/// would take seconds to build.
const MOST_PATHS: usize = 5_000;
/// A validator is built, and works, recursively: beyond this depth the stack could overflow.
const DEEPEST: usize = 200;
/// The same where the depth counts again for each level of the value.
const DEEPEST_RECURSIVE: usize = 50;

/// What checking a value against a schema takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A fixed amount for each part of the value.
    Bounded,
    /// The schema refers to itself: a deep value may take more stack and more time than there is.
    GrowsWithDepth,
}

impl Schema {
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
