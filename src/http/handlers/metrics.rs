//! `/metrics`: the gateway's metrics in Prometheus' text format, version 0.0.4.
//!
//! Invariant: labels only hold the names of configured servers and their current tools, and nothing from a request.

use std::fmt::{Display, Write as _};

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::status;
use crate::{
    bounds::Bound,
    config::Permission,
    http::{context::RequestContext, observability::Observability},
    registry::{BOUNDS, CallOutcome, Entry, Snapshot, ToolMetrics},
};

/// Serves the current metrics that the caller may see.
pub(in crate::http) async fn metrics(
    request: HttpRequest,
    observability: Data<Observability>,
) -> HttpResponse {
    let context = RequestContext::of(&request);
    let permission = context.permission();
    let snapshot = context.take_snapshot();
    let mut page = exposition(&snapshot, observability.started.elapsed().as_secs(), permission);
    // A caller with limited permission must not learn the names of other keys.
    if !permission.is_limited() {
        requests(&mut page, &snapshot);
        bounds(&mut page);
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(page.text)
}

fn exposition(snapshot: &Snapshot, uptime: u64, permission: &Permission) -> Exposition {
    let mut page = Exposition::default();
    page.family("mcpo_build_info", "gauge", "What is running.");
    page.sample("", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.family("mcpo_uptime_seconds", "gauge", "How long the gateway runs.");
    page.sample("", &[], uptime);
    servers(&mut page, snapshot, permission);
    calls(&mut page, snapshot, permission);
    page
}

fn servers(page: &mut Exposition, snapshot: &Snapshot, permission: &Permission) {
    page.family("mcpo_server_state", "gauge", "1 for what the server is doing, 0 for what it is not.");
    for entry in snapshot.visible(permission) {
        let now = status::state(&entry.status);
        for state in status::STATES {
            page.sample("", &[("server", entry.name()), ("state", state)], u8::from(state == now));
        }
    }
    let mut each = |name, kind, help, value: &dyn Fn(&Entry) -> Option<u64>| {
        page.family(name, kind, help);
        for entry in snapshot.visible(permission) {
            if let Some(value) = value(entry) {
                page.sample("", &[("server", entry.name())], value);
            }
        }
    };
    each("mcpo_server_tools", "gauge", "Tools that the server had when it was last connected.", &|entry| {
        Some(entry.last_served().map_or(0, |served| served.visible(permission).count() as u64))
    });
    each("mcpo_server_reconnects_total", "counter", "Connections made after the first.", &|entry| {
        Some(entry.session().stats().reconnects())
    });
    each(
        "mcpo_child_restarts_total",
        "counter",
        "Starts of the server's program after the first.",
        &|entry| entry.session().restarts(),
    );
    each("mcpo_token_refreshes_total", "counter", "Access tokens got without a person.", &|entry| {
        Some(entry.session().authorizer()?.refreshes())
    });
    each("mcpo_calls_in_flight", "gauge", "Calls that have begun and not ended.", &|entry| {
        let tools = entry.last_served().into_iter().flat_map(|served| served.visible(permission));
        Some(tools.map(|(_, metrics)| metrics.in_flight()).sum())
    });
    each("mcpo_queue_depth", "gauge", "Calls that wait for their turn.", &|entry| {
        Some(entry.session().queued() as u64)
    });
}

fn calls(page: &mut Exposition, snapshot: &Snapshot, permission: &Permission) {
    let tools = || {
        snapshot.visible(permission).flat_map(|entry| {
            let tools = entry.last_served().into_iter().flat_map(|served| served.visible(permission));
            tools.map(move |(tool, metrics)| {
                ([("server", entry.name()), ("tool", tool.name.as_str())], metrics)
            })
        })
    };
    page.family("mcpo_calls_total", "counter", "Calls that have ended, by how.");
    for ([server, tool], metrics) in tools() {
        for outcome in CallOutcome::ALL {
            let ended = metrics.ended(outcome);
            // Every tool has a series for successful calls from the start; other outcomes get theirs when they first occur.
            if ended > 0 || outcome == CallOutcome::Ok {
                page.sample("", &[server, tool, ("outcome", outcome.name())], ended);
            }
        }
    }
    page.family("mcpo_call_duration_seconds", "histogram", "How long calls took, whatever came of them.");
    for (labels, metrics) in tools().filter(|(_, metrics)| metrics.total() > 0) {
        histogram(page, labels, metrics);
    }
}

fn requests(page: &mut Exposition, snapshot: &Snapshot) {
    page.family("mcpo_requests_admitted_total", "counter", "Guarded requests let in, by their credential.");
    for (key, count) in snapshot.authenticator.admitted() {
        page.sample("", &[("credential", "key"), ("name", key)], count);
    }
    if let Some(count) = snapshot.authenticator.admitted_by_token() {
        page.sample("", &[("credential", "token"), ("name", "")], count);
    }
    page.family("mcpo_requests_denied_total", "counter", "Requests that the guard did not let in.");
    page.sample("", &[], snapshot.authenticator.denied());
}

fn bounds(page: &mut Exposition) {
    page.family("mcpo_bounds_hit_total", "counter", "What exceeded a bound, by the bound.");
    for bound in Bound::ALL {
        page.sample("", &[("bound", bound.name())], bound.hits());
    }
}

fn histogram(page: &mut Exposition, [server, tool]: [(&str, &str); 2], metrics: &ToolMetrics) {
    let mut count = 0;
    for (index, calls) in metrics.buckets().into_iter().enumerate() {
        count += calls;
        let bound = BOUNDS.get(index).map_or_else(|| "+Inf".to_owned(), f64::to_string);
        page.sample("_bucket", &[server, tool, ("le", &bound)], count);
    }
    page.sample("_sum", &[server, tool], metrics.time().as_secs_f64());
    page.sample("_count", &[server, tool], count);
}

/// The text under construction; writing to a `String` never fails.
#[derive(Default)]
struct Exposition {
    text: String,
    family: &'static str,
}

impl Exposition {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.family = name;
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// Adds a sample of the last family.
    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(self.family);
        self.text.push_str(suffix);
        for (index, (name, value)) in labels.iter().enumerate() {
            let open = if index == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{name}=\"{}\"", escaped(value));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{close} {value}");
    }
}

/// Escapes backslash, quote and line feed in a label's value.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_written_as_the_format_has_them() {
        let mut page = Exposition::default();
        page.family("f", "gauge", "Help.");
        page.sample("", &[], 1);
        page.sample("_sum", &[("a", "x"), ("b", "\\ \" \n")], 0.5);
        let text = "# HELP f Help.\n# TYPE f gauge\nf 1\nf_sum{a=\"x\",b=\"\\\\ \\\" \\n\"} 0.5\n";
        assert_eq!(page.text, text);
    }

    #[test]
    fn buckets_add_up() {
        let (mut page, metrics) = (Exposition::default(), ToolMetrics::default());
        metrics.begin().end(CallOutcome::Ok);
        metrics.begin().end(CallOutcome::Lost);
        page.family("f", "histogram", "Help.");
        histogram(&mut page, [("server", "s"), ("tool", "t")], &metrics);
        assert!(page.text.contains("f_bucket{server=\"s\",tool=\"t\",le=\"300\"} 2\n"), "{}", page.text);
        assert!(page.text.contains("f_bucket{server=\"s\",tool=\"t\",le=\"+Inf\"} 2\n"), "{}", page.text);
        assert!(page.text.ends_with("f_count{server=\"s\",tool=\"t\"} 2\n"), "{}", page.text);
    }
}
