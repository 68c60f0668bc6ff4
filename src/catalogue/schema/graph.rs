//! The graph of references between a schema's parts.
//!
//! It is walked without recursion, because upstream schemas may chain any number of references.

use std::collections::HashMap;

use serde_json::Value;

use super::{form::Schema, keywords};

/// The root is node 0; part `n` is node `n + 1`.
pub(super) struct Graph<'a> {
    names: HashMap<&'a str, usize>,
    nodes: Vec<Node>,
    /// The nodes in topological order, targets first, cycles aside.
    order: Vec<usize>,
    /// Whether the graph has a cycle.
    pub(super) recursive: bool,
}

struct Node {
    references: Vec<Reference>,
    /// The depth of its nested schemas.
    depth: usize,
    /// How often its nested schemas are looked at beyond the first time.
    again: usize,
}

struct Reference {
    target: usize,
    depth: usize,
    /// How often it is followed for one value.
    times: usize,
    /// Whether it applies to the same value as the schema that contains it.
    in_place: bool,
}

impl<'a> Graph<'a> {
    pub(super) fn new(schema: &'a Schema) -> Self {
        let mut names: HashMap<&str, usize> =
            schema.parts.keys().enumerate().map(|(number, name)| (name.as_str(), number + 1)).collect();
        names.insert("#", 0);
        let schemas = std::iter::once(&schema.root).chain(schema.parts.values());
        let nodes = schemas.map(|schema| Node::new(schema, &names)).collect();
        let mut graph = Self { names, nodes, order: Vec::new(), recursive: false };
        graph.sort();
        graph
    }

    /// The longest path through nested schemas and references, not counting cycles.
    pub(super) fn depth(&self) -> usize {
        self.fold(|node| node.depth, |longest, reference, below| longest.max(reference.depth + below))
    }

    /// The number of paths through references, not counting cycles. What `unevaluatedProperties` or `unevaluatedItems`
    /// looks at again counts again.
    pub(super) fn paths(&self) -> usize {
        self.fold(
            |node| node.again.saturating_add(1),
            |paths, reference, below| paths.saturating_add(below.saturating_mul(reference.times)),
        )
    }

    /// Whether a cycle of references applies to one and the same value, so that validation would never end.
    pub(super) fn has_empty_cycle(&self) -> bool {
        self.ending(|reference| reference.in_place).iter().any(|ends| !ends)
    }

    /// Returns a predicate that holds for references from which no cycle can be reached.
    pub(super) fn ends(&self) -> impl Fn(&str) -> bool + use<'a> {
        let ending = self.ending(|_| true);
        let names = self.names.clone();
        move |reference| {
            let name = reference.strip_prefix("#/$defs/").unwrap_or(reference);
            names.get(name).is_some_and(|node| ending[*node])
        }
    }

    /// Computes a number for each node from those of its targets, and returns the root's.
    fn fold(&self, own: impl Fn(&Node) -> usize, join: impl Fn(usize, &Reference, usize) -> usize) -> usize {
        let mut known = vec![0; self.nodes.len()];
        for &number in &self.order {
            let node = &self.nodes[number];
            // A target that is not known yet closes a cycle and counts as 0.
            known[number] = node
                .references
                .iter()
                .fold(own(node), |value, reference| join(value, reference, known[reference.target]));
        }
        known[0]
    }

    /// Returns for each node whether no cycle can be reached from it by the references that `counts` accepts.
    fn ending(&self, counts: impl Fn(&Reference) -> bool) -> Vec<bool> {
        let mut waiting: Vec<usize> =
            self.nodes.iter().map(|node| node.references.iter().filter(|r| counts(r)).count()).collect();
        let mut referrers: Vec<Vec<usize>> = vec![vec![]; self.nodes.len()];
        for (number, node) in self.nodes.iter().enumerate() {
            for reference in node.references.iter().filter(|reference| counts(reference)) {
                referrers[reference.target].push(number);
            }
        }
        let mut done: Vec<usize> = (0..self.nodes.len()).filter(|node| waiting[*node] == 0).collect();
        let mut ends = vec![false; self.nodes.len()];
        while let Some(node) = done.pop() {
            ends[node] = true;
            for &referrer in &referrers[node] {
                waiting[referrer] -= 1;
                if waiting[referrer] == 0 {
                    done.push(referrer);
                }
            }
        }
        ends
    }

    /// Sorts depth first from the root, with an explicit stack instead of recursion.
    fn sort(&mut self) {
        #[derive(Clone, Copy, PartialEq)]
        enum Visit {
            Unseen,
            Open,
            Done,
        }
        let mut states = vec![Visit::Unseen; self.nodes.len()];
        let mut stack = vec![(0, 0)];
        states[0] = Visit::Open;
        while let Some((node, next)) = stack.pop() {
            let Some(reference) = self.nodes[node].references.get(next) else {
                states[node] = Visit::Done;
                self.order.push(node);
                continue;
            };
            stack.push((node, next + 1));
            match states[reference.target] {
                Visit::Open => self.recursive = true,
                Visit::Done => {}
                Visit::Unseen => {
                    states[reference.target] = Visit::Open;
                    stack.push((reference.target, 0));
                }
            }
        }
    }
}

impl Node {
    fn new(schema: &Value, names: &HashMap<&str, usize>) -> Self {
        let mut node = Self { references: Vec::new(), depth: 0, again: 0 };
        node.read(schema, 0, true, 1, names);
        node
    }

    /// Recursion is safe here, because the parser limits the nesting of JSON.
    fn read(
        &mut self,
        schema: &Value,
        depth: usize,
        in_place: bool,
        times: usize,
        names: &HashMap<&str, usize>,
    ) {
        const SAME_VALUE: [&str; 8] =
            ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"];
        self.depth = self.depth.max(depth + 1);
        self.again = self.again.saturating_add(times - 1);
        let Some(object) = schema.as_object() else {
            return;
        };
        let again = ["unevaluatedProperties", "unevaluatedItems"].iter().any(|key| object.contains_key(*key));
        let times = if again { times.saturating_mul(2) } else { times };
        if let Some(Value::String(reference)) = object.get("$ref") {
            let name = reference.strip_prefix("#/$defs/").unwrap_or(reference);
            let depth = depth + 1;
            self.references.extend(names.get(name).map(|target| Reference {
                target: *target,
                depth,
                times,
                in_place,
            }));
        }
        keywords::for_each_below(object, &mut |keyword, schema| {
            let same = SAME_VALUE.contains(&keyword);
            self.read(schema, depth + 1, in_place && same, if same { times } else { 1 }, names);
        });
    }
}
