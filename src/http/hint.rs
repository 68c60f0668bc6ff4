//! What may have been meant by a path that leads nowhere. For callers to whom nothing is withheld: a hint tells names.

use super::{
    offer::Offer,
    path,
    state::{Gateway, Snapshot},
};
use crate::{config::nearest, openapi::encode_segment};

/// A name longer than this, in bytes, is no slip of somebody's; and the time that comparing takes grows with it.
const LONGEST: usize = 100;
/// How many names are compared.
const MOST: usize = 1000;

/// What `path` may have meant, whose first part is no server's name.
pub(super) fn server(gateway: &Gateway, snapshot: &Snapshot, path: &str) -> Option<String> {
    let prefix = &gateway.settings.base.prefix;
    let (name, _) = path::split_first(path::without_prefix(path, prefix)?)?;
    let name = &*name;
    let names: Vec<&str> = snapshot.servers().map(|(name, _)| name).collect();
    if let Some(meant) = near(name, names.into_iter()) {
        return Some(format!("there is no server \"{name}\"; did you mean \"{meant}\"?"));
    }
    let has_it = |offer: &Offer| offer.tool(name).is_some();
    let (server, _) = snapshot.servers().find(|(_, entry)| entry.offer.as_deref().is_some_and(has_it))?;
    let path = format!("{prefix}/{}/{}", encode_segment(server), encode_segment(name));
    Some(format!("\"{name}\" is a tool of the server \"{server}\"; did you mean {path}?"))
}

/// What the `rest` of a path may have meant, which is no name of a tool of the server that the path leads to.
pub(super) fn tool(offer: &Offer, rest: &str) -> Option<String> {
    let name = &*path::decode(rest.strip_prefix('/')?)?;
    let tools = &offer.catalogue.tools;
    // Models take an operation's id for the tool's name, and clients of several servers put the server's before it.
    let by_id = || tools.values().find(|tool| tool.operation_id == name).map(|tool| tool.name.as_str());
    let last = || tools.get(name.rsplit('/').next()?).map(|tool| tool.name.as_str());
    let meant = by_id().or_else(last).or_else(|| near(name, tools.keys().map(String::as_str)))?;
    Some(format!("there is no tool \"{name}\"; did you mean \"{meant}\"?"))
}

fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.filter(|known| known.len() <= LONGEST).take(MOST).collect();
    (name.len() <= LONGEST).then(|| nearest(name, &known)).flatten()
}
