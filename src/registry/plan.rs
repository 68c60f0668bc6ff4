//! The difference between two configurations: what a reload has to do. Pure.

use std::collections::{HashMap, HashSet};

use crate::{
    config::{Config, Server},
    secret::same,
};

/// What leads from one configuration to another.
#[derive(Debug, Default)]
pub struct Plan {
    /// Servers to start.
    pub added: Vec<Server>,
    /// Servers whose entry differs.
    pub changed: Vec<Server>,
    /// The names of servers to end.
    pub removed: Vec<String>,
    /// Whether the order of the remaining servers differs.
    pub reordered: bool,
    /// How many servers are not touched.
    pub kept: usize,
    /// Whether the access rules differ.
    pub access_changed: bool,
    /// Whether the certificate or its key differs.
    pub recertified: bool,
    /// What differs and takes effect only at the next start.
    pub needs_restart: Vec<&'static str>,
}

impl Plan {
    /// Compares `old`, which is in force, with `new`. Flags and variables are the same in both: all differences come
    /// from files.
    pub fn between(old: &Config, new: &Config) -> Self {
        let certificate = |config: &Config| config.listen.tls.as_ref().map(|tls| tls.certificate.digest);
        let mut plan = Self {
            access_changed: old.access_rules != new.access_rules,
            recertified: certificate(old) != certificate(new),
            needs_restart: needs_restart(old, new),
            ..Self::default()
        };
        let mut known: HashMap<&str, &Server> =
            old.servers.iter().map(|server| (server.name.as_str(), server)).collect();
        for server in new.servers.iter() {
            match known.remove(server.name.as_str()) {
                None => plan.added.push(server.clone()),
                Some(former) if former != server => plan.changed.push(server.clone()),
                Some(_) => plan.kept += 1,
            }
        }
        let gone = old.servers.iter().filter(|server| known.contains_key(server.name.as_str()));
        plan.removed = gone.map(|server| server.name.clone()).collect();
        plan.reordered = order(old, new) != order(new, old);
        plan
    }

    /// The way from nothing to `config`.
    pub fn initial(config: &Config) -> Self {
        Self { added: config.servers.iter().cloned().collect(), ..Self::default() }
    }

    /// Whether servers and access rules stay as they are.
    pub fn is_empty(&self) -> bool {
        let servers = [&self.added, &self.changed].iter().all(|servers| servers.is_empty());
        servers && self.removed.is_empty() && !self.reordered && !self.access_changed
    }

    /// Describes the plan in one line.
    pub fn summary(&self) -> String {
        let names = |servers: &[Server]| servers.iter().map(|server| server.name.clone()).collect();
        let new = [
            ("access rules", self.access_changed),
            ("certificate", self.recertified),
            ("order of servers", self.reordered),
        ];
        let parts: [(&str, Vec<String>); 4] = [
            ("added", names(&self.added)),
            ("changed", names(&self.changed)),
            ("removed", self.removed.clone()),
            ("new", new.into_iter().filter(|(_, is)| *is).map(|(what, _)| what.to_owned()).collect()),
        ];
        let told = parts.iter().filter(|(_, what)| !what.is_empty());
        let told: String = told.map(|(done, what)| format!("{done} {}; ", what.join(", "))).collect();
        format!("{told}{} left alone", self.kept)
    }
}

/// The names of those servers of `config` that `other` has, too, in the order of `config`.
fn order<'a>(config: &'a Config, other: &Config) -> Vec<&'a str> {
    let others: HashSet<&str> = other.servers.iter().map(|server| server.name.as_str()).collect();
    config.servers.iter().map(|server| server.name.as_str()).filter(|name| others.contains(name)).collect()
}

fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let clients = |config: &Config| Some(config.listen.tls.as_ref()?.clients.as_ref()?.digest);
    let token_key = match (&old.logins.token_key, &new.logins.token_key) {
        (Some(old), Some(new)) => !same(old, new),
        (old, new) => old.is_some() != new.is_some(),
    };
    let fixed = [
        ("the authorities of clients' certificates", clients(old) != clients(new)),
        ("the key for tokens", token_key),
    ];
    fixed.into_iter().filter_map(|(what, differs)| differs.then_some(what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Options, RawOption};

    /// A configuration with this inside its file, and this API key.
    fn config(inside: &str, key: &str) -> Config {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.json");
        std::fs::write(&file, format!("{{{inside}}}")).expect("written");
        let given = |value: &str| Some(RawOption { value: value.to_owned(), origin: "--option".to_owned() });
        let options = Options {
            config: given(file.to_str().expect("UTF-8")),
            api_key: given(key),
            ..Options::default()
        };
        Config::load(&options, &Environment::default()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn summary(old: &str, new: &str) -> String {
        Plan::between(&config(old, "key"), &config(new, "key")).summary()
    }

    #[test]
    fn servers_are_told_apart_by_name_and_by_all_that_they_are_built_from() {
        let old = r#""mcpServers": {"a": {"command": "x", "env": {"K": "1"}}, "b": {"url": "http://h/"}}"#;
        assert!(Plan::between(&config(old, "key"), &config(old, "key")).is_empty());
        let new = old.replace("\"a\"", "\"c\"");
        assert_eq!(summary(old, &new), "added c; removed a; 1 left alone");
        let a = |inside: &str| old.replace(r#""command": "x""#, inside);
        for changed in [
            a(r#""command": "y""#),
            a(r#""command": "x", "args": ["1"]"#),
            a(r#""command": "x", "cwd": "/""#),
            a(r#""command": "x", "disabledTools": ["t"]"#),
            a(r#""command": "x", "enabledTools": []"#),
            a(r#""command": "x", "timeout": 5"#),
            a(r#""command": "x", "validation": "off""#),
            a(r#""command": "x", "results": "text""#),
            old.replace(r#""K": "1""#, r#""K": "2""#),
            old.replace(r#""K": "1""#, r#""L": "1""#),
            old.replace(r#""K": "1""#, ""),
        ] {
            assert_eq!(summary(old, &changed), "changed a; 1 left alone", "{changed}");
        }
    }

    #[test]
    fn a_remote_server_is_another_with_another_secret() {
        let remote = |inside: &str| format!(r#""mcpServers": {{"a": {{"url": "http://h/"{inside}}}}}"#);
        let secret = |secret: &str| {
            remote(&format!(r#", "oauth": {{"client_id": "c", "client_secret": "{secret}"}}"#))
        };
        let header = |value: &str| remote(&format!(r#", "headers": {{"X": "{value}"}}"#));
        for (old, new) in [
            (remote(""), remote(r#", "type": "sse""#)),
            (remote(""), remote(r#", "oauth": {}"#)),
            (header("1"), header("2")),
            (secret("1"), secret("2")),
        ] {
            assert_eq!(summary(&old, &new), "changed a; 0 left alone", "{new}");
            assert_eq!(summary(&new, &new), "1 left alone", "{new}");
        }
    }

    #[test]
    fn another_order_is_a_change() {
        let servers = |names: &[&str]| {
            let entries: Vec<_> =
                names.iter().map(|name| format!(r#""{name}": {{"command": "x"}}"#)).collect();
            format!(r#""mcpServers": {{{}}}"#, entries.join(", "))
        };
        assert_eq!(
            summary(&servers(&["a", "b"]), &servers(&["b", "a"])),
            "new order of servers; 2 left alone"
        );
        assert_eq!(summary(&servers(&["a", "b"]), &servers(&["b"])), "removed a; 1 left alone");
        assert_eq!(summary(&servers(&["a", "b"]), &servers(&["a", "c", "b"])), "added c; 2 left alone");
        let both = summary(&servers(&["a", "b"]), &servers(&["c", "b", "a"]));
        assert_eq!(both, "added c; new order of servers; 2 left alone");
    }

    #[test]
    fn another_key_touches_no_session() {
        let servers = r#""mcpServers": {"a": {"command": "x"}}"#;
        let plan = Plan::between(&config(servers, "one"), &config(servers, "two"));
        assert!(!plan.is_empty());
        assert_eq!(plan.summary(), "new access rules; 1 left alone");
    }
}
