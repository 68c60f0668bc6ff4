//! The catalogue of servers and their tools, named and compiled once for many calls.
//!
//! Pure: it is built from a server's tool list and configuration and never changes. If a server's tools change, its
//! catalogue is rebuilt.

mod arguments;
mod budget;
mod coercion;
mod naming;
mod pattern;
mod raw;
mod room;
mod schema;
mod violation;

pub use arguments::Arguments;
pub use naming::title_case;
pub use schema::{Components, Schema};
pub use violation::Violation;

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use tracing::warn;

use self::{room::SchemaRoom, schema::PackedSchema};
use crate::{
    bounds::Bound,
    config,
    upstream::{self, Listing, ServerInfo, Warnings},
};

/// The longest prefix of an unreachable name that is reported, in bytes.
const LONGEST_TOLD: usize = 100;

/// The catalogue of one connected server.
#[derive(Debug)]
pub struct ServerCatalogue {
    /// The name, version and instructions that the server reports.
    pub info: ServerInfo,
    /// The served tools by name, in the server's order.
    pub tools: IndexMap<String, Tool>,
    /// The names of tools that are not served because no URL can address them, truncated if long.
    pub unreachable: Vec<String>,
}

/// One tool, prepared for documentation and calls.
#[derive(Debug)]
pub struct Tool {
    /// The name by which the server knows it.
    pub name: String,
    /// The server's description of it.
    pub description: Option<String>,
    /// Unique within the server; matches `[A-Za-z0-9_-]{1,64}`.
    pub operation_id: String,
    /// Validates its arguments.
    pub arguments: Arc<Arguments>,
    /// The structured content that it declares; `None` if it declares none.
    pub output: Option<Output>,
    /// Whether calling it again has no further effect.
    pub repeatable: bool,
    /// Whether the server declares it read-only.
    pub read_only: bool,
    /// Further metadata for the document.
    pub remarks: Remarks,
}

/// Metadata of a tool that calls do not need; the document repeats it unchanged.
#[derive(Debug)]
pub struct Remarks {
    /// A display name.
    pub title: Option<String>,
    /// Hints about its behaviour: read-only, destructive, idempotent, open-world.
    pub annotations: Option<Value>,
    /// Icons.
    pub icons: Option<Value>,
}

/// The structured content that a tool declares.
#[derive(Debug)]
pub struct Output {
    schema: PackedSchema,
    /// Which part of the structured content is the response body.
    pub shape: Shape,
}

impl Output {
    /// The schema of the structured content.
    pub fn schema(&self) -> Schema {
        self.schema.unpack()
    }
}

/// Which part of a tool's structured content is the response body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// All of it.
    Whole,
    /// The property `result` of the object in which a Python server's SDK wrapped it.
    Wrapped,
    /// Like [`Self::Wrapped`], but `result` may be a string.
    ///
    /// A string that holds a JSON object or array is returned as that JSON.
    WrappedText,
}

impl ServerCatalogue {
    /// Builds the catalogue of one server.
    ///
    /// It compiles schemas, which takes too long for an HTTP worker.
    pub fn new(config: &config::Server, listing: &Listing, operation_ids: config::OperationIds) -> Self {
        warn_of_unknown_names(config, listing);
        let (warnings, room) = (Warnings::new(&config.name), SchemaRoom::new());
        let mut names = naming::Namer::new(operation_ids, &config.name);
        let allowed = listing.tools.iter().filter(|tool| config.tools.allows(&tool.name));
        let (served, left): (Vec<_>, Vec<_>) = allowed.partition(|tool| naming::is_reachable(&tool.name));
        let tools = served.into_iter().map(|tool| {
            let operation_id = names.assign(&tool.name);
            (tool.name.clone(), Tool::new(config, tool, operation_id, &room, &warnings))
        });
        let tools = tools.collect();
        let unreachable = left.into_iter().map(|tool| {
            let name = &tool.name[..tool.name.floor_char_boundary(LONGEST_TOLD)];
            warnings.warn(name, "left out a tool: no URL can lead to its name");
            name.to_owned()
        });
        Self { info: listing.info.clone(), tools, unreachable: unreachable.collect() }
    }
}

impl Tool {
    fn new(
        config: &config::Server,
        tool: &upstream::ToolDefinition,
        operation_id: String,
        room: &SchemaRoom,
        warnings: &Warnings<'_>,
    ) -> Self {
        let warn = |schema: &str, note: &str| {
            warnings.warn(&tool.name, format!("{schema} schema: {note}"));
        };
        let translate = |which: &str, schema: Result<Map<String, Value>, String>| {
            let translated = schema.and_then(|schema| {
                Schema::translate(&Value::Object(schema)).map_err(|error| error.to_string())
            });
            match translated {
                Ok((schema, notes)) => {
                    notes.iter().for_each(|note| warn(which, note));
                    schema
                }
                Err(reason) => {
                    Bound::Schema.hit();
                    warn(which, &format!("anything is allowed, because {reason}"));
                    Schema::any_object()
                }
            }
        };
        let mut input = translate("input", tool.input_schema.parse());
        if !input.admits_objects() {
            warn("input", "anything is allowed, because arguments are an object and it allows none");
            input = Schema::any_object();
        }
        let (arguments, notes) = Arguments::new(&config.name, &tool.name, input, config.validation, room);
        notes.iter().for_each(|note| warn("input", note));
        let arguments = Arc::new(arguments);
        let output = tool.output_schema.as_ref().map(|raw| {
            let schema = raw.parse();
            let shape = schema.as_ref().map_or(Shape::Whole, |schema| shape(&tool.name, schema));
            Output { schema: translate("output", schema).pack(), shape }
        });
        let remarks = Remarks {
            title: tool.title.clone(),
            annotations: tool.annotations.clone(),
            icons: tool.icons.clone(),
        };
        let (name, description) = (tool.name.clone(), tool.description.clone());
        let (repeatable, read_only) = (tool.repeatable(), tool.read_only());
        Self { name, description, operation_id, arguments, output, repeatable, read_only, remarks }
    }
}

/// Recognizes an output schema in which a Python server's SDK wrapped a result that is not an object.
///
/// FastMCP marks such a schema. The official SDK does not, but generates a recognizable form: `result` is the only
/// property, and the title is a function's name, usually the tool's, where a handwritten schema would have a class
/// name.
fn shape(tool: &str, schema: &Map<String, Value>) -> Shape {
    let marked = schema.get("x-fastmcp-wrap-result") == Some(&Value::Bool(true));
    let only_result = |key: &str| match schema.get(key) {
        Some(Value::Object(properties)) => properties.len() == 1 && properties.contains_key("result"),
        Some(Value::Array(names)) => names.len() == 1 && names[0] == "result",
        _ => false,
    };
    let title = schema.get("title").and_then(Value::as_str).and_then(|title| title.strip_suffix("Output"));
    let titled = title.is_some_and(|title| title == tool || !title.starts_with(char::is_uppercase));
    let wrapped = marked || (titled && only_result("properties") && only_result("required"));
    let result = || schema.get("properties")?.get("result");
    match wrapped {
        false => Shape::Whole,
        true if result().is_some_and(may_be_any_text) => Shape::WrappedText,
        true => Shape::Wrapped,
    }
}

/// Whether a schema allows any string, as the schemas of `str`, `str | None` and other unions with `str` do.
fn may_be_any_text(schema: &Value) -> bool {
    if let Some(Value::Array(choices)) = schema.get("anyOf") {
        return choices.iter().any(may_be_any_text);
    }
    let is_string = |kind: &Value| kind == "string";
    let text = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_string),
        kind => kind.is_some_and(is_string),
    };
    text && ["const", "enum", "format", "pattern"].iter().all(|limit| schema.get(limit).is_none())
}

fn warn_of_unknown_names(config: &config::Server, listing: &Listing) {
    let named = config.tools.enabled.iter().flatten().chain(&config.tools.disabled);
    for name in named {
        if !listing.tools.iter().any(|tool| tool.name == *name) {
            warn!(
                server = config.name,
                tool = name,
                "the configuration names a tool that the server does not have"
            );
        }
    }
}
