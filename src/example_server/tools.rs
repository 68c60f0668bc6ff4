//! The tools.
//!
//! The argument types define what a caller may send, because the schemas are generated from them. Bounds that a type
//! cannot express are checked at the start of the tool. The examples prefill Swagger UI's forms, so that a first try
//! succeeds.

use std::{fmt::Display, ops::RangeInclusive, time::Duration};

use jiff::Timestamp;
use rmcp::{
    RoleServer,
    handler::server::wrapper::{Json, Parameters},
    model::{CallToolResult, ContentBlock, ProgressNotificationParam},
    service::RequestContext,
    tool, tool_router,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::{
    ExampleServer,
    clock::{self, TimeConversion, ZoneTime},
    weather::{City, Weather},
};

/// A PNG of a plug, 48 by 48 pixels in three colours, in base64 as MCP sends images.
const PLUG_PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAADAAAAAwAgMAAAAqbBEUAAAACVBMVEUmMl3///9e1r6aXluHAAAAM0lEQVQY02Ng\
                        oCMIBaMB5KwCA9pzuEDsBaRxmECcBmwcBiSTGRi0lkatgHMYWAMYhhQHAOd/Q0BhrnTcAAAAAElFTkSuQmCC";

const SECONDS: RangeInclusive<f64> = 0.0..=60.0;
const STEPS: RangeInclusive<u8> = 1..=100;
const REPEAT: RangeInclusive<u8> = 1..=10;

#[derive(Deserialize, JsonSchema)]
struct CurrentTime {
    /// IANA time zone name, such as "America/New_York", "Europe/London" or "UTC"
    #[schemars(example = "Europe/London")]
    timezone: String,
}

#[derive(Deserialize, JsonSchema)]
struct ConvertTime {
    /// IANA time zone name that the time is given in
    #[schemars(example = "Europe/London")]
    source_timezone: String,
    /// Time of day, 24-hour clock, "HH:MM"
    #[schemars(example = "16:30", regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    time: String,
    /// IANA time zone name to convert the time to
    #[schemars(example = "Asia/Tokyo")]
    target_timezone: String,
}

#[derive(Deserialize, JsonSchema)]
struct DescribeWeather {
    /// The city to describe
    city: City,
}

#[derive(Deserialize, JsonSchema)]
struct Wait {
    /// How long to wait in all
    #[schemars(example = 0.5, range(min = *SECONDS.start(), max = *SECONDS.end()))]
    seconds: f64,
    /// How many progress reports to spread over that time
    #[serde(default = "ten", deserialize_with = "whole")]
    #[schemars(range(min = *STEPS.start(), max = *STEPS.end()))]
    steps: u8,
}

#[derive(Deserialize, JsonSchema)]
struct Fail {
    /// The text of the error
    message: String,
}

#[derive(Deserialize, JsonSchema)]
struct Echo {
    /// The text to send back
    message: String,
    /// How often to repeat it, one line each
    #[serde(default = "one", deserialize_with = "whole")]
    #[schemars(range(min = *REPEAT.start(), max = *REPEAT.end()))]
    repeat: u8,
}

/// Reads a whole number in any notation, because 10.0 is an integer in JSON Schema.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if number.fract() == 0.0 && (0.0..=255.0).contains(&number) {
        Ok(number as u8)
    } else {
        Err(de::Error::custom(format!("{number} is not a whole number from 0 to 255")))
    }
}

fn one() -> u8 {
    1
}

fn ten() -> u8 {
    10
}

#[tool_router(vis = "pub(super)")]
impl ExampleServer {
    /// Get the current time in a time zone.
    #[tool(
        title = "Current time",
        annotations(read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    fn get_current_time(
        Parameters(CurrentTime { timezone }): Parameters<CurrentTime>,
    ) -> Result<Json<ZoneTime>, String> {
        clock::at(Timestamp::now(), &timezone).map(Json)
    }

    /// Convert a time of today from one time zone to another.
    #[tool(
        title = "Convert time",
        annotations(read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    fn convert_time(Parameters(asked): Parameters<ConvertTime>) -> Result<Json<TimeConversion>, String> {
        clock::convert(Timestamp::now(), &asked.source_timezone, &asked.time, &asked.target_timezone)
            .map(Json)
    }

    /// Describe the weather in a city: made-up figures, always the same, to show structured output.
    #[tool(
        title = "Describe weather",
        annotations(read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    fn describe_weather(Parameters(DescribeWeather { city }): Parameters<DescribeWeather>) -> Json<Weather> {
        Json(Weather::in_city(city))
    }

    /// Get a small picture: a line of text, then a PNG.
    #[tool(
        title = "Get image",
        annotations(read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    fn get_image() -> CallToolResult {
        CallToolResult::success(vec![
            ContentBlock::text("A plug, 48 by 48 pixels:"),
            ContentBlock::image(PLUG_PNG, "image/png"),
        ])
    }

    /// Wait, reporting progress on the way; ends at once when cancelled.
    #[tool(
        title = "Wait",
        annotations(read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    async fn wait(
        Parameters(Wait { seconds, steps }): Parameters<Wait>,
        context: RequestContext<RoleServer>,
    ) -> Result<String, String> {
        within("seconds", &seconds, &SECONDS)?;
        within("steps", &steps, &STEPS)?;
        tokio::select! {
            () = context.ct.cancelled() => Err("cancelled".to_owned()),
            () = wait_in_steps(&context, seconds, steps) => Ok(format!("Waited {seconds} s in {steps} steps.")),
        }
    }

    /// Fail: the result is always an error with the given text.
    #[tool(
        title = "Fail",
        annotations(read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    fn fail(Parameters(Fail { message }): Parameters<Fail>) -> Result<String, String> {
        Err(message)
    }

    /// Send a text back, once or several times.
    #[tool(
        title = "Echo",
        annotations(read_only_hint = true, idempotent_hint = true, open_world_hint = false)
    )]
    fn echo(Parameters(Echo { message, repeat }): Parameters<Echo>) -> Result<String, String> {
        within("repeat", &repeat, &REPEAT)?;
        Ok(vec![message; repeat.into()].join("\n"))
    }
}

/// Sleeps step by step, and reports progress if the caller sent a progress token.
async fn wait_in_steps(context: &RequestContext<RoleServer>, seconds: f64, steps: u8) {
    for step in 1..=steps {
        tokio::time::sleep(Duration::from_secs_f64(seconds / f64::from(steps))).await;
        if let Some(token) = context.meta.get_progress_token() {
            let progress = ProgressNotificationParam::new(token, step.into())
                .with_total(steps.into())
                .with_message(format!("step {step} of {steps}"));
            // If a report cannot be sent, the caller is gone and cancellation will end the wait.
            let _ = context.peer.notify_progress(progress).await;
        }
    }
}

fn within<T: PartialOrd + Display>(name: &str, value: &T, bounds: &RangeInclusive<T>) -> Result<(), String> {
    if bounds.contains(value) {
        return Ok(());
    }
    Err(format!("{name} must be from {} to {}, not {value}", bounds.start(), bounds.end()))
}
