//! What a caller may do: which servers, which tools, and whether only read-only ones.

use std::sync::Arc;

use wildmatch::WildMatch;

use crate::config::{
    ConfigError,
    json::{ConfigNode, ConfigObject},
};

/// The keys of an object that limit a permission.
pub(crate) const KEYS: [&str; 3] = ["servers", "tools", "readOnly"];

/// What a caller may do.
#[derive(Debug, Clone, PartialEq)]
pub struct Permission(Option<Arc<[Rule]>>);

/// One rule; a call needs to satisfy one of them.
#[derive(Debug, Clone, PartialEq)]
struct Rule {
    servers: Option<Vec<WildMatch>>,
    tools: Option<Vec<WildMatch>>,
    read_only: bool,
}

impl Permission {
    /// Everything.
    pub const FULL: Self = Self(None);

    /// Reads the limits in `object`. Without any, everything is permitted.
    pub(crate) fn of(object: &ConfigObject<'_>) -> Result<Self, ConfigError> {
        let rule = Rule {
            servers: object.read("servers", patterns)?,
            tools: object.read("tools", patterns)?,
            read_only: object.read("readOnly", ConfigNode::boolean)?.unwrap_or_default(),
        };
        let limited = rule.servers.is_some() || rule.tools.is_some() || rule.read_only;
        Ok(Self(limited.then(|| Arc::from([rule]))))
    }

    /// Returns a permission for everything that any of these allows. Without any, it allows nothing.
    pub fn union<'a>(permissions: impl IntoIterator<Item = &'a Self>) -> Self {
        let rules: Option<Vec<_>> = permissions.into_iter().map(|permission| permission.0.as_ref()).collect();
        Self(rules.map(|rules| rules.into_iter().flat_map(|rules| rules.iter().cloned()).collect()))
    }

    /// Whether it permits less than everything.
    pub fn is_limited(&self) -> bool {
        self.0.is_some()
    }

    /// Whether some tool of the server may be callable.
    pub fn reaches(&self, server: &str) -> bool {
        self.any(|rule| rule.reaches(server))
    }

    /// Whether the tool may be called.
    pub fn allows(&self, server: &str, tool: &str, read_only: bool) -> bool {
        let names = |rule: &Rule| rule.reaches(server) && matches(&rule.tools, tool);
        self.any(|rule| names(rule) && (read_only || !rule.read_only))
    }

    fn any(&self, allows: impl Fn(&Rule) -> bool) -> bool {
        self.0.as_ref().is_none_or(|rules| rules.iter().any(allows))
    }
}

impl Rule {
    fn reaches(&self, server: &str) -> bool {
        matches(&self.servers, server) && self.tools.as_ref().is_none_or(|tools| !tools.is_empty())
    }
}

/// Reads name patterns: `*` matches any characters, `?` matches one.
fn patterns(node: &ConfigNode<'_>) -> Result<Vec<WildMatch>, ConfigError> {
    let patterns = node.strings()?;
    if patterns.is_empty() {
        node.warn("an empty list allows nothing");
    }
    Ok(patterns.iter().map(|pattern| WildMatch::new(pattern)).collect())
}

fn matches(patterns: &Option<Vec<WildMatch>>, name: &str) -> bool {
    patterns.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(servers: &[&str], tools: &[&str], read_only: bool) -> Permission {
        let patterns = |list: &[&str]| {
            (!list.is_empty()).then(|| list.iter().map(|pattern| WildMatch::new(pattern)).collect())
        };
        Permission(Some(Arc::from([Rule { servers: patterns(servers), tools: patterns(tools), read_only }])))
    }

    #[test]
    fn servers_and_tools_are_named_by_patterns() {
        let permission = limited(&["git*", "time"], &["get_?", "list*"], false);
        for (server, tool, allowed) in [
            ("git", "list", true),
            ("github", "list_issues", true),
            ("time", "get_1", true),
            ("time", "get_12", false),
            ("timer", "list", false),
            ("Git", "list", false),
            ("time", "unlist", false),
        ] {
            assert_eq!(permission.allows(server, tool, false), allowed, "{server} {tool}");
        }
        assert!(permission.reaches("github") && !permission.reaches("timer"));
    }

    #[test]
    fn rules_add_up_and_never_mix() {
        let permission = Permission::union([&limited(&["a"], &["x"], false), &limited(&["b"], &[], true)]);
        assert!(permission.allows("a", "x", false));
        assert!(!permission.allows("a", "y", true), "the tools of b are not those of a");
        assert!(permission.allows("b", "y", true) && !permission.allows("b", "x", false));
    }

    #[test]
    fn nothing_is_withheld_where_one_of_several_withholds_nothing() {
        let permission = Permission::union([&limited(&["a"], &[], false), &Permission::FULL]);
        assert_eq!(permission, Permission::FULL);
        assert!(!Permission::union([]).reaches("a"), "none of several is nothing");
    }
}
