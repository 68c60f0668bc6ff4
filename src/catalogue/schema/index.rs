//! An index of a schema's ids and anchors, to resolve references.
//!
//! References resolve only within the schema; nothing is ever fetched.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::Url;

use super::{
    draft::Draft,
    keywords::{self, Holds},
};

/// The identified places of a schema, as JSON pointers.
pub(super) struct Index<'a> {
    root: &'a Value,
    draft: Draft,
    /// The place of each embedded resource, by URI.
    resources: HashMap<Url, String>,
    /// The URI of each resource, by place.
    bases: HashMap<String, Url>,
    anchors: HashMap<(Url, String), String>,
    /// The dynamic anchors: place, name, and place of the resource.
    dynamic: Vec<(String, String, String)>,
}

impl<'a> Index<'a> {
    pub(super) fn new(root: &'a Value, draft: Draft) -> Option<Self> {
        // The base URI for schemas without one.
        let base = Url::parse("schema://upstream/").ok()?;
        let mut index = Self {
            root,
            draft,
            resources: HashMap::new(),
            bases: HashMap::new(),
            anchors: HashMap::new(),
            dynamic: Vec::new(),
        };
        index.add_resource(base.clone(), "");
        index.walk(root, "", base);
        Some(index)
    }

    /// Returns the value at a place.
    pub(super) fn at(&self, pointer: &str) -> Option<&'a Value> {
        self.root.pointer(pointer)
    }

    /// Resolves a `reference` that stands at `from` to a place; `None` if it leads out of the schema.
    pub(super) fn resolve(&self, reference: &str, from: &str) -> Option<String> {
        let (uri, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let base = self.base(from);
        let resource = if uri.is_empty() { base.clone() } else { base.join(uri).ok()? };
        let fragment = percent_decode_str(fragment).decode_utf8().ok()?;
        if !fragment.is_empty() && !fragment.starts_with('/') {
            return self.anchors.get(&(resource, fragment.into_owned())).cloned();
        }
        let pointer = format!("{}{fragment}", self.resources.get(&resource)?);
        self.at(&pointer).is_some().then_some(pointer)
    }

    /// Resolves a `$dynamicRef` to a place.
    ///
    /// Its target depends on the path of the evaluation. Of the resources around the reference, the outermost one with
    /// the anchor is taken, because an evaluation from the root meets it first.
    pub(super) fn resolve_dynamic(&self, reference: &str, from: &str) -> Option<String> {
        let target = self.resolve(reference, from)?;
        let named = reference.split_once('#').map(|(_, fragment)| fragment);
        let anchor = self
            .at(&target)?
            .get("$dynamicAnchor")
            .and_then(Value::as_str)
            .filter(|name| Some(*name) == named);
        let around = |(_, resource): &(&String, &String)| from.starts_with(resource.as_str());
        let same = self.dynamic.iter().filter(|(_, name, _)| Some(name.as_str()) == anchor);
        let outermost = same
            .map(|(place, _, resource)| (place, resource))
            .filter(around)
            .min_by_key(|(_, resource)| resource.len());
        Some(outermost.map_or(target, |(place, _)| place.clone()))
    }

    /// Resolves `$recursiveRef: "#"` (2019-09) to the root if it and the enclosing resource have `$recursiveAnchor`,
    /// else to the enclosing resource.
    pub(super) fn resolve_recursive(&self, from: &str) -> Option<String> {
        let own = self.resolve("#", from)?;
        let marked =
            |place: &str| self.at(place)?.get("$recursiveAnchor").filter(|mark| **mark == Value::Bool(true));
        if marked(&own).is_some() && marked("").is_some() { Some(String::new()) } else { Some(own) }
    }

    /// Returns the URI of the resource that contains a place.
    fn base(&self, mut place: &str) -> &Url {
        loop {
            match (self.bases.get(place), place.rfind('/')) {
                (Some(base), _) => return base,
                (None, Some(slash)) => place = &place[..slash],
                (None, None) => return &self.bases[""],
            }
        }
    }

    fn add_resource(&mut self, uri: Url, place: &str) {
        self.bases.insert(place.to_owned(), uri.clone());
        self.resources.entry(uri).or_insert_with(|| place.to_owned());
    }

    fn walk(&mut self, schema: &Value, place: &str, mut base: Url) {
        let Some(object) = schema.as_object() else {
            return;
        };
        let text = |keyword: &str| object.get(keyword).and_then(Value::as_str);
        let overridden = self.draft.reference_stands_alone() && object.contains_key("$ref");
        if let Some(id) = text(self.draft.id()).filter(|_| !overridden) {
            match id.strip_prefix('#') {
                Some(anchor) => {
                    drop(self.anchors.insert((base.clone(), anchor.to_owned()), place.to_owned()));
                }
                None => {
                    if let Ok(mut uri) = base.join(id) {
                        uri.set_fragment(None);
                        self.add_resource(uri.clone(), place);
                        base = uri;
                    }
                }
            }
        }
        for keyword in ["$anchor", "$dynamicAnchor"] {
            if let Some(anchor) = text(keyword).filter(|_| self.draft >= Draft::Nineteen) {
                self.anchors.insert((base.clone(), anchor.to_owned()), place.to_owned());
                if keyword == "$dynamicAnchor" {
                    let resource = self.resources.get(&base).cloned().unwrap_or_default();
                    self.dynamic.push((place.to_owned(), anchor.to_owned(), resource));
                }
            }
        }
        for (keyword, value) in object {
            let place = format!("{place}/{}", escape(keyword));
            // These keywords hold schemas in some drafts, but not in the canonical form.
            let holds = match keyword.as_str() {
                "$defs" | "definitions" | "dependencies" => Holds::Map,
                "additionalItems" => Holds::Schema,
                keyword => keywords::holds(keyword),
            };
            match (holds, value) {
                (Holds::Map, Value::Object(schemas)) => {
                    for (name, schema) in schemas {
                        self.walk(schema, &format!("{place}/{}", escape(name)), base.clone());
                    }
                }
                (Holds::List | Holds::Schema, Value::Array(schemas)) => {
                    for (number, schema) in schemas.iter().enumerate() {
                        self.walk(schema, &format!("{place}/{number}"), base.clone());
                    }
                }
                (Holds::Schema, schema) => self.walk(schema, &place, base.clone()),
                _ => {}
            }
        }
    }
}

/// Escapes one step of a JSON pointer (RFC 6901 section 3).
pub(super) fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}
