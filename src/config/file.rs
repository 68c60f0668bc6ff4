//! The config file: `mcpServers` as Claude Desktop writes it, and what mcpo adds to it.
//!
//! Every key is listed here once. A disabled server is not looked into, so that it may be unfinished or name
//! variables that are not set.

use std::collections::HashSet;

use http::{HeaderMap, header::AUTHORIZATION};
use indexmap::IndexMap;

use super::{
    Bounds, Guard, OAuth, Remote, ResultStyle, Server, Stdio, ToolFilter, Transport, Upstream, Validation,
    bounds,
    environment::Environment,
    error::{ConfigError, nearest},
    forwarding,
    json::{Node, Object},
    oauth,
    options::Options,
    remote,
    source::Source,
};
use crate::secret::SecretString;

/// What a file gives: who may call, its servers in order, without the disabled ones, and what was odd.
#[derive(Debug)]
pub(super) struct File {
    pub guard: Guard,
    pub servers: Vec<Server>,
    /// The variables that callers' keys are read from.
    pub key_variables: Vec<String>,
    pub warnings: Vec<String>,
}

/// Added to what a server's process inherits, below its own `env`.
pub(super) type Overlay = IndexMap<String, SecretString>;

const EXAMPLE: &str = r#"{"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}"#;

const STDIO_KEYS: [&str; 6] = ["command", "args", "env", "cwd", "inherit_env", "inheritEnv"];
const REMOTE_KEYS: [&str; 3] = ["url", "headers", "oauth"];
const COMMON_KEYS: [&str; 9] = [
    "type",
    "disabled",
    "disabledTools",
    "disabled_tools",
    "enabledTools",
    "enabled_tools",
    "validation",
    "results",
    "client_header_forwarding",
];

/// What every server is read with.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub environment: &'a Environment,
    pub overlay: &'a Overlay,
    pub bounds: Bounds,
}

impl File {
    /// Parses the text of the file called `name`, which adds to what `options` say of callers.
    pub(super) fn parse(
        name: &str,
        text: &str,
        around: Surroundings<'_>,
        options: &Options,
    ) -> Result<Self, ConfigError> {
        let source = Source::file(name, text, around.environment);
        let Some(tree) = source.parse()? else {
            return Err(ConfigError::at(
                name,
                format_args!("the file is empty; write, for example, {EXAMPLE}"),
            ));
        };
        let root = Node::root(&source, &tree).object()?;
        // "$schema" is how editors are told what to complete.
        root.expect_keys(&["mcpServers", "access", "$schema"]);
        // What is meant to close the gateway must not leave it open.
        if let Some((key, node)) = root.entries().find(|(key, _)| near_access(key)) {
            return Err(node.error(format_args!("unknown key; rename \"{key}\" to \"access\"")));
        }
        // Nor must `null`, which elsewhere counts as absent.
        let access = root.entries().find(|(key, _)| *key == "access").map(|(_, node)| node);
        let guard = Guard::new(options, access.as_ref())?;
        let key_variables = source.withheld();
        // What keys are read from is for no server, wherever it is set.
        let mut overlay = around.overlay.clone();
        overlay.retain(|name, _| !key_variables.contains(name));
        let around = Surroundings { overlay: &overlay, ..around };
        let servers = servers(&root, around, guard.is_closed())?;
        Ok(Self { guard, servers, key_variables, warnings: source.into_warnings() })
    }
}

/// Whether `access` was meant, and not written.
fn near_access(key: &str) -> bool {
    key != "access" && nearest(key, &["access"]).is_some()
}

fn servers(root: &Object<'_>, around: Surroundings<'_>, guarded: bool) -> Result<Vec<Server>, ConfigError> {
    let Some(node) = root.get("mcpServers") else {
        return Err(root.node().error(match root.nearest("mcpServers") {
            Some(near) if near != "mcpServers" => {
                format!("no \"mcpServers\" in it; rename \"{near}\" to that")
            }
            _ => format!("no \"mcpServers\" in it; write, for example, {EXAMPLE}"),
        }));
    };
    let entries = node.object()?;
    let mut enabled = Vec::new();
    for (name, node) in entries.entries() {
        check_name(name, &node)?;
        let object = node.object()?;
        if !object.read("disabled", Node::boolean)?.unwrap_or_default() {
            enabled.push(server(name, &object, around, guarded)?);
        }
    }
    if entries.entries().next().is_none() {
        return Err(node.error(format_args!("no server in it; write, for example, {EXAMPLE}")));
    }
    if enabled.is_empty() {
        node.warn("every server is disabled, so nothing is served");
    }
    Ok(enabled)
}

fn check_name(name: &str, node: &Node<'_>) -> Result<(), ConfigError> {
    match name.trim() {
        "" => Err(node.error("a server's name is empty; give it one, as it becomes part of the URL")),
        // Clients remove these from a URL's path, encoded or not, before they send it.
        "." | ".." => Err(node.error("no URL can reach a server of this name; give it another")),
        _ => Ok(()),
    }
}

fn server(
    name: &str,
    object: &Object<'_>,
    around: Surroundings<'_>,
    guarded: bool,
) -> Result<Server, ConfigError> {
    object.expect_keys(&[&STDIO_KEYS[..], &REMOTE_KEYS, &COMMON_KEYS, &bounds::KEYS].concat());
    let upstream = upstream(object, around)?;
    let (unfit, kind) = match upstream {
        Upstream::Stdio(_) => (&REMOTE_KEYS[..], "\"command\""),
        _ => (&STDIO_KEYS[..], "\"url\""),
    };
    for node in unfit.iter().filter_map(|key| object.get(key)) {
        node.warn(format_args!("has no effect on a server with {kind}"));
    }
    let oauth = oauth(object, &upstream)?;
    let own = own_headers(&upstream, oauth.is_some() || guarded);
    let forwarding = object.read("client_header_forwarding", |node| forwarding::parse(node, own))?.flatten();
    Ok(Server {
        name: name.to_owned(),
        oauth,
        upstream,
        tools: tools(object)?,
        validation: object.read("validation", validation)?.unwrap_or_default(),
        results: object.read("results", results)?.unwrap_or_default(),
        bounds: around.bounds.of_server(object)?,
        forwarding,
    })
}

/// The headers that callers can set no more: configured ones, and the one that holds the gateway's key or its token.
fn own_headers(upstream: &Upstream, authorization: bool) -> Vec<String> {
    let configured = upstream.remote().into_iter().flat_map(|remote| remote.headers.keys());
    configured.chain(authorization.then_some(&AUTHORIZATION)).map(ToString::to_string).collect()
}

fn oauth(object: &Object<'_>, upstream: &Upstream) -> Result<Option<OAuth>, ConfigError> {
    let (Some(node), Some(remote)) = (object.get("oauth"), upstream.remote()) else { return Ok(None) };
    if remote.headers.contains_key(AUTHORIZATION) {
        node.warn("once there is a token, it replaces the Authorization in \"headers\"");
    }
    oauth::parse(&node).map(Some)
}

/// A server with nothing set but how it is reached.
pub(super) fn plain_server(name: &str, upstream: Upstream, bounds: Bounds) -> Server {
    Server {
        name: name.to_owned(),
        upstream,
        tools: ToolFilter::default(),
        validation: Validation::default(),
        results: ResultStyle::default(),
        bounds,
        oauth: None,
        forwarding: None,
    }
}

fn upstream(object: &Object<'_>, around: Surroundings<'_>) -> Result<Upstream, ConfigError> {
    let transport = object.read("type", transport)?;
    match (object.get("command"), object.get("url")) {
        (Some(_), Some(url)) => Err(
            url.error("a server has \"command\" or \"url\", not both; remove one, or make two servers of it")
        ),
        (None, None) => Err(object.node().error(match transport {
            None => "a server needs \"command\" (a program to start) or \"url\" (a remote server)",
            Some(Transport::Stdio) => "a server of type \"stdio\" needs \"command\"",
            Some(_) => "a server of this type needs \"url\"",
        })),
        (Some(command), None) => match transport {
            None | Some(Transport::Stdio) => stdio(object, &command, around).map(Upstream::Stdio),
            Some(_) => Err(command.error("does not fit the server's type; use \"url\", or type \"stdio\"")),
        },
        (None, Some(url)) => match transport {
            None => remote(object, &url).map(Upstream::Probe),
            Some(Transport::Http) => remote(object, &url).map(Upstream::Http),
            Some(Transport::Sse) => remote(object, &url).map(Upstream::Sse),
            Some(Transport::Stdio) => {
                Err(url.error("does not fit type \"stdio\"; use \"command\", or leave the type out"))
            }
        },
    }
}

fn stdio(object: &Object<'_>, command: &Node<'_>, around: Surroundings<'_>) -> Result<Stdio, ConfigError> {
    let program = command.string()?;
    if program.is_empty() {
        return Err(command.error("is empty; name the program to start"));
    }
    let inherits = object.either("inherit_env", "inheritEnv")?.map(|node| node.boolean()).transpose()?;
    let inherits = inherits.unwrap_or(true);
    let mut env = if inherits { Overlay::default() } else { around.environment.bare_necessities() };
    env.extend(around.overlay.clone());
    env.extend(object.read("env", variables)?.unwrap_or_default());
    Ok(Stdio {
        inherits,
        withheld: vec![],
        program: around.environment.program(&program),
        args: object.read("args", Node::strings)?.unwrap_or_default(),
        env,
        cwd: object.read("cwd", Node::string)?.map(Into::into),
    })
}

fn variables(node: &Node<'_>) -> Result<Overlay, ConfigError> {
    let variable = |(name, node): (&str, Node<'_>)| {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(node.error("not the name of an environment variable"));
        }
        Ok((name.to_owned(), node.text()?.into()))
    };
    node.object()?.entries().map(variable).collect()
}

fn remote(object: &Object<'_>, url: &Node<'_>) -> Result<Remote, ConfigError> {
    let parsed = remote::url(&url.string()?).map_err(|error| url.error(error))?;
    Ok(Remote { url: parsed, headers: object.read("headers", headers)?.unwrap_or_default() })
}

/// An object of header names and values.
pub(super) fn headers(node: &Node<'_>) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    for (name, node) in node.object()?.entries() {
        remote::add_header(&mut headers, name, &node.string()?).map_err(|error| node.error(error))?;
    }
    Ok(headers)
}

fn tools(object: &Object<'_>) -> Result<ToolFilter, ConfigError> {
    let set = |key, other| -> Result<Option<HashSet<String>>, ConfigError> {
        let names = object.either(key, other)?.map(|node| node.strings()).transpose()?;
        Ok(names.map(HashSet::from_iter))
    };
    Ok(ToolFilter {
        enabled: set("enabledTools", "enabled_tools")?,
        disabled: set("disabledTools", "disabled_tools")?.unwrap_or_default(),
    })
}

fn transport(node: &Node<'_>) -> Result<Transport, ConfigError> {
    let text = node.string()?;
    Transport::parse(&text).ok_or_else(|| {
        node.error(format_args!("unknown type \"{text}\"; use \"stdio\", \"sse\" or \"streamable-http\""))
    })
}

fn validation(node: &Node<'_>) -> Result<Validation, ConfigError> {
    match node.string()?.as_str() {
        "lax" => Ok(Validation::Lax),
        "strict" => Ok(Validation::Strict),
        "off" => Ok(Validation::Off),
        other => {
            Err(node.error(format_args!("unknown value \"{other}\"; use \"lax\", \"strict\" or \"off\"")))
        }
    }
}

fn results(node: &Node<'_>) -> Result<ResultStyle, ConfigError> {
    match node.string()?.as_str() {
        "auto" => Ok(ResultStyle::Auto),
        "text" => Ok(ResultStyle::Text),
        other => Err(node.error(format_args!("unknown value \"{other}\"; use \"auto\" or \"text\""))),
    }
}
