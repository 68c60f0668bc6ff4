//! `tools/list`: all pages of a server's tools.

use std::{collections::HashSet, time::Duration};

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::timeout;
use tracing::warn;

use super::handle::ConnectionHandle;
use crate::upstream::protocol::{error::ConnectError, request::Params, tool::ToolDefinition};

/// A server that pages without end stops being listened to here.
const MOST_PAGES: usize = 1000;

/// How long a page after the first may take.
const FURTHER_PAGE: Duration = Duration::from_secs(10);

/// JSON-RPC 2.0 section 5.1.
const METHOD_NOT_FOUND: i64 = -32601;

/// A page of a list of tools, still to be read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    #[serde(borrow, default)]
    tools: Option<&'a RawValue>,
    /// To the letter: it is the server's alone. An empty text may lead to a page as well.
    #[serde(borrow, default)]
    next_cursor: Option<&'a RawValue>,
}

/// Which pages a list needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    /// Those that can be had: better some tools than none.
    AsCanBeHad,
    /// All: the former list is better than a part of the new one.
    All,
}

/// Lists all pages of the server's tools. A tool that cannot be read is left out, with a warning; a further page that
/// cannot be had costs no tool of those before.
pub(crate) async fn tools(
    server: &str,
    handle: &ConnectionHandle,
    pages: Pages,
) -> Result<Vec<ToolDefinition>, ConnectError> {
    let mut tools = Tools { server, found: Vec::new(), names: HashSet::new() };
    let mut seen = HashSet::new();
    let mut next = tools.add(&first_page(handle).await?)?;
    while let Some(cursor) = next.take() {
        if !seen.insert(cursor.get().to_owned()) {
            warn!(server, "stopped listing tools: the server repeats a page");
            break;
        }
        if seen.len() == MOST_PAGES {
            warn!(server, "stopped listing tools after {MOST_PAGES} pages");
            break;
        }
        let page = timeout(FURTHER_PAGE, page(handle, Some(&cursor))).await;
        let page = page.unwrap_or(Err(ConnectError::Timeout(FURTHER_PAGE)));
        next = match page.and_then(|page| tools.add(&page)) {
            Ok(next) => next,
            // Only the last page of some servers has an empty cursor, which they refuse.
            Err(_) if cursor.get() == "\"\"" => break,
            Err(error) if handle.inbound.is_closed() || pages == Pages::All => return Err(error),
            Err(error) => {
                warn!(server, %error, tools = tools.found.len(), "serves the tools of the pages that could be had");
                break;
            }
        };
    }
    handle.read_param_headers(server, &mut tools.found);
    Ok(tools.found)
}

async fn first_page(handle: &ConnectionHandle) -> Result<Box<RawValue>, ConnectError> {
    match page(handle, None).await {
        // A server of resources or prompts alone.
        Err(ConnectError::Listing { code: Some(METHOD_NOT_FOUND), .. }) => Ok(RawValue::NULL.to_owned()),
        page => page,
    }
}

async fn page(handle: &ConnectionHandle, cursor: Option<&RawValue>) -> Result<Box<RawValue>, ConnectError> {
    let params = Params { cursor, ..Params::default() };
    let page = handle.request("tools/list", params, handle.trust()).await?;
    page.map_err(|error| ConnectError::Listing { code: Some(error.code), reason: error.message })
}

/// Tools as they are found.
struct Tools<'a> {
    server: &'a str,
    found: Vec<ToolDefinition>,
    names: HashSet<String>,
}

impl Tools<'_> {
    /// Adds those of a page; gives the cursor of the next one.
    fn add(&mut self, page: &RawValue) -> Result<Option<Box<RawValue>>, ConnectError> {
        let page: Option<Page<'_>> = serde_json::from_str(page.get()).map_err(unreadable)?;
        let Some(page) = page else { return Ok(None) };
        let listed = page.tools.map(listed).transpose()?.unwrap_or_default();
        for tool in listed.into_iter().filter_map(|tool| ToolDefinition::read(self.server, tool)) {
            if self.names.insert(tool.name.clone()) {
                self.found.push(tool);
            } else {
                warn!(
                    server = self.server,
                    tool = tool.name,
                    "left out a tool: the server lists its name twice"
                );
            }
        }
        let next = page.next_cursor.filter(|cursor| cursor.get() != "false");
        Ok(next.map(ToOwned::to_owned))
    }
}

/// The tools of a page. Some servers write a list with gaps, or an empty one, as an object.
fn listed(tools: &RawValue) -> Result<Vec<&RawValue>, ConnectError> {
    if tools.get().starts_with('{') {
        let members: IndexMap<String, &RawValue> = serde_json::from_str(tools.get()).map_err(unreadable)?;
        return Ok(members.into_values().collect());
    }
    serde_json::from_str(tools.get()).map_err(unreadable)
}

#[expect(clippy::needless_pass_by_value, reason = "it is for map_err")]
fn unreadable(error: serde_json::Error) -> ConnectError {
    ConnectError::Listing { code: None, reason: error.to_string() }
}
