//! The config file: its servers, wherever clients keep them, and who may call.
//!
//! A disabled server is not read, so it may be unfinished or name variables that are not set.

use crate::config::{
    AccessRules, ConfigError, Options, Server,
    json::{ConfigNode, ConfigObject, JsonText, inputs},
    nearest,
    server::{LoadContext, server},
};

/// The contents of a file: who may call, the enabled servers in order, and warnings.
#[derive(Debug)]
pub(super) struct File {
    pub access_rules: AccessRules,
    pub servers: Vec<Server>,
    /// The variables that hold secrets.
    pub secret_variables: Vec<String>,
    pub warnings: Vec<String>,
}

const EXAMPLE: &str = r#"{"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}"#;

/// The keys that hold servers: in most clients, in VS Code's `mcp.json`, and in Zed's settings.
const PLACES: [&str; 3] = ["mcpServers", "servers", "context_servers"];
/// Holds `servers` and `inputs` in VS Code's settings.
const WRAPPER: &str = "mcp";

impl File {
    /// Parses the text of the file called `name`. Its `access` block adds to the options about callers.
    pub(super) fn parse(
        name: &str,
        text: &str,
        context: LoadContext<'_>,
        options: &Options,
    ) -> Result<Self, ConfigError> {
        let source = JsonText::file(name, text, context.environment);
        let Some(tree) = source.parse()? else {
            return Err(ConfigError::at(
                name,
                format_args!("the file is empty; write, for example, {EXAMPLE}"),
            ));
        };
        let root = ConfigNode::root(&source, &tree).object()?;
        expect_keys(&root);
        // A misspelt "access" must not leave the gateway open.
        if let Some((key, node)) = root.entries().find(|(key, _)| near_access(key)) {
            return Err(node.error(format_args!("unknown key; rename \"{key}\" to \"access\"")));
        }
        let found = find_servers(&root)?;
        source.set_defaults(found.inputs.as_ref().map(inputs::defaults).transpose()?.unwrap_or_default());
        // `null` counts as absent elsewhere, but must not open the gateway either.
        let access = root.entries().find(|(key, _)| *key == "access").map(|(_, node)| node);
        let access_rules = AccessRules::new(options, access.as_ref())?;
        let servers = servers(&found.servers, context, access_rules.is_closed())?;
        let secret_variables = source.withheld();
        Ok(Self { access_rules, servers, secret_variables, warnings: source.into_warnings() })
    }
}

/// Warns of unknown keys, unless this is the settings file of an editor.
fn expect_keys(root: &ConfigObject<'_>) {
    if [WRAPPER, "context_servers"].iter().all(|settings| root.get(settings).is_none()) {
        // Editors use "$schema" for completion.
        root.expect_keys_beside(&["$schema"], &["mcpServers", "servers", "inputs", "access"]);
    }
}

/// Whether the key is a misspelt `access`.
fn near_access(key: &str) -> bool {
    key != "access" && nearest(key, &["access"]).is_some()
}

/// The servers, and the inputs that their strings may refer to.
struct ServerList<'a> {
    servers: ConfigNode<'a>,
    inputs: Option<ConfigNode<'a>>,
}

fn find_servers<'a>(root: &ConfigObject<'a>) -> Result<ServerList<'a>, ConfigError> {
    let wrapper = root.read(WRAPPER, ConfigNode::object)?;
    let mut places = PLACES.iter().filter_map(|key| root.get(key));
    let wrapped = wrapper.as_ref().and_then(|wrapper| wrapper.get("servers"));
    match (places.next(), places.next().or(wrapped.clone())) {
        (Some(first), Some(second)) => {
            Err(second
                .error(format_args!("there are servers under {} too; keep one of the two", first.key())))
        }
        (Some(servers), None) => Ok(ServerList { servers, inputs: root.get("inputs") }),
        (None, _) => match (wrapped, wrapper) {
            (Some(servers), Some(wrapper)) => Ok(ServerList { servers, inputs: wrapper.get("inputs") }),
            _ => Err(root.node().error(match root.nearest("mcpServers") {
                Some(near) if near != "mcpServers" => {
                    format!("no \"mcpServers\" in it; rename \"{near}\" to that")
                }
                _ => format!("no \"mcpServers\" in it; write, for example, {EXAMPLE}"),
            })),
        },
    }
}

fn servers(
    node: &ConfigNode<'_>,
    context: LoadContext<'_>,
    guarded: bool,
) -> Result<Vec<Server>, ConfigError> {
    let entries = node.object()?;
    let mut enabled = Vec::new();
    for (name, node) in entries.entries() {
        check_name(name, &node)?;
        let object = node.object()?;
        if is_enabled(&object)? {
            enabled.push(server(name, &object, context, guarded)?);
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

fn is_enabled(object: &ConfigObject<'_>) -> Result<bool, ConfigError> {
    let enabled = object.read("enabled", ConfigNode::boolean)?;
    match (object.get("disabled"), enabled) {
        (None, enabled) => Ok(enabled.unwrap_or(true)),
        (Some(node), enabled) => {
            let disabled = node.boolean()?;
            match enabled {
                Some(enabled) if enabled == disabled => {
                    Err(node.error("contradicts \"enabled\"; keep one of the two"))
                }
                _ => Ok(!disabled),
            }
        }
    }
}

fn check_name(name: &str, node: &ConfigNode<'_>) -> Result<(), ConfigError> {
    match name.trim() {
        "" => Err(node.error("a server's name is empty; give it one, as it becomes part of the URL")),
        // Clients remove these from a URL's path, encoded or not, before they send it.
        "." | ".." => Err(node.error("no URL can reach a server of this name; give it another")),
        _ => Ok(()),
    }
}
