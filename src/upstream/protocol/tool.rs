//! A tool as its server describes it, read member by member: what cannot be read costs itself alone.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::{
    raw_schema::{RawSchema, most_values},
    warnings::Warnings,
};
use crate::{
    bounds::Bound,
    secret::{MASK, redact_json},
};

/// The largest definition of a tool, in bytes.
const LARGEST: usize = 1 << 20;
/// The most values that annotations may have, or icons.
const MOST_REMARKS: usize = 1_000;

/// A tool as the server describes it (MCP 2025-11-25, Tools), its schemas untouched.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolDefinition {
    /// Its name, unique within its server.
    pub name: String,
    /// A name for people.
    pub title: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Hints about what it does.
    pub annotations: Option<Value>,
    /// Pictures.
    pub icons: Option<Value>,
    /// The schema of its arguments.
    pub input_schema: RawSchema,
    /// The schema of its structured result.
    pub output_schema: Option<RawSchema>,
}

impl ToolDefinition {
    /// Whether a second run does no more than the first: the tool is annotated read-only or idempotent (MCP
    /// 2025-11-25, ToolAnnotations).
    pub fn repeatable(&self) -> bool {
        self.read_only() || self.hints("idempotentHint")
    }

    /// Whether its server says that it changes nothing.
    pub fn read_only(&self) -> bool {
        self.hints("readOnlyHint")
    }

    fn hints(&self, name: &str) -> bool {
        self.annotations.as_ref().and_then(|hints| hints.get(name)?.as_bool()) == Some(true)
    }
}

impl ToolDefinition {
    /// Reads a tool of a list. Members that are not what they should be are left out, with one warning; a tool without a
    /// name, or one that is too large, is `None`. A server may write secrets into what it says of a tool; those are redacted, and
    /// a tool that has one in its name, which must stay as it is, is `None` too.
    pub(crate) fn read(raw: &RawValue, warnings: &Warnings<'_>) -> Option<Self> {
        let size = raw.get().len();
        if size > LARGEST {
            Bound::ToolList.hit();
            let what = format!("left out a tool: its definition has {size} bytes, and may have {LARGEST}");
            warnings.warn(raw.get(), what);
            return None;
        }
        let redacted = redact_json(raw);
        let raw = &*redacted;
        let mut members = match serde_json::from_str::<ToolMembers<'_>>(raw.get()) {
            Ok(members) => members,
            Err(error) => {
                warnings.warn(raw.get(), format!("left out a tool that cannot be read: {error}"));
                return None;
            }
        };
        let Some(name) = members.name.take().and_then(text) else {
            warnings.warn(raw.get(), "left out a tool without a name");
            return None;
        };
        if matches!(redacted, Cow::Owned(_)) && name.contains(MASK) {
            warnings.warn(&name, "left out a tool: its name holds a secret of the configuration");
            return None;
        }
        let mut odd = Vec::new();
        let mut check = |member: &'static str, raw: Option<&RawValue>, read: bool| {
            if !read && raw.is_some_and(|raw| raw.get() != "null") {
                odd.push(member);
            }
        };
        let [title, description] =
            [("title", members.title), ("description", members.description)].map(|(member, raw)| {
                let read = raw.and_then(text);
                check(member, raw, read.is_some());
                read
            });
        let annotations = members.annotations.and_then(remarks::<Map<String, Value>>);
        check("annotations", members.annotations, annotations.is_some());
        let icons = members.icons.and_then(remarks::<Vec<Value>>);
        check("icons", members.icons, icons.is_some());
        let output_schema = members.output_schema.and_then(RawSchema::new);
        check("outputSchema", members.output_schema, output_schema.is_some());
        let input_schema = members.input_schema.and_then(RawSchema::new);
        if input_schema.is_none() {
            // Anything is allowed in its place.
            odd.push("inputSchema");
        }
        if !odd.is_empty() {
            let what = "serves a tool without the parts of it that cannot be read: ";
            warnings.warn(&name, format!("{what}{}", odd.join(", ")));
        }
        Some(Self {
            name,
            title,
            description,
            annotations: annotations.map(Value::Object),
            icons: icons.map(Value::Array),
            input_schema: input_schema.unwrap_or_else(RawSchema::any_object),
            output_schema,
        })
    }
}

/// A tool's members, still to be read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolMembers<'a> {
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    title: Option<&'a RawValue>,
    #[serde(borrow, default)]
    description: Option<&'a RawValue>,
    #[serde(borrow, default)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow, default)]
    icons: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input_schema: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output_schema: Option<&'a RawValue>,
}

fn value<T: for<'de> Deserialize<'de>>(raw: &RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

/// Annotations or icons, unless there are absurdly many.
fn remarks<T: for<'de> Deserialize<'de>>(raw: &RawValue) -> Option<T> {
    (most_values(raw.get()) <= MOST_REMARKS).then(|| value(raw)).flatten()
}

/// Text; a number stands for its digits.
fn text(raw: &RawValue) -> Option<String> {
    match value(raw)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(tool: &Value) -> Option<ToolDefinition> {
        ToolDefinition::read(&serde_json::value::to_raw_value(tool).unwrap(), &Warnings::new("test"))
    }

    #[test]
    fn a_bad_member_costs_itself_alone() {
        let object = json!({ "type": "object" });
        for (member, bad) in [
            ("title", json!(["x"])),
            ("description", json!({ "en": "x" })),
            ("annotations", json!("readOnlyHint")),
            ("icons", json!({})),
            ("outputSchema", json!("object")),
            ("inputSchema", json!("object")),
            ("inputSchema", json!(null)),
            ("inputSchema", json!([])),
            ("annotations", json!(null)),
        ] {
            let mut tool = json!({ "name": "t", "title": "T", "description": "D", "inputSchema": object });
            tool[member] = bad;
            let read = read(&tool).unwrap();
            let schema = Value::Object(read.input_schema.parse().unwrap());
            assert_eq!((read.name.as_str(), &schema), ("t", &object), "{tool}");
            assert_eq!(read.description.is_none(), member == "description", "{tool}");
        }
    }

    #[test]
    fn a_tool_that_is_too_large_is_left_out() {
        assert!(read(&json!({ "name": "t", "description": "d".repeat(LARGEST / 2) })).is_some());
        assert!(read(&json!({ "name": "t", "description": "d".repeat(LARGEST) })).is_none());
        let hints = json!({ "readOnlyHint": true, "x": vec![0; MOST_REMARKS] });
        assert!(read(&json!({ "name": "t", "annotations": hints })).unwrap().annotations.is_none());
    }

    #[test]
    fn a_tool_needs_a_name() {
        assert_eq!(read(&json!({ "name": 7 })).unwrap().name, "7");
        for nameless in
            [json!(null), json!("t"), json!({}), json!({ "name": null }), json!({ "name": ["t"] })]
        {
            assert!(read(&nameless).is_none(), "{nameless}");
        }
    }
}
