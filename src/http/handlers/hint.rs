//! Suggestions for paths that are not found, only for callers with full permission, because a hint reveals names.

use std::sync::Arc;

use crate::{
    config::nearest,
    http::path,
    openapi::encode_segment,
    registry::{Served, Snapshot},
};

/// The longest name that is compared, in bytes, because longer ones are not typing errors and take more time.
const LONGEST: usize = 100;
/// The most names that are compared.
const MOST: usize = 1000;

/// Returns a hint for a `path` whose first segment is not the name of a server; `None` if nothing is similar.
pub(super) fn server(prefix: &str, snapshot: &Snapshot, path: &str) -> Option<String> {
    let (name, _) = path::split_first(path::without_prefix(path, prefix)?)?;
    let name = &*name;
    let names = snapshot.servers().map(|entry| entry.name());
    if let Some(meant) = near(name, names) {
        return Some(format!("there is no server \"{name}\"; did you mean \"{meant}\"?"));
    }
    let has_it = |served: &Arc<Served>| served.tool(name).is_some();
    let server = snapshot.servers().find(|entry| entry.last_served().is_some_and(has_it))?.name();
    let path = format!("{prefix}/{}/{}", encode_segment(server), encode_segment(name));
    Some(format!("\"{name}\" is a tool of the server \"{server}\"; did you mean {path}?"))
}

/// Returns a hint for the `rest` of a path that is not the name of a tool; `None` if nothing is similar.
pub(super) fn tool(served: &Served, rest: &str) -> Option<String> {
    let name = &*path::decode(rest.strip_prefix('/')?)?;
    let tools = &served.catalogue.tools;
    // Models use the operation id as the tool's name, and clients of several servers prepend the server's name.
    let by_id = || tools.values().find(|tool| tool.operation_id == name).map(|tool| tool.name.as_str());
    let last = || tools.get(name.rsplit('/').next()?).map(|tool| tool.name.as_str());
    let meant = by_id().or_else(last).or_else(|| near(name, tools.keys().map(String::as_str)))?;
    Some(format!("there is no tool \"{name}\"; did you mean \"{meant}\"?"))
}

fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.filter(|known| known.len() <= LONGEST).take(MOST).collect();
    (name.len() <= LONGEST).then(|| nearest(name, &known)).flatten()
}
