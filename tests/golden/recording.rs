//! A recording, and how an answer of today is compared with it.

use std::collections::BTreeMap;

use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::differences::Difference;
use crate::support::{Gateway, parts};

/// Stands for any value in an expected body.
pub(crate) const ANY: &str = "<any>";

/// Stands for the gateway's own origin.
pub(crate) const GATEWAY: &str = "http://gateway.test";

/// Headers that are compared when either side has them.
const COMPARED: [&str; 8] = [
    "allow",
    "location",
    "www-authenticate",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
];

/// Headers that are compared where they were recorded.
const COMPARED_IF_RECORDED: [&str; 2] = ["content-type", "access-control-max-age"];

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) response: Response,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Response {
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Request {
    /// The same call by somebody who may make it and comes from nowhere.
    pub(crate) fn is_plain(&self) -> bool {
        !self.headers.contains_key("Origin")
    }
}

/// Reads a file of `golden/recorded/`; `site` stands in for the site that mcp-server-fetch read.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(name: &str, site: &str) -> T {
    let file = parts::file("golden/recorded").join(name);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text.replace("http://pages.test", site))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Reads recorded exchanges, their bodies as JSON where they are JSON.
pub(crate) fn exchanges(mut exchanges: Vec<Exchange>) -> Vec<Exchange> {
    for Exchange { response, .. } in &mut exchanges {
        let kind = response.headers.get("content-type").map_or("", String::as_str);
        if let Value::String(text) = &response.body {
            response.body = body(kind, text);
        }
    }
    exchanges
}

/// Plays every exchange; gives what differs from what was recorded and from what the differences make of it.
pub(crate) async fn play(gateway: &Gateway, recording: &[Exchange], differences: &[Difference]) {
    let mut unused: Vec<_> = differences.iter().map(|difference| difference.name).collect();
    let mut wrong = Vec::new();
    for Exchange { request, response } in recording {
        let mut expected = response.clone();
        let mut changes = Vec::new();
        for difference in differences {
            if (difference.rewrite)(recording, request, &mut expected) {
                changes.push(format!("{} ({})", difference.name, difference.why));
                unused.retain(|&name| name != difference.name);
            }
        }
        let actual = ask(gateway, request).await;
        let faults = faults(&request.path, &expected, &actual);
        if !faults.is_empty() {
            let (faults, changes) = (faults.join("\n    "), changes.join(", "));
            wrong.push(format!("{request:?}\n  differences: [{changes}]\n    {faults}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong answers:\n{}\nlog:\n{}",
        wrong.len(),
        wrong.join("\n"),
        gateway.log()
    );
    assert!(unused.is_empty(), "these differences occur no longer, remove them: {unused:?}");
}

/// Asks the gateway and puts its answer into a recording's form.
async fn ask(gateway: &Gateway, request: &Request) -> Response {
    let method: Method = request.method.parse().expect("a method");
    let mut builder = gateway.request(method, &request.path);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    match &request.body {
        None => {}
        Some(Value::String(text)) => builder = builder.body(text.clone()),
        Some(json) => builder = builder.body(json.to_string()),
    }
    let answer = gateway.send(builder).await;
    let mut headers: BTreeMap<_, _> = COMPARED
        .iter()
        .chain(&COMPARED_IF_RECORDED)
        .chain(&["vary"])
        .filter_map(|&name| Some((name.to_owned(), answer.header(name)?)))
        .collect();
    if let Some(location) = headers.get_mut("location") {
        let here = Url::parse(gateway.base()).and_then(|base| base.join(&request.path)).expect("a URL");
        let there = here.join(location).expect("a location").to_string();
        *location = there.replacen(gateway.base(), GATEWAY, 1);
    }
    let body = body(headers.get("content-type").map_or("", String::as_str), &answer.body);
    Response { status: answer.status, headers, body }
}

/// A body as compared: JSON as its value, a page as its title, else the text.
fn body(kind: &str, text: &str) -> Value {
    if text.starts_with("[redacted") {
        return ANY.into();
    }
    if kind == "application/json" && !text.is_empty() {
        return serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"));
    }
    if kind.starts_with("text/html") {
        let title = text.find("<title>").zip(text.find("</title>"));
        return title.map_or_else(|| text.into(), |(start, end)| text[start..end + "</title>".len()].into());
    }
    text.into()
}

fn faults(path: &str, expected: &Response, actual: &Response) -> Vec<String> {
    let mut faults = Vec::new();
    if expected.status != actual.status {
        faults.push(format!("status {}, should be {}", actual.status, expected.status));
    }
    let recorded = COMPARED_IF_RECORDED.into_iter().filter(|&name| expected.headers.contains_key(name));
    for name in COMPARED.into_iter().chain(recorded) {
        let (mine, theirs) = (expected.headers.get(name), actual.headers.get(name));
        if mine.map(|value| listed(name, value)) != theirs.map(|value| listed(name, value)) {
            faults.push(format!("{name}: {theirs:?}, should be {mine:?}"));
        }
    }
    let vary = actual.headers.get("vary").map_or("", String::as_str).to_lowercase();
    let wanted = expected.headers.get("vary").map_or("", String::as_str).to_lowercase();
    if !listed("vary", &wanted).iter().all(|name| listed("vary", &vary).contains(name)) {
        faults.push(format!("vary: {vary:?}, should hold {wanted:?}"));
    }
    let is_document = path.ends_with("/openapi.json") && actual.body.get("openapi").is_some();
    let body = if is_document { summary(&expected.body, &actual.body) } else { actual.body.clone() };
    let (wanted, got) = (timeless(path, &expected.body), timeless(path, &body));
    if !same(&wanted, &got) {
        faults.push(format!("body {got}\n    should be {wanted}"));
    }
    faults
}

/// The members of a list header, in one order; other headers as they are.
fn listed(name: &str, value: &str) -> Vec<String> {
    if matches!(name, "location" | "content-type") {
        return [value.to_owned()].to_vec();
    }
    let members = value.split(',').map(|member| member.trim().to_owned());
    let mut members: Vec<_> = members.filter(|member| !member.is_empty()).collect();
    members.sort();
    members
}

/// A document in the form in which `like` was recorded: whole, or `info`, `servers`, path names and `security`.
///
/// Routes of our own, which are no POSTs, may stand beside what was recorded.
fn summary(like: &Value, document: &Value) -> Value {
    let Value::Object(like) = like else { return document.clone() };
    let Some(paths) = document["paths"].as_object() else { return document.clone() };
    let tools = paths.iter().filter(|(_, methods)| methods.get("post").is_some());
    let paths: Map<_, _> = tools.map(|(path, methods)| (path.clone(), methods.clone())).collect();
    let mut summary = Map::new();
    for key in like.keys() {
        let value = match key.as_str() {
            "paths" if like[key].is_array() => paths.keys().cloned().collect(),
            "paths" => paths.clone().into(),
            "security" => paths.values().next().map_or(Value::Null, |path| path["post"]["security"].clone()),
            key => document[key].clone(),
        };
        summary.insert(key.clone(), value);
    }
    summary.into()
}

/// Equality of JSON values with 33 equal to 33.0, and [`ANY`] equal to anything, an absent member included.
fn same(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::String(any), _) if any == ANY => true,
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            let mut keys = a.keys().chain(b.keys());
            keys.all(|key| same(a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null)))
        }
        (a, b) => a == b,
    }
}

/// The value without what depends on the day, and for the current time on the moment.
fn timeless(path: &str, value: &Value) -> Value {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    match value {
        Value::Array(items) => items.iter().map(|item| timeless(path, item)).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), timeless(path, value))).collect()
        }
        Value::String(text) if DAYS.contains(&text.as_str()) => "<weekday>".into(),
        Value::String(text) if is_moment(text) => {
            // `2026-11-21T12:00:00+00:00`: the day is 10 characters, the time 9 more.
            let known = if path.ends_with("/get_current_time") { 19 } else { 10 };
            format!("<moment>{}", &text[known..]).into()
        }
        other => other.clone(),
    }
}

fn is_moment(text: &str) -> bool {
    let like = b"dddd-dd-ddTdd:dd:dd";
    text.len() >= like.len()
        && text
            .bytes()
            .zip(like)
            .all(|(byte, &like)| if like == b'd' { byte.is_ascii_digit() } else { byte == like })
}
