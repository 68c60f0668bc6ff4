//! Checks a call's arguments against its tool's input schema, and coerces values whose intent is clear.

use std::borrow::Cow;

use jsonschema::Validator;
use serde_json::{Value, json, value::RawValue};
use tracing::debug;

use super::{
    budget, coercion, raw,
    schema::{Effort, Schema},
    violation::Violation,
};
use crate::config::Validation;

/// How many violations of one call are reported.
const MOST_VIOLATIONS: usize = 100;

/// The arguments of one tool.
#[derive(Debug)]
pub struct Arguments {
    schema: Schema,
    /// `None` if arguments are not validated.
    check: Option<Check>,
}

#[derive(Debug)]
struct Check {
    validator: Validator,
    effort: Effort,
    /// Whether invalid values whose intent is clear are coerced.
    mends: bool,
}

impl Arguments {
    /// Compiles the check.
    ///
    /// Returns a note with the reason if a check was asked for and cannot be compiled.
    pub(super) fn new(schema: Schema, validation: Validation) -> (Self, Option<String>) {
        let (check, note) = match (validation, Check::compile(&schema, validation == Validation::Lax)) {
            (Validation::Off, _) => (None, None),
            (_, Ok(check)) => (Some(check), None),
            (_, Err(reason)) => (None, Some(format!("arguments go unchecked: {reason}"))),
        };
        (Self { schema, check }, note)
    }

    /// The tool's input schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Whether the tool takes no arguments, because its schema puts no constraint on an object.
    pub fn is_empty(&self) -> bool {
        self.schema.root().iter().all(|(keyword, value)| match (keyword.as_str(), value) {
            ("type" | "title" | "description" | "default" | "examples", _) => true,
            ("additionalProperties", Value::Bool(_)) => true,
            ("properties", Value::Object(properties)) => properties.is_empty(),
            ("required", Value::Array(names)) => names.is_empty(),
            (keyword, _) => keyword.starts_with("x-"),
        })
    }

    /// Whether arguments are validated as sent, without coercion.
    pub fn are_strict(&self) -> bool {
        self.check.as_ref().is_some_and(|check| !check.mends)
    }

    /// Whether a call without a body means a call without arguments.
    pub fn may_be_left_out(&self) -> bool {
        match &self.check {
            Some(check) => check.validator.is_valid(&json!({})),
            None => self.schema.root().get("required").and_then(Value::as_array).is_none_or(Vec::is_empty),
        }
    }

    /// Validates the arguments and returns those to send upstream, unchanged unless coercion is needed.
    ///
    /// # Errors
    ///
    /// One [`Violation`] for each problem that remains after coercion.
    pub fn check<'a>(&self, raw: &'a RawValue) -> Result<Cow<'a, RawValue>, Vec<Violation>> {
        if !raw.get().starts_with('{') {
            return Err(vec![Violation::not_an_object(raw.to_owned())]);
        }
        let Some(Check { validator, effort, mends }) = &self.check else {
            return Ok(Cow::Borrowed(raw));
        };
        let arguments: Value = serde_json::from_str(raw.get())
            .map_err(|error| vec![Violation::not_json(0, &error.to_string())])?;
        if *effort == Effort::GrowsWithDepth && !budget::allows(&self.schema, &arguments) {
            debug!("arguments too deep to be checked pass as they are");
            return Ok(Cow::Borrowed(raw));
        }
        let valid = validator.is_valid(&arguments);
        if valid && !(*mends && coercion::has_whole_float(&arguments)) {
            return Ok(Cow::Borrowed(raw));
        }
        if !budget::allows(&self.schema, &arguments) {
            return if valid { Ok(Cow::Borrowed(raw)) } else { Err(vec![Violation::untold()]) };
        }
        if !mends {
            return Err(violations(validator, &arguments, raw));
        }
        let mut mended = arguments.clone();
        coercion::mend(&self.schema, &mut mended, valid);
        let text = raw::edit(raw, &arguments, &mended);
        match (validator.is_valid(&mended), valid) {
            (true, _) => Ok(text),
            (false, true) => Ok(Cow::Borrowed(raw)),
            (false, false) => Err(violations(validator, &mended, &text)),
        }
    }
}

impl Check {
    fn compile(schema: &Schema, mends: bool) -> Result<Self, String> {
        let effort = schema.effort()?;
        // `format` is an annotation unless a dialect says otherwise (JSON Schema 2020-12, Validation, section 7.2.1).
        let options = jsonschema::draft202012::options().should_validate_formats(false);
        match options.build(&schema.to_value()) {
            Ok(validator) => Ok(Self { validator, effort, mends }),
            Err(error) => Err(format!("it does not compile: {error}")),
        }
    }
}

fn violations(validator: &Validator, arguments: &Value, text: &RawValue) -> Vec<Violation> {
    let errors = validator.iter_errors(arguments).flat_map(|error| Violation::read(&error, text));
    errors.take(MOST_VIOLATIONS).collect()
}
