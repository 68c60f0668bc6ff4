//! The form of the log: one event is one line, for people or as one JSON object.
//!
//! Invariant: whatever an event quotes, only its end is a line break, no hidden character is in it as it is, no value
//! passes for another field, and it is at most about 8 KiB long. A value is cut while it is formatted, so a huge one
//! takes no memory.

use std::fmt::{self, Write as _};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

use crate::excerpt::{escape, is_hidden};

/// How many bytes the values of an event take at most, and each of them.
const EVENT: usize = 7 << 10;
const VALUE: usize = 4 << 10;
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
    for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
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
        let mut visitor = FieldVisitor { out, json: self.json, begun: false, left: EVENT, ended: Ok(()) };
        fields.record(&mut visitor);
        visitor.ended
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

/// Writes fields: `name=value` after one another, or the members of a JSON object.
struct FieldVisitor<'writer> {
    out: Writer<'writer>,
    json: bool,
    begun: bool,
    /// How many bytes are left for values.
    left: usize,
    ended: fmt::Result,
}

impl FieldVisitor<'_> {
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut Self) -> fmt::Result) {
        // Those that `log` has for the place in the source.
        if self.ended.is_ok() && !field.name().starts_with("log.") {
            self.ended = self.name(field.name()).and_then(|()| write(self));
        }
    }

    fn name(&mut self, name: &str) -> fmt::Result {
        let separator = if self.json { "," } else { " " };
        if std::mem::replace(&mut self.begun, true) {
            self.out.write_str(separator)?;
        }
        match (self.json, name) {
            (true, _) => write!(self.out, "\"{name}\":"),
            (false, "message") => Ok(()),
            (false, _) if self.out.has_ansi_escapes() => {
                write!(self.out, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m")
            }
            (false, _) => write!(self.out, "{name}="),
        }
    }

    /// Writes a text in quotes, unless `bare`.
    fn text(&mut self, text: fmt::Arguments<'_>, bare: bool) -> fmt::Result {
        let quote = if bare { "" } else { "\"" };
        self.out.write_str(quote)?;
        let room = self.left.min(VALUE);
        let mut value = EscapedText { out: &mut self.out, left: room, quoted: !bare, cut: false };
        // What fails is a value that is cut.
        let ended = value.write_fmt(text);
        let (left, cut) = (value.left, value.cut);
        self.left -= room - left;
        match ended {
            Err(_) if cut => self.out.write_char('…')?,
            ended => ended?,
        }
        self.out.write_str(quote)
    }

    /// Writes what is no plain string, which people read without quotes where none are needed.
    fn any(&mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        let mut plain = EscapedText { out: &mut String::new(), left: 64, quoted: true, cut: false };
        let mut buffer = String::new();
        plain.out = &mut buffer;
        let needs_none = plain.write_fmt(text).is_ok() && !buffer.contains([' ', '=', '"', '\\']);
        if needs_none { self.out.write_str(&buffer) } else { self.text(text, false) }
    }
}

impl Visit for FieldVisitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let bare = !self.json && field.name() == "message";
        self.field(field, |this| this.text(format_args!("{value}"), bare));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format_args!("{value:?}");
        match (self.json, field.name()) {
            (true, _) => self.field(field, |this| this.text(text, false)),
            (false, "message") => self.field(field, |this| this.text(text, true)),
            (false, _) => self.field(field, |this| this.any(text)),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, |this| write!(this.out, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |this| write!(this.out, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no other numbers than finite ones.
        let finite = value.is_finite();
        self.field(
            field,
            |this| {
                if finite { write!(this.out, "{value}") } else { write!(this.out, "\"{value}\"") }
            },
        );
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, |this| write!(this.out, "{value}"));
    }
}

/// Writes a value with its hidden characters escaped, and fails once it is too long.
struct EscapedText<'a> {
    out: &'a mut dyn fmt::Write,
    /// How many more bytes may be written.
    left: usize,
    quoted: bool,
    cut: bool,
}

impl fmt::Write for EscapedText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_plain = |c: char| !is_hidden(c) && !(self.quoted && matches!(c, '"' | '\\'));
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let plain = rest.find(|c| !is_plain(c)).unwrap_or(rest.len());
            if plain > 0 {
                let fitting = rest.floor_char_boundary(plain.min(self.left));
                self.out.write_str(&rest[..fitting])?;
                self.left -= fitting;
                self.cut = fitting < plain;
                rest = &rest[fitting..];
            } else {
                let escaped = if is_hidden(next) { escape(next) } else { format!("\\{next}") };
                self.cut = escaped.len() > self.left;
                if !self.cut {
                    self.out.write_str(&escaped)?;
                    self.left -= escaped.len();
                    rest = &rest[next.len_utf8()..];
                }
            }
            if self.cut {
                return Err(fmt::Error);
            }
        }
        Ok(())
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
