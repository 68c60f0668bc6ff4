//! The form of the log: one event is one line, for people or as one JSON object.
//!
//! Invariant: whatever an event quotes, only its end is a line break, and it is at most about 8 KiB long. What its fields
//! hold is made harmless by [`FieldWriter`].

use std::fmt;

use tracing::{Event, Level, Subscriber, span};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::{LookupSpan, Scope},
};

use super::fields::FieldWriter;

/// The target of what is not mcpo's own words but those of a program that it runs begins like this, and says whose.
const QUOTED: &str = "mcpo::";

/// The form of events and their fields.
#[derive(Clone, Copy)]
pub(super) struct EventFormat {
    pub(super) json: bool,
}

impl<S, N> FormatEvent<S, N> for EventFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if self.json { as_json(context, out, event) } else { for_people(context, out, event) }
    }
}

/// `2026-11-21T11:37:53.120000Z  INFO request{id=1}: called server="time" status=200`
fn for_people<S, N>(context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let [dim, bold, plain] = if out.has_ansi_escapes() { ["\x1b[2m", "\x1b[1m", "\x1b[0m"] } else { [""; 3] };
    out.write_str(dim)?;
    SystemTime.format_time(&mut out)?;
    out.write_str(plain)?;
    let level = *event.metadata().level();
    let colour = if plain.is_empty() { "" } else { colour(level) };
    write!(out, " {colour}{:>5}{plain} ", level.as_str())?;
    for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
        write!(out, "{bold}{}{plain}", span.name())?;
        if let Some(fields) = span.extensions().get::<FormattedFields<N>>()
            && !fields.is_empty()
        {
            write!(out, "{bold}{{{plain}{fields}{bold}}}{plain}")?;
        }
        out.write_str(": ")?;
    }
    if let Some(source) = quoted(event) {
        write!(out, "{bold}{source}{plain}: ")?;
    }
    context.format_fields(out.by_ref(), event)?;
    out.write_char('\n')
}

/// `{"timestamp":"…","level":"INFO","fields":{"message":"called","server":"time","status":200},"span":{"id":"1","name":"request"}}`
fn as_json<S, N>(context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    out.write_str("{\"timestamp\":\"")?;
    SystemTime.format_time(&mut out)?;
    write!(out, "\",\"level\":\"{}\"", event.metadata().level())?;
    if let Some(source) = quoted(event) {
        write!(out, ",\"stream\":\"{source}\"")?;
    }
    out.write_str(",\"fields\":{")?;
    context.format_fields(out.by_ref(), event)?;
    out.write_char('}')?;
    if let Some(span) = context.lookup_current() {
        out.write_str(",\"span\":{")?;
        if let Some(fields) = span.extensions().get::<FormattedFields<N>>()
            && !fields.is_empty()
        {
            write!(out, "{fields},")?;
        }
        write!(out, "\"name\":\"{}\"}}", span.name())?;
    }
    out.write_str("}\n")
}

/// Whose words the event quotes, such as `stderr`: what its target says, if that is not its place in the source.
fn quoted(event: &Event<'_>) -> Option<&'static str> {
    let metadata = event.metadata();
    metadata.target().strip_prefix(QUOTED).filter(|_| metadata.module_path() != Some(metadata.target()))
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::TRACE => "\x1b[35m",
        Level::DEBUG => "\x1b[34m",
        Level::INFO => "\x1b[32m",
        Level::WARN => "\x1b[33m",
        Level::ERROR => "\x1b[31m",
    }
}

impl<'writer> FormatFields<'writer> for EventFormat {
    fn format_fields<R: RecordFields>(&self, out: Writer<'writer>, fields: R) -> fmt::Result {
        let mut writer = FieldWriter::new(out, self.json);
        fields.record(&mut writer);
        writer.ended
    }

    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &span::Record<'_>,
    ) -> fmt::Result {
        if !current.fields.is_empty() {
            current.fields.push(if self.json { ',' } else { ' ' });
        }
        self.format_fields(current.as_writer(), fields)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::Value as Json;
    use tracing::{error_span, info};
    use tracing_subscriber::fmt;

    use super::*;
    use crate::excerpt::is_hidden;

    /// The lines of what `work` logs.
    fn log(json: bool, colours: bool, work: impl FnOnce()) -> String {
        #[derive(Clone, Default)]
        struct Sink(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Sink {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let sink = Sink::default();
        let format = EventFormat { json };
        let (out, layer) = (sink.clone(), fmt::Subscriber::builder().with_ansi(colours));
        let layer = layer.fmt_fields(format).event_format(format).with_writer(move || out.clone()).finish();
        tracing::subscriber::with_default(layer, work);
        let bytes = sink.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    /// Line breaks, an escape sequence, its 8-bit form, a change of direction, a zero-width space, and a fake field.
    const EVIL: &str =
        "a\n2026-11-25T13:35:48Z  INFO x\r\u{1b}[2J\u{9b}31m\u{85}\u{2028}\u{202e}\u{200b}\u{e0041}\" b=\"c";

    fn evil() {
        let span = error_span!("request", id = %EVIL, caller = tracing::field::Empty);
        span.record("caller", EVIL);
        let _in_it = span.enter();
        info!(text = EVIL, display = %EVIL, debug = ?EVIL, "quoting {EVIL}");
    }

    #[test]
    fn an_event_is_one_line() {
        for (json, colours) in [(false, false), (true, false), (false, true)] {
            let line = log(json, colours, evil);
            let line = line.strip_suffix('\n').expect("a line");
            let colour = |c: char| colours && c == '\u{1b}';
            assert!(!line.contains(|c| is_hidden(c) && !colour(c)), "{line:?}");
            assert!(!line.contains("\u{1b}[2J"), "{line:?}");
            assert_eq!(line.contains(" b=\"c"), !json, "only the message is without quotes: {line}");
            assert_eq!(line.matches(" b=\"c").count(), usize::from(!json), "{line}");
        }
    }

    #[test]
    fn json_is_whole_and_means_what_was_logged() {
        let line = log(true, false, evil);
        let read: Json = serde_json::from_str(&line).expect(&line);
        assert_eq!(read["fields"]["message"], format!("quoting {EVIL}"));
        assert_eq!([&read["fields"]["text"], &read["fields"]["display"]], [EVIL, EVIL]);
        assert_eq!([&read["span"]["id"], &read["span"]["caller"]], [EVIL, EVIL]);
        assert_eq!(
            [&read["span"]["name"], &read["level"], &read["stream"]],
            ["request", "INFO", ""]
                .map(|text| if text.is_empty() { Json::Null } else { text.into() })
                .each_ref()
        );
    }

    #[test]
    fn a_huge_value_is_cut_and_the_rest_is_there() {
        for huge in ["x".repeat(1 << 20), "\u{202e}é\"".repeat(1 << 18)] {
            let work = || info!(one = huge, two = %huge, three = ?huge, server = "last", "{huge}");
            let line = log(true, false, work);
            let read: Json = serde_json::from_str(&line).expect(&line);
            assert!(line.len() <= 8 << 10 && read["fields"]["message"].as_str().unwrap().ends_with('…'));
            assert!(log(false, false, work).len() <= 8 << 10);
        }
        let line = log(true, false, || info!(server = "last", "{}", "x".repeat(1 << 20)));
        assert!(line.contains("\"server\":\"last\""), "{line}");
    }

    #[test]
    fn people_read_values_without_quotes_where_none_are_needed() {
        let line = log(false, false, || info!(target: "mcpo::stderr", n = 1, a = %"x", b = %"x y", "said"));
        assert!(line.ends_with("  INFO stderr: said n=1 a=x b=\"x y\"\n"), "{line}");
        let line = log(
            true,
            false,
            || info!(target: "mcpo::stderr", yes = true, half = 0.5, nan = f64::NAN, "said"),
        );
        let end = r#""level":"INFO","stream":"stderr","fields":{"message":"said","yes":true,"half":0.5,"nan":"NaN"}}"#;
        assert!(line.ends_with(&format!("{end}\n")), "{line}");
    }
}
