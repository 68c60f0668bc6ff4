//! Checks a call's arguments against its tool's input schema, and mends what is plainly meant.

use std::borrow::Cow;

use jsonschema::Validator;
use serde_json::{Value, value::RawValue};
use tracing::warn;

use super::{coercion, violation::Violation};
use crate::{config::Validation, upstream};

/// How many violations of one call are reported.
const MOST_VIOLATIONS: usize = 100;

/// The arguments of one tool.
#[derive(Debug)]
pub struct Arguments {
    schema: Value,
    check: Check,
}

#[derive(Debug)]
enum Check {
    Off,
    Strict(Validator),
    Lax(Validator),
}

impl Arguments {
    pub(super) fn new(server: &str, tool: &upstream::Tool, validation: Validation) -> Self {
        let schema = Value::Object(tool.input_schema.clone());
        let check = match validation {
            Validation::Off => Check::Off,
            _ => match compile(&schema) {
                Ok(validator) if validation == Validation::Strict => Check::Strict(validator),
                Ok(validator) => Check::Lax(validator),
                Err(error) => {
                    let tool = &tool.name;
                    warn!(
                        server,
                        tool, error, "arguments of this tool go unchecked: its schema does not compile"
                    );
                    Check::Off
                }
            },
        };
        Self { schema, check }
    }

    /// The tool's input schema as the server gave it.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// Whether the tool takes none.
    pub fn is_empty(&self) -> bool {
        const OTHERS: [&str; 6] = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties", "if"];
        let properties = self.schema.get("properties").and_then(Value::as_object);
        properties.is_none_or(serde_json::Map::is_empty)
            && OTHERS.iter().all(|key| self.schema.get(key).is_none())
    }

    /// Whether a call without a body means a call without arguments.
    pub fn may_be_left_out(&self) -> bool {
        self.schema.get("required").and_then(Value::as_array).is_none_or(Vec::is_empty)
    }

    /// The arguments as they travel on: to the letter as they came wherever they are valid so.
    ///
    /// # Errors
    ///
    /// One entry for each violation that is left after mending.
    pub fn check<'a>(&self, raw: &'a RawValue) -> Result<Cow<'a, RawValue>, Vec<Violation>> {
        let object = raw.get().starts_with('{');
        if object && matches!(self.check, Check::Off) {
            return Ok(Cow::Borrowed(raw));
        }
        let arguments: Value = serde_json::from_str(raw.get())
            .map_err(|error| vec![Violation::not_json(0, &error.to_string())])?;
        if !object {
            return Err(vec![Violation::not_an_object(arguments)]);
        }
        match &self.check {
            Check::Off => Ok(Cow::Borrowed(raw)),
            Check::Strict(validator) | Check::Lax(validator) if validator.is_valid(&arguments) => {
                Ok(Cow::Borrowed(raw))
            }
            Check::Strict(validator) => Err(violations(validator, &arguments)),
            Check::Lax(validator) => {
                let mut mended = arguments;
                coercion::mend(&self.schema, &mut mended);
                match serde_json::value::to_raw_value(&mended) {
                    Ok(raw) if validator.is_valid(&mended) => Ok(Cow::Owned(raw)),
                    _ => Err(violations(validator, &mended)),
                }
            }
        }
    }
}

fn compile(schema: &Value) -> Result<Validator, String> {
    // A format is a hint unless a schema's dialect says otherwise (JSON Schema 2020-12 section 7.2.1).
    jsonschema::options().should_validate_formats(false).build(schema).map_err(|error| error.to_string())
}

fn violations(validator: &Validator, arguments: &Value) -> Vec<Violation> {
    let errors = validator.iter_errors(arguments).take(MOST_VIOLATIONS);
    errors.flat_map(|error| Violation::read(&error)).collect()
}
