//! `tools/list`: all pages of a server's tools, within bounds.
//!
//! Invariant: what is kept of a list has at most [`MOST_BYTES`], in at most [`MOST_TOOLS`] tools. What does not fit is
//! left out, and the log says so.

use std::{collections::HashSet, time::Duration};

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::timeout;
use tracing::warn;

use super::handle::ConnectionHandle;
use crate::{
    bounds::Bound,
    upstream::protocol::{
        error::{ConnectError, TransportError},
        json_rpc::bounded_list::BoundedList,
        request::Params,
        tool::ToolDefinition,
        warnings::Warnings,
    },
};

/// The most tools that a server may have.
const MOST_TOOLS: usize = 5_000;
/// How large their definitions may be together, in bytes.
const MOST_BYTES: usize = 8 << 20;
/// How often a name counts beside that: documents, logs and metrics repeat it.
const NAME_COUNTS: usize = 10;
/// How much is received for one list, in bytes: pages may hold more than tools.
const MOST_RECEIVED: usize = 3 * MOST_BYTES;
/// The longest cursor that is sent back, in bytes.
const LONGEST_CURSOR: usize = 16 << 10;

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
    let mut tools = Tools::new(server);
    let mut seen = HashSet::new();
    let mut next = tools.add(&first_page(handle).await?)?;
    while let Some(cursor) = next.take().filter(|cursor| tools.goes_on(cursor)) {
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
    let mut found = tools.finish();
    handle.read_param_headers(server, &mut found);
    Ok(found)
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
    let page = handle.request("tools/list", params, handle.trust()).await.inspect_err(|error| {
        if matches!(error, TransportError::TooLarge(_)) {
            Bound::ToolList.hit();
        }
    })?;
    let page = page.map(|page| page.into_parts().0);
    page.map_err(|error| ConnectError::Listing { code: Some(error.code), reason: error.message })
}

/// Tools as they are found.
struct Tools<'a> {
    server: &'a str,
    found: Vec<ToolDefinition>,
    names: HashSet<String>,
    warnings: Warnings<'a>,
    /// The size of the definitions found so far, in bytes.
    bytes: usize,
    /// The size of the pages received so far, in bytes.
    received: usize,
    /// How many tools did not fit.
    beyond: usize,
}

impl<'a> Tools<'a> {
    fn new(server: &'a str) -> Self {
        let (found, names, warnings) = (Vec::new(), HashSet::new(), Warnings::new(server));
        Self { server, found, names, warnings, bytes: 0, received: 0, beyond: 0 }
    }

    /// Adds those of a page; gives the cursor of the next one.
    fn add(&mut self, page: &RawValue) -> Result<Option<Box<RawValue>>, ConnectError> {
        self.received += page.get().len();
        let page: Option<Page<'_>> = serde_json::from_str(page.get()).map_err(unreadable)?;
        let Some(page) = page else { return Ok(None) };
        let listed = page.tools.map(|tools| serde_json::from_str(tools.get())).transpose();
        let listed: BoundedList<'_, MOST_TOOLS> = listed.map_err(unreadable)?.unwrap_or_default();
        self.beyond += listed.beyond;
        for raw in listed.items {
            self.add_tool(raw);
        }
        let next = page.next_cursor.filter(|cursor| cursor.get() != "false");
        Ok(next.map(ToOwned::to_owned))
    }

    fn add_tool(&mut self, raw: &RawValue) {
        if self.found.len() == MOST_TOOLS || self.bytes + raw.get().len() > MOST_BYTES {
            self.beyond += 1;
            return;
        }
        let Some(tool) = ToolDefinition::read(raw, &self.warnings) else { return };
        let size = raw.get().len() + NAME_COUNTS * tool.name.len();
        if self.bytes + size > MOST_BYTES {
            self.beyond += 1;
        } else if self.names.insert(tool.name.clone()) {
            self.bytes += size;
            self.found.push(tool);
        } else {
            self.warnings.warn(&tool.name, "left out a tool: the server lists its name twice");
        }
    }

    /// Whether the page at `cursor` is asked for.
    fn goes_on(&self, cursor: &RawValue) -> bool {
        let server = self.server;
        if self.beyond > 0 {
            return false;
        }
        if cursor.get().len() > LONGEST_CURSOR {
            warn!(server, "stopped listing tools: the cursor of a page has more than {LONGEST_CURSOR} bytes");
        } else if self.received > MOST_RECEIVED {
            warn!(server, "stopped listing tools: the pages have more than {MOST_RECEIVED} bytes");
        } else {
            return true;
        }
        Bound::ToolList.hit();
        false
    }

    /// All that were found. Says how many were not.
    fn finish(self) -> Vec<ToolDefinition> {
        let Self { server, found, beyond, .. } = self;
        if beyond > 0 {
            Bound::ToolList.hit();
            let reason = format!("a server may have {MOST_TOOLS} tools, and {MOST_BYTES} bytes of them");
            warn!(server, served = found.len(), left_out = beyond, reason, "left out tools that do not fit");
        }
        found
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is for map_err")]
fn unreadable(error: serde_json::Error) -> ConnectError {
    ConnectError::Listing { code: None, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pages: &[String]) -> Tools<'static> {
        let mut tools = Tools::new("test");
        for page in pages {
            tools.add(&RawValue::from_string(page.clone()).unwrap()).unwrap();
        }
        tools
    }

    fn page(tools: impl Iterator<Item = String>) -> String {
        format!(r#"{{"tools":[{}]}}"#, tools.collect::<Vec<_>>().join(","))
    }

    #[test]
    fn as_many_tools_as_fit_are_served() {
        let many = list(&[page((0..=MOST_TOOLS + 5).map(|n| format!(r#"{{"name":"t{n}"}}"#)))]);
        assert_eq!((many.found.len(), many.beyond), (MOST_TOOLS, 6));
        let large = |n: usize| format!(r#"{{"name":"t{n}","description":"{}"}}"#, "d".repeat(1_000_000));
        let names = list(&[page((0..20).map(|n| format!(r#"{{"name":"{n}{}"}}"#, "n".repeat(100_000))))]);
        assert_eq!((names.found.len(), names.beyond), (7, 13));
        let pages: Vec<String> = (0..4).map(|p| page((3 * p..3 * p + 3).map(large))).collect();
        let large = list(&pages);
        assert_eq!((large.found.len(), large.beyond), (8, 4));
        let cursor = RawValue::from_string("7".to_owned()).unwrap();
        assert!(!large.goes_on(&cursor) && list(&pages[..2]).goes_on(&cursor));
    }

    #[test]
    fn a_list_may_be_an_object() {
        let listed = list(&[r#"{"tools":{"0":{"name":"a"},"2":{"name":"b"}}}"#.to_owned()]);
        assert_eq!(listed.found.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let text = RawValue::from_string(r#"{"tools":"none"}"#.to_owned()).unwrap();
        assert!(Tools::new("test").add(&text).is_err());
    }
}
