//! Checks a call's arguments against its tool's input schema, and coerces values whose intent is clear.
//!
//! Invariant: a check does no more work, and uses no more memory, than its [`CheckLimits`]. Arguments that would take more
//! pass as they are.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use jsonschema::{PatternOptions, Validator};
use serde_json::{Value, json, value::RawValue};
use tracing::warn;

use super::{
    budget, coercion,
    pattern::{self, Patterns},
    raw,
    room::{SchemaPlace, SchemaRoom},
    schema::{Effort, PackedSchema, Schema},
    violation::Violation,
};
use crate::{bounds::Bound, config::Validation, upstream::most_values};

/// How many violations of one call are reported.
const MOST_VIOLATIONS: usize = 100;
/// What a compiled check takes for each value of its schema, in bytes, and beside that.
const SIZE_OF_VALUE: usize = 500;
const SIZE_OF_CHECK: usize = 4 << 10;

/// How much one check may do.
struct CheckLimits {
    /// The most bytes of the arguments.
    bytes: usize,
    /// The most values in them.
    values: usize,
    /// The most steps of the validator.
    steps: usize,
    /// The most work of patterns.
    matching: usize,
    /// The most steps of the validator when it collects what is wrong.
    told: usize,
}

/// For a check on an HTTP worker: some milliseconds at most.
const QUICK: CheckLimits =
    CheckLimits { bytes: 64 << 10, values: 10_000, steps: 20_000, matching: 500_000, told: 10_000 };
/// For any other.
const THOROUGH: CheckLimits =
    CheckLimits { bytes: usize::MAX, values: 300_000, steps: 2_000_000, matching: 20_000_000, told: 50_000 };
/// A validator does not look at more pairs of a value of the arguments and one of the schema than there are. So many take
/// less time than it would to count its steps.
const MOST_PAIRS: usize = 1_000_000;

type Checked<'a> = Result<Cow<'a, RawValue>, Vec<Violation>>;

/// The arguments of one tool.
#[derive(Debug)]
pub struct Arguments {
    server: String,
    tool: String,
    schema: PackedSchema,
    checking: Checking,
    is_empty: bool,
    may_be_left_out: bool,
    /// Whether the log has said that some pass unchecked.
    told: AtomicBool,
}

#[derive(Debug)]
enum Checking {
    /// Arguments are not checked.
    Off,
    /// There is room to keep the compiled check.
    Kept { check: Box<Check>, _place: SchemaPlace },
    /// There is none: it is compiled for each call.
    ForEachCall { mends: bool },
}

#[derive(Debug)]
struct Check {
    validator: Validator,
    schema: Schema,
    effort: Effort,
    /// What it takes, in bytes.
    size: usize,
    /// Whether invalid values whose intent is clear are coerced.
    mends: bool,
}

impl Arguments {
    /// Compiles the check, and keeps it if there is room.
    ///
    /// Returns notes about what cannot be checked.
    pub(super) fn new(
        server: &str,
        tool: &str,
        schema: Schema,
        validation: Validation,
        room: &SchemaRoom,
    ) -> (Self, Vec<String>) {
        let (is_empty, packed) = (is_empty(&schema), schema.pack());
        let required = schema.root().get("required").and_then(Value::as_array);
        let mut may_be_left_out = required.is_none_or(Vec::is_empty);
        let mut notes = Vec::new();
        let mends = validation == Validation::Lax;
        let checking = match (validation, Check::compile(schema, mends, &mut notes)) {
            (Validation::Off, _) => {
                notes.clear();
                Checking::Off
            }
            (_, Ok(check)) => {
                let nothing = json!({});
                if budget::allows(&check.schema, &nothing, QUICK.steps) {
                    let valid = pattern::metered(QUICK.matching, || check.validator.is_valid(&nothing));
                    may_be_left_out = valid.unwrap_or(may_be_left_out);
                }
                match room.take(check.size) {
                    Some(place) => Checking::Kept { check: Box::new(check), _place: place },
                    None => Checking::ForEachCall { mends },
                }
            }
            (_, Err(reason)) => {
                Bound::Schema.hit();
                notes.push(format!("arguments go unchecked: {reason}"));
                Checking::Off
            }
        };
        let (server, tool, told) = (server.to_owned(), tool.to_owned(), AtomicBool::new(false));
        (Self { server, tool, schema: packed, checking, is_empty, may_be_left_out, told }, notes)
    }

    /// The tool's input schema.
    pub fn schema(&self) -> Schema {
        self.schema.unpack()
    }

    /// Whether the tool takes no arguments, because its schema puts no constraint on an object.
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Whether arguments are validated as sent, without coercion.
    pub fn are_strict(&self) -> bool {
        match &self.checking {
            Checking::Off => false,
            Checking::Kept { check, .. } => !check.mends,
            Checking::ForEachCall { mends } => !mends,
        }
    }

    /// Whether a call without a body means a call without arguments.
    pub fn may_be_left_out(&self) -> bool {
        self.may_be_left_out
    }

    /// Checks arguments if that takes little work, and else returns `None`: [`Self::check`] takes more than an HTTP
    /// worker has time for.
    pub fn check_quickly<'a>(&self, raw: &'a RawValue) -> Option<Checked<'a>> {
        match &self.checking {
            _ if !raw.get().starts_with('{') => Some(Err(vec![Violation::not_an_object(raw.to_owned())])),
            Checking::Off => Some(Ok(Cow::Borrowed(raw))),
            Checking::Kept { check, .. } => check.run(raw, &QUICK),
            Checking::ForEachCall { .. } => None,
        }
    }

    /// Validates the arguments and returns those to send upstream, unchanged unless coercion is needed.
    ///
    /// # Errors
    ///
    /// One [`Violation`] for each problem that remains after coercion.
    pub fn check<'a>(&self, raw: &'a RawValue) -> Checked<'a> {
        let checked = match &self.checking {
            _ if !raw.get().starts_with('{') => Some(Err(vec![Violation::not_an_object(raw.to_owned())])),
            Checking::Off => Some(Ok(Cow::Borrowed(raw))),
            Checking::Kept { check, .. } => check.run(raw, &THOROUGH),
            Checking::ForEachCall { mends } => match Check::compile(self.schema(), *mends, &mut vec![]) {
                Ok(check) => check.run(raw, &THOROUGH),
                Err(_) => None,
            },
        };
        checked.unwrap_or_else(|| {
            Bound::CheckEffort.hit();
            if !self.told.swap(true, Relaxed) {
                let (server, tool) = (&self.server, &self.tool);
                warn!(server, tool, "arguments pass unchecked: to check them would take too much work");
            }
            Ok(Cow::Borrowed(raw))
        })
    }
}

impl Check {
    fn compile(schema: Schema, mends: bool, notes: &mut Vec<String>) -> Result<Self, String> {
        let effort = schema.effort()?;
        let mut patterns = Patterns::default();
        schema.for_each_object(&mut |object| {
            if let Some(Value::String(source)) = object.get("pattern") {
                patterns.add(source);
            }
            let by_name = object.get("patternProperties").and_then(Value::as_object);
            for source in by_name.into_iter().flat_map(|map| map.keys()) {
                patterns.add_for_names(source);
            }
        });
        if let Some(reason) = patterns.fatal.take() {
            return Err(reason);
        }
        if !patterns.unchecked.is_empty() {
            Bound::Schema.hit();
            notes.append(&mut patterns.unchecked);
        }
        let size = SIZE_OF_CHECK + effort.values * SIZE_OF_VALUE + patterns.size;
        // `format` is an annotation unless a dialect says otherwise (JSON Schema 2020-12, Validation, section 7.2.1).
        let options = jsonschema::draft202012::options()
            .should_validate_formats(false)
            .with_pattern_options(
                PatternOptions::regex().size_limit(pattern::LARGEST).dfa_size_limit(pattern::CACHE),
            )
            .with_keyword("pattern", move |_, source, _| Ok(Box::new(patterns.keyword(source))));
        match options.build(&schema.to_value()) {
            Ok(validator) => Ok(Self { validator, schema, effort, size, mends }),
            Err(error) => Err(format!("it does not compile: {error}")),
        }
    }

    /// Checks arguments; `None` if that would exceed the limits.
    fn run<'a>(&self, raw: &'a RawValue, limits: &CheckLimits) -> Option<Checked<'a>> {
        if raw.get().len() > limits.bytes {
            return None;
        }
        let values = most_values(raw.get());
        if values > limits.values {
            return None;
        }
        let arguments: Value = match serde_json::from_str(raw.get()) {
            Ok(arguments) => arguments,
            Err(error) => return Some(Err(vec![Violation::not_json(0, &error.to_string())])),
        };
        let few = !self.effort.counted && values.saturating_mul(self.effort.weight) <= MOST_PAIRS;
        if !few && !budget::allows(&self.schema, &arguments, limits.steps) {
            return None;
        }
        pattern::metered(limits.matching, || self.judge(raw, &arguments, limits)).flatten()
    }

    fn judge<'a>(&self, raw: &'a RawValue, arguments: &Value, limits: &CheckLimits) -> Option<Checked<'a>> {
        let Self { validator, schema, mends, .. } = self;
        let valid = validator.is_valid(arguments);
        if valid && !(*mends && coercion::has_whole_float(arguments)) {
            return Some(Ok(Cow::Borrowed(raw)));
        }
        if !budget::allows(schema, arguments, limits.told) {
            // More work will not be done, but it may be done elsewhere.
            return (limits.told == THOROUGH.told)
                .then(|| if valid { Ok(Cow::Borrowed(raw)) } else { Err(vec![Violation::untold()]) });
        }
        if !mends {
            return Some(Err(violations(validator, arguments, raw)));
        }
        let mut mended = arguments.clone();
        coercion::mend(schema, &mut mended, valid);
        let text = raw::edit(raw, arguments, &mended);
        Some(match (validator.is_valid(&mended), valid) {
            (true, _) => Ok(text),
            (false, true) => Ok(Cow::Borrowed(raw)),
            (false, false) => Err(violations(validator, &mended, &text)),
        })
    }
}

fn is_empty(schema: &Schema) -> bool {
    schema.root().iter().all(|(keyword, value)| match (keyword.as_str(), value) {
        ("type" | "title" | "description" | "default" | "examples", _) => true,
        ("additionalProperties", Value::Bool(_)) => true,
        ("properties", Value::Object(properties)) => properties.is_empty(),
        ("required", Value::Array(names)) => names.is_empty(),
        (keyword, _) => keyword.starts_with("x-"),
    })
}

fn violations(validator: &Validator, arguments: &Value, text: &RawValue) -> Vec<Violation> {
    let errors =
        validator.iter_errors(arguments).flat_map(|error| Violation::read(&error, text, MOST_VIOLATIONS));
    errors.take(MOST_VIOLATIONS).collect()
}
