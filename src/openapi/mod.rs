//! The catalogue as OpenAPI 3.1.0 documents, serialized once, with an ETag.
//!
//! Pure: a document is a function of the catalogue and of [`Settings`]. It is built as a JSON value, because no typed
//! model of OpenAPI preserves upstream schemas completely.

mod components;
mod operation;

use bytes::Bytes;
use indexmap::IndexMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};
use sha2::{Digest, Sha256};

use crate::{
    catalogue::{Components, ServerCatalogue, Tool},
    config::{About, BasePath, OperationIds},
};

/// The characters that a path segment may hold unencoded (RFC 3986 section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The heading of the links in the root document.
///
/// Its full-width colon is kept because clients of the Python mcpo have always seen it.
const LINKS: &str = "\n\n- **available tools**：";

/// Settings that all documents of one gateway share.
#[derive(Debug)]
pub struct Settings {
    /// The options for name, description and version of the document.
    pub about: About,
    /// The path prefixes of links.
    pub base: BasePath,
    /// The style of operation ids.
    pub operation_ids: OperationIds,
}

/// A document as it is served.
#[derive(Debug)]
pub struct Document {
    /// Its title, for the page around it.
    pub title: String,
    /// The JSON text.
    pub body: Bytes,
    /// Its [`entity_tag`].
    pub etag: String,
}

impl Document {
    fn new(title: &str, value: &Value) -> Self {
        Self::of(title, value.to_string().into())
    }

    fn of(title: &str, body: Bytes) -> Self {
        Self { title: title.to_owned(), etag: entity_tag(&body), body }
    }

    /// Returns the document with its URLs below `prefix`; `None` if its body is not JSON.
    ///
    /// The document must have been built without a root path.
    pub fn under(&self, prefix: &str) -> Option<Self> {
        // All else stays text.
        let mut members: IndexMap<String, Box<RawValue>> = serde_json::from_slice(&self.body).ok()?;
        let read =
            |member: &str| members.get(member).and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        let (servers, mut info) = (read("servers").unwrap_or_default(), read("info").unwrap_or_default());
        let server = servers.pointer("/0/url").and_then(Value::as_str).unwrap_or_default();
        let servers = json!([{ "url": format!("{prefix}{server}") }]);
        let description = info["description"].as_str().unwrap_or_default();
        if let Some((before, links)) = description.split_once(LINKS) {
            let links = links.replace("](/", &format!("]({prefix}/"));
            info["description"] = format!("{before}{LINKS}{links}").into();
        }
        for (member, value) in [("servers", servers), ("info", info)] {
            members.insert(member.to_owned(), to_raw_value(&value).ok()?);
        }
        Some(Self::of(&self.title, serde_json::to_vec(&members).ok()?.into()))
    }
}

/// The strong entity tag of `body` (RFC 9110 section 8.8.3), quotes included.
pub fn entity_tag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    digest.iter().take(16).fold(String::from("\""), |tag, byte| format!("{tag}{byte:02x}")) + "\""
}

/// Percent-encodes one path segment.
pub fn encode_segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

/// A server's document, its parts as text.
#[derive(Serialize)]
struct ServerDocument {
    openapi: &'static str,
    info: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    servers: Option<Value>,
    paths: IndexMap<String, Box<RawValue>>,
    components: DocumentComponents,
}

#[derive(Serialize)]
struct DocumentComponents {
    schemas: IndexMap<String, Box<RawValue>>,
    #[serde(rename = "securitySchemes", skip_serializing_if = "Option::is_none")]
    security_schemes: Option<Value>,
}

/// Builds the document of one server, with the tools for which `shown` holds.
///
/// `mount` is the server's name if the gateway serves several, and `None` if this is the only one. If `secured`, calls
/// need a credential.
pub fn server_document(
    server: &ServerCatalogue,
    mount: Option<&str>,
    settings: &Settings,
    secured: bool,
    shown: impl Fn(&Tool) -> bool,
) -> Document {
    let mut components = Components::default();
    components::add_errors(&mut components);
    // Each operation becomes text at once: there may be thousands, and values take ten times the memory.
    let paths: IndexMap<String, Box<RawValue>> = server
        .tools
        .values()
        .filter(|tool| shown(tool))
        .map(|tool| {
            let item = json!({ "post": operation::post(tool, secured, &mut components) });
            (format!("/{}", encode_segment(&tool.name)), to_raw_value(&item).unwrap_or_default())
        })
        .collect();
    let document = ServerDocument {
        openapi: "3.1.0",
        info: info(server, mount, settings),
        servers: server_url(mount, settings).map(|url| json!([{ "url": url }])),
        paths,
        components: DocumentComponents {
            schemas: components.into_schemas(),
            security_schemes: secured
                .then(|| json!({ "HTTPBearer": { "type": "http", "scheme": "bearer" } })),
        },
    };
    let title = document.info["title"].as_str().unwrap_or_default().to_owned();
    // A document of texts and values can always be written.
    Document::of(&title, serde_json::to_vec(&document).unwrap_or_default().into())
}

/// Builds the root document of a gateway with several servers: links to their documents, and the gateway's `own`
/// operations.
pub fn root_document<'a>(
    connected: impl Iterator<Item = &'a str>,
    own: &OwnRoutes,
    settings: &Settings,
) -> Document {
    let about = &settings.about;
    let title = root_title(settings);
    let mut description = about
        .description
        .clone()
        .unwrap_or_else(|| "Automatically generated API from MCP Tool Schemas".into());
    description.push_str(LINKS);
    let BasePath { root, prefix } = &settings.base;
    for name in connected {
        description.push_str(&format!("\n    - [{name}]({root}{prefix}/{}/docs)", encode_segment(name)));
    }
    let version = about.version.as_deref().unwrap_or("1.0");
    let mut document = json!({
        "openapi": "3.1.0",
        "info": { "title": title, "description": description, "version": version },
    });
    if !root.is_empty() {
        document["servers"] = json!([{ "url": root }]);
    }
    document["paths"] = own.paths.clone();
    document["components"] = json!({ "schemas": own.schemas });
    Document::new(title, &document)
}

/// The title of the document at the root of several servers.
pub fn root_title(settings: &Settings) -> &str {
    settings.about.name.as_deref().unwrap_or("MCP OpenAPI Proxy")
}

/// The gateway's own routes, as documented by paperclip.
#[derive(Debug)]
pub struct OwnRoutes {
    paths: Value,
    schemas: Value,
}

impl OwnRoutes {
    /// Extracts the routes from paperclip's OpenAPI 3.0 document, which describes them in terms that are also valid in
    /// 3.1.
    pub fn new(mut document: Value) -> Self {
        let mut take = |pointer: &str| document.pointer_mut(pointer).map_or_else(|| json!({}), Value::take);
        Self { paths: take("/paths"), schemas: take("/components/schemas") }
    }
}

fn info(server: &ServerCatalogue, mount: Option<&str>, settings: &Settings) -> Value {
    // The options describe the whole API, so they apply to a server only if it is the whole API.
    let about = if mount.is_some() { About::default() } else { settings.about.clone() };
    let told = &server.info;
    let described = || told.instructions.clone().unwrap_or_else(|| format!("{} MCP Server", told.name));
    json!({
        "title": about.name.unwrap_or_else(|| told.name.clone()),
        "description": about.description.unwrap_or_else(described),
        "version": about.version.unwrap_or_else(|| told.version.clone()),
    })
}

fn server_url(mount: Option<&str>, settings: &Settings) -> Option<String> {
    let BasePath { root, prefix } = &settings.base;
    let mount = mount.map(|name| format!("/{}", encode_segment(name))).unwrap_or_default();
    let url = format!("{root}{prefix}{mount}");
    (!url.is_empty()).then_some(url)
}
