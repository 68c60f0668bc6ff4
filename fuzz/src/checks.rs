//! What must hold for every schema and all arguments, however odd. Shared by the fuzz targets and by the test that
//! replays their seeds.

use std::{collections::HashMap, time::Duration};

use mcpo::{
    catalogue::{Components, Schema, ServerCatalogue},
    config::{self, Bounds, OperationIds, ResultStyle, Stdio, ToolFilter, Upstream, Validation},
    upstream::{Frame, Listing, RawSchema, ServerInfo, ToolDefinition},
};
use serde_json::{Map, Value, value::RawValue};

/// The longest that one input may take.
const LONGEST: Duration = Duration::from_secs(1);

/// What some readers end a line at, beside control characters.
const SEPARATORS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

const SCHEMA: [&str; 12] = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const LIST: [&str; 5] = ["allOf", "anyOf", "items", "oneOf", "prefixItems"];
const MAP: [&str; 4] = ["$defs", "dependentSchemas", "patternProperties", "properties"];

/// The input is a schema: every reference in what becomes of it leads to a component.
pub fn schema(input: &[u8]) {
    let Ok(schema) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    let mut components = Components::default();
    let Ok((schema, _)) = in_time("translating the schema", || Schema::translate(&schema)) else {
        return;
    };
    let exposed = in_time("exposing properties", || schema.with_properties_exposed());
    let added = in_time("writing the components", || components.add("tool", &exposed));
    let schemas = serde_json::to_value(components.into_schemas()).expect("JSON");
    assert_resolves(&added, &schemas);
    for schema in schemas.as_object().into_iter().flat_map(Map::values) {
        assert_resolves(schema, &schemas);
    }
}

/// The input is an object with a `schema` and `arguments`: they are checked as they are written, and what comes out of
/// that is sent as one line.
pub fn arguments(input: &[u8]) {
    let Ok(mut input) = serde_json::from_slice::<HashMap<String, &RawValue>>(input) else {
        return;
    };
    let (Some(schema), Some(arguments)) = (input.remove("schema"), input.remove("arguments")) else {
        return;
    };
    let Some(input_schema) = RawSchema::new(schema) else {
        return;
    };
    let listing = Listing {
        info: ServerInfo { name: "fuzzed".into(), version: String::new(), instructions: None },
        tools: vec![ToolDefinition {
            name: "tool".into(),
            title: None,
            description: None,
            annotations: None,
            icons: None,
            input_schema,
            output_schema: None,
        }],
    };
    for validation in [Validation::Strict, Validation::Lax, Validation::Off] {
        let config = config(validation);
        let server = in_time("compiling the schema", || {
            ServerCatalogue::new(&config, &listing, OperationIds::default())
        });
        let tool = &server.tools["tool"];
        if let Ok(checked) = in_time("checking the arguments", || tool.arguments.check(arguments)) {
            assert_one_line(&checked);
        }
    }
}

/// Its frame ends where its only line does, and is the same JSON but for white space and the escapes of separators.
fn assert_one_line(json: &RawValue) {
    let frame = Frame::new(&json).expect("JSON").into_line();
    let line =
        std::str::from_utf8(&frame).expect("UTF-8").strip_suffix('\n').expect("a line feed at its end");
    assert!(!line.contains(breaks_a_line), "{json} became {line:?}");
    let [before, after] = [json.get(), line].map(|text| serde_json::from_str::<Value>(text).ok());
    assert_eq!(before, after, "{json} became {line:?}");
    assert_eq!(tight(json.get()), tight(line), "{json} became {line:?}");
}

/// Whether some readers end a line at this character.
pub(crate) fn breaks_a_line(c: char) -> bool {
    c.is_ascii_control() && c != '\x7f' || SEPARATORS.contains(&c)
}

/// The text with separators escaped and without white space, even inside of strings.
fn tight(text: &str) -> String {
    let escaped = |c: char| match c {
        ' ' | '\t' | '\n' | '\r' => String::new(),
        c if SEPARATORS.contains(&c) => format!("\\u{:04x}", u32::from(c)),
        c => c.into(),
    };
    text.chars().map(escaped).collect()
}

fn config(validation: Validation) -> config::Server {
    let stdio = Stdio::new("fuzzed".into(), vec![]);
    config::Server {
        name: "fuzzed".into(),
        upstream: Upstream::Stdio(stdio),
        tools: ToolFilter::default(),
        validation,
        results: ResultStyle::default(),
        bounds: Bounds::default(),
        oauth: None,
        secrets: Default::default(),
        forwarding: None,
    }
}

/// The time counts that the processor spends on this thread: what else the machine does proves nothing.
pub(crate) fn in_time<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = processor_time();
    let done = work();
    let took = processor_time() - start;
    assert!(took < LONGEST, "{what} took {took:?}");
    done
}

/// proc(5): nanoseconds on the processor, waiting for it, and how often.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("a /proc");
    Duration::from_nanos(text.split(' ').next().and_then(|time| time.parse().ok()).expect("nanoseconds"))
}

/// Only where a `$ref` is a reference: constants and examples may hold anything.
fn assert_resolves(schema: &Value, schemas: &Value) {
    let Some(object) = schema.as_object() else {
        return;
    };
    for (keyword, value) in object {
        let keyword = keyword.as_str();
        match value {
            Value::String(target) if keyword == "$ref" => {
                let name = target.strip_prefix("#/components/schemas/");
                let found = name.and_then(|name| schemas.get(name));
                assert!(found.is_some(), "{target:?} leads nowhere in {schemas}");
            }
            Value::Object(_) if SCHEMA.contains(&keyword) => assert_resolves(value, schemas),
            Value::Array(below) if LIST.contains(&keyword) => {
                below.iter().for_each(|schema| assert_resolves(schema, schemas));
            }
            Value::Object(below) if MAP.contains(&keyword) => {
                below.values().for_each(|schema| assert_resolves(schema, schemas));
            }
            _ => {}
        }
    }
}
