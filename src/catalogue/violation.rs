//! Validation errors of a call's arguments, in the shape of FastAPI's 422.

use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind as Kind},
    types::JsonType,
};
use serde::Serialize;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

use super::raw;

/// The largest arguments, in bytes, that violations quote, because each one quotes its input.
const LARGEST_ECHO: usize = 64 << 10;
/// The longest text of a schema, and the longest name of a property, that a violation quotes, in bytes.
const LONGEST_QUOTE: usize = 4 << 10;

/// One entry of a 422's `detail`.
#[derive(Debug, Serialize)]
pub struct Violation {
    /// The error type, from pydantic's vocabulary if it has one.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The location: `body`, then property names and indexes.
    pub loc: Vec<Value>,
    /// The message.
    pub msg: String,
    /// The input at that location, unchanged; `None` if the arguments are large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Box<RawValue>>,
    /// The limits that were violated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Value>,
}

impl Violation {
    /// The request has no body, but the tool requires arguments.
    pub fn missing_body() -> Self {
        Self::new("missing", vec![], "Field required".into(), RawValue::NULL.to_owned())
    }

    /// The body is JSON, but not an object.
    pub fn not_an_object(input: Box<RawValue>) -> Self {
        let msg = "Input should be a valid dictionary or object to extract fields from";
        Self::new("model_attributes_type", vec![], msg.into(), input)
    }

    /// The body counts as a string, because its content type is not JSON.
    pub fn not_declared_json(input: Box<RawValue>) -> Self {
        let mut violation = Self::not_an_object(input);
        violation.msg += "; this was read as text: send JSON, with the header Content-Type: application/json";
        violation
    }

    /// The body is not JSON; `position` counts characters.
    pub fn not_json(position: usize, reason: &str) -> Self {
        let ctx = Some(json!({ "error": reason }));
        let loc = vec![json!(position)];
        Self { ctx, ..Self::new("json_invalid", loc, "JSON decode error".into(), raw(&json!({}))) }
    }

    fn new(kind: &'static str, path: Vec<Value>, msg: String, input: Box<RawValue>) -> Self {
        let short = |step: Value| match step {
            Value::String(name) => clipped(name).into(),
            index => index,
        };
        let loc = std::iter::once(json!("body")).chain(path.into_iter().map(short)).collect();
        Self { kind, loc, msg, input: Some(input), ctx: None }
    }

    /// The arguments have too many violations, or are too large, to report each one.
    pub(super) fn untold() -> Self {
        let msg = "Input does not fit the tool's schema".into();
        Self { input: None, ..Self::new("value_error", vec![], msg, RawValue::NULL.to_owned()) }
    }

    /// Converts one error of the validator about `sent`, which may stand for several violations, of which `most` count.
    pub(super) fn read(error: &ValidationError<'_>, sent: &RawValue, most: usize) -> Vec<Self> {
        let here = path(error);
        let below = |name: &str| here.iter().cloned().chain([json!(name)]).collect::<Vec<_>>();
        // Each lookup parses the whole text, so large arguments are not quoted.
        let small = sent.get().len() <= LARGEST_ECHO;
        let text = |path: &[Value], value: &Value| match small.then(|| raw::at(sent, path)) {
            Some(found) => found.map_or_else(|| raw(value), ToOwned::to_owned),
            None => RawValue::NULL.to_owned(),
        };
        let found = error.instance().as_ref();
        let mut violations = match error.kind() {
            Kind::Required { property } => {
                let path = below(property.as_str().unwrap_or_default());
                vec![Self::new("missing", path, "Field required".into(), text(&here, found))]
            }
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                let stranger = |name: &String| {
                    let input = text(&below(name), found.get(name).unwrap_or(&Value::Null));
                    Self::new("extra_forbidden", below(name), "Extra inputs are not permitted".into(), input)
                };
                unexpected.iter().take(most).map(stranger).collect()
            }
            kind => {
                let (word, msg, ctx) = describe(kind, found, error);
                let input = text(&here, found);
                vec![Self { ctx, ..Self::new(word, here, msg, input) }]
            }
        };
        if !small {
            violations.iter_mut().for_each(|violation| violation.input = None);
        }
        violations
    }
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn path(error: &ValidationError<'_>) -> Vec<Value> {
    use jsonschema::paths::LocationSegment as Segment;
    let segment = |segment: Segment<'_>| match segment {
        Segment::Property(name) => json!(name),
        Segment::Index(index) => json!(index),
    };
    error.instance_path().iter().map(segment).collect()
}

/// Returns pydantic's error type, message and context for a violated constraint.
fn describe(
    kind: &Kind,
    found: &Value,
    error: &ValidationError<'_>,
) -> (&'static str, String, Option<Value>) {
    match kind {
        Kind::Type { kind: TypeKind::Single(wanted) } => {
            let (word, msg) = wrong_type(*wanted, found);
            (word, msg.into(), None)
        }
        Kind::Enum { options } => literal(options.as_array().map_or(&[], Vec::as_slice)),
        Kind::Constant { expected_value } => literal(std::slice::from_ref(expected_value)),
        Kind::Minimum { limit } => {
            let msg = format!("Input should be greater than or equal to {limit}");
            ("greater_than_equal", msg, Some(json!({ "ge": limit })))
        }
        Kind::Maximum { limit } => {
            let msg = format!("Input should be less than or equal to {limit}");
            ("less_than_equal", msg, Some(json!({ "le": limit })))
        }
        Kind::ExclusiveMinimum { limit } => {
            ("greater_than", format!("Input should be greater than {limit}"), Some(json!({ "gt": limit })))
        }
        Kind::ExclusiveMaximum { limit } => {
            ("less_than", format!("Input should be less than {limit}"), Some(json!({ "lt": limit })))
        }
        Kind::MultipleOf { multiple_of } => {
            let msg = format!("Input should be a multiple of {multiple_of}");
            ("multiple_of", msg, Some(json!({ "multiple_of": multiple_of })))
        }
        Kind::MinLength { limit } => {
            let msg = format!("String should have at least {limit} character{}", plural(*limit));
            ("string_too_short", msg, Some(json!({ "min_length": limit })))
        }
        Kind::MaxLength { limit } => {
            let msg = format!("String should have at most {limit} character{}", plural(*limit));
            ("string_too_long", msg, Some(json!({ "max_length": limit })))
        }
        Kind::Pattern { pattern } | Kind::Custom { message: pattern, .. } => {
            let pattern = clipped(pattern.clone());
            let msg = format!("String should match pattern '{pattern}'");
            ("string_pattern_mismatch", msg, Some(json!({ "pattern": pattern })))
        }
        Kind::MinItems { limit } => {
            let (actual, s) = (length(found), plural(*limit));
            let msg = format!("List should have at least {limit} item{s} after validation, not {actual}");
            let ctx = json!({ "field_type": "List", "min_length": limit, "actual_length": actual });
            ("too_short", msg, Some(ctx))
        }
        Kind::MaxItems { limit } => {
            let (actual, s) = (length(found), plural(*limit));
            let msg = format!("List should have at most {limit} item{s} after validation, not {actual}");
            let ctx = json!({ "field_type": "List", "max_length": limit, "actual_length": actual });
            ("too_long", msg, Some(ctx))
        }
        // Pydantic has no type for the rest. The validator's message is used, with the value masked.
        _ => ("value_error", clipped(error.masked().to_string()), None),
    }
}

fn wrong_type(wanted: JsonType, found: &Value) -> (&'static str, &'static str) {
    match (wanted, found) {
        (JsonType::String, _) => ("string_type", "Input should be a valid string"),
        (JsonType::Number, Value::String(_)) => {
            ("float_parsing", "Input should be a valid number, unable to parse string as a number")
        }
        (JsonType::Number, _) => ("float_type", "Input should be a valid number"),
        (JsonType::Integer, Value::String(_)) => {
            ("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
        }
        (JsonType::Integer, Value::Number(_)) => {
            ("int_from_float", "Input should be a valid integer, got a number with a fractional part")
        }
        (JsonType::Integer, _) => ("int_type", "Input should be a valid integer"),
        (JsonType::Boolean, Value::String(_)) => {
            ("bool_parsing", "Input should be a valid boolean, unable to interpret input")
        }
        (JsonType::Boolean, _) => ("bool_type", "Input should be a valid boolean"),
        (JsonType::Array, _) => ("list_type", "Input should be a valid list"),
        (JsonType::Object, _) => ("dict_type", "Input should be a valid dictionary"),
        (JsonType::Null, _) => ("none_required", "Input should be None"),
    }
}

fn literal(options: &[Value]) -> (&'static str, String, Option<Value>) {
    let quoted = |option: &Value| match option {
        Value::String(text) => format!("'{text}'"),
        other => other.to_string(),
    };
    let mut room = LONGEST_QUOTE;
    let mut words: Vec<String> = options
        .iter()
        .map(quoted)
        .map_while(|word| {
            room = room.checked_sub(word.len())?;
            Some(word)
        })
        .collect();
    if words.len() < options.len() {
        words.push(format!("one of {} others", options.len() - words.len()));
    }
    let expected = match words.pop() {
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} or {last}", words.join(", ")),
        None => "nothing".into(),
    };
    ("literal_error", format!("Input should be {expected}"), Some(json!({ "expected": expected })))
}

/// The text, or the beginning of a long one.
fn clipped(mut text: String) -> String {
    if text.len() > LONGEST_QUOTE {
        text.truncate(text.floor_char_boundary(LONGEST_QUOTE));
        text.push('…');
    }
    text
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn length(found: &Value) -> usize {
    found.as_array().map_or(0, Vec::len)
}
