//! The dependency rules between the folders of `src/`, read from its text.
//!
//! ARCHITECTURE.md draws them. A folder here is one of `src/`, with the file of the same name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A path written in a source file, `std::env::var`, with `crate::` in front where it is one of ours.
struct Mention {
    file: String,
    line: usize,
    folder: String,
    path: String,
}

impl Mention {
    fn is_in(&self, folders: &[&str]) -> bool {
        folders.contains(&self.folder.as_str())
    }

    fn mentions(&self, path: &str) -> bool {
        self.path == path || self.path.starts_with(&format!("{path}::"))
    }
}

/// Which folders each folder may import; `secret`, `bounds`, `excerpt` and `held` are open to all, as `stub` is to all tests;
/// `app`, `lib` and `main` may
/// import all.
const KNOWS: [(&str, &[&str]); 20] = [
    ("http", &["registry", "access", "openapi", "catalogue", "upstream", "oauth", "config"]),
    ("registry", &["access", "openapi", "catalogue", "upstream", "oauth", "config"]),
    ("access", &["jwt", "config"]),
    ("openapi", &["catalogue", "config"]),
    ("catalogue", &["upstream", "config"]),
    ("upstream", &["oauth", "net", "child", "config"]),
    ("child", &["config"]),
    ("oauth", &["net", "config"]),
    ("jwt", &["net", "config"]),
    ("net", &["config"]),
    ("config", &[]),
    ("cli", &["child", "config"]),
    ("telemetry", &["net", "config"]),
    ("systemd", &["config"]),
    ("example_server", &[]),
    ("secret", &[]),
    ("bounds", &[]),
    ("excerpt", &[]),
    ("held", &[]),
    ("stub", &[]),
];

#[test]
fn folders_know_only_those_below() {
    refuse("a folder that it may not know", |mention| {
        let Some(other) = mention.path.strip_prefix("crate::").and_then(|path| path.split("::").next())
        else {
            return false;
        };
        let is_room = KNOWS.iter().any(|(folder, _)| *folder == other) || matches!(other, "app" | "main");
        let known = KNOWS.iter().find(|(folder, _)| *folder == mention.folder).map(|(_, known)| *known);
        let Some(known) = known else {
            assert!(
                mention.is_in(&["app", "lib", "main"]),
                "a new folder, {}: add to KNOWS which others it may import",
                mention.folder
            );
            return false;
        };
        is_room
            && other != mention.folder
            && !["secret", "bounds", "excerpt", "held", "stub"].contains(&other)
            && !known.contains(&other)
    });
}

#[test]
fn actix_stays_in_http_and_app() {
    refuse("actix", |mention| mention.path.starts_with("actix") && !mention.is_in(&["http", "app"]));
}

#[test]
fn rmcp_transports_and_services_stay_upstream() {
    refuse("rmcp's transports and services", |mention| {
        let concerned = [
            "rmcp::transport",
            "rmcp::service",
            "rmcp::serve_client",
            "rmcp::serve_server",
            "rmcp::ServiceExt",
        ];
        concerned.iter().any(|path| mention.mentions(path))
            && !mention.is_in(&["upstream", "oauth", "example_server"])
    });
}

/// Upstream may read the statuses of an upstream, but answers with none.
#[test]
fn status_codes_stay_in_http() {
    refuse("status codes", |mention| {
        mention.path.split("::").any(|segment| segment == "StatusCode")
            && !mention.is_in(&["http", "upstream"])
    });
}

#[test]
fn the_environment_is_read_in_cli_and_config() {
    refuse("the environment", |mention| mention.mentions("std::env") && !mention.is_in(&["cli", "config"]));
}

/// A client that is made elsewhere would go by other proxies.
#[test]
fn http_clients_are_made_in_net() {
    refuse("an HTTP client of its own", |mention| {
        let makes = ["Client::builder", "Client::new", "ClientBuilder::new"];
        makes.iter().any(|name| mention.path == *name || mention.path == format!("reqwest::{name}"))
            && !mention.is_in(&["net"])
    });
}

/// Requests carry credentials, and documents of strangers name URLs: what is followed and resolved is decided once.
#[test]
fn redirects_and_names_are_judged_in_net() {
    refuse("a redirect policy or a resolver of its own", |mention| {
        let judges = ["reqwest::redirect", "reqwest::dns"];
        judges.iter().any(|path| mention.mentions(path)) && !mention.is_in(&["net"])
    });
}

/// Two types of one name make a reader look up which is meant.
#[test]
fn each_type_has_a_name_of_its_own() {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in sources() {
        for line in text.lines() {
            let visible = line.trim().strip_prefix("pub").map_or(line.trim(), |rest| {
                rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest)
            });
            let mut words = visible.split_whitespace();
            if matches!(words.next(), Some("struct" | "enum" | "trait" | "type")) {
                let name = words.next().unwrap_or_default();
                let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                // This is how traits of other crates call them.
                if !(name == "Error" || line.trim().starts_with("type Value =")) {
                    places.entry(name.to_owned()).or_default().insert(file.clone());
                }
            }
        }
    }
    let twice: Vec<_> = places.into_iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(twice.is_empty(), "types that share a name: {twice:?}");
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<_> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(file, _)| file).collect();
    assert!(silent.is_empty(), "these do not open with a line of `//!`: {silent:?}");
}

/// Fails with file and line of every mention that breaks the rule.
fn refuse(what: &str, breaks: impl Fn(&Mention) -> bool) {
    let broken: Vec<_> = sources()
        .iter()
        .flat_map(|(file, text)| mentions(file, text))
        .filter(|mention| breaks(mention))
        .map(|mention| format!("src/{}:{}: {}", mention.file, mention.line, mention.path))
        .collect();
    assert!(broken.is_empty(), "{what} where it does not belong:\n{}", broken.join("\n"));
}

/// All files of `src/` by their path there.
pub(crate) fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, prefix: &str, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).expect("src is readable") {
            let path = entry.expect("src is readable").path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
            if path.is_dir() {
                walk(&path, &format!("{name}/"), found);
            } else if name.ends_with(".rs") {
                found.push((name, fs::read_to_string(&path).expect("src is readable")));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut found);
    assert!(!found.is_empty());
    found
}

/// Every path that a file writes, in `use` trees and elsewhere.
fn mentions(file: &str, text: &str) -> Vec<Mention> {
    let module: Vec<_> = file.trim_end_matches(".rs").trim_end_matches("/mod").split('/').collect();
    let mut mentions = Vec::new();
    let mut add = |line: usize, path: &str| {
        let (file, folder) = (file.to_owned(), module[0].to_owned());
        mentions.push(Mention { file, line, folder, path: absolute(&module, path) });
    };
    let mut tree = String::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default().trim();
        let is_use = ["use ", "pub use ", "pub(crate) use ", "pub(super) use "]
            .iter()
            .find_map(|p| code.strip_prefix(p));
        match (tree.is_empty(), is_use) {
            (true, None) => inline_paths(code).into_iter().for_each(|path| add(index + 1, path)),
            (true, Some(rest)) => tree.push_str(rest),
            (false, _) => tree.push_str(code),
        }
        if tree.ends_with(';') {
            let flat: String = std::mem::take(&mut tree).trim_end_matches(';').split(' ').collect();
            use_paths("", &flat).iter().for_each(|path| add(index + 1, path));
        }
    }
    mentions
}

/// A path seen from the crate's root: `super::a` in folder `b` is `crate::a`.
fn absolute(module: &[&str], path: &str) -> String {
    let mut base = module.to_vec();
    let mut rest = path;
    let mut relative = false;
    loop {
        if let Some(after) = rest.strip_prefix("super::") {
            base.pop();
            rest = after;
        } else if let Some(after) = rest.strip_prefix("self::") {
            rest = after;
        } else {
            break;
        }
        relative = true;
    }
    let outside = rest.replacen("mcpo::", "crate::", usize::from(rest.starts_with("mcpo::")));
    if relative { format!("crate::{}", [&base[..], &[rest]].concat().join("::")) } else { outside }
}

/// The paths of a `use` tree without spaces: `a::{b,c::d}` is `a::b` and `a::c::d`.
fn use_paths(prefix: &str, tree: &str) -> Vec<String> {
    let Some((head, group)) = tree.split_once('{') else { return [format!("{prefix}{tree}")].to_vec() };
    let group = group.strip_suffix('}').unwrap_or(group);
    let prefix = format!("{prefix}{head}");
    let (mut depth, mut start, mut paths) = (0, 0, Vec::new());
    for (index, character) in group.char_indices().chain([(group.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if start < index {
                    paths.extend(use_paths(&prefix, &group[start..index]));
                }
                start = index + 1;
            }
            _ => {}
        }
    }
    paths
}

/// The words of a line that hold `::`.
fn inline_paths(code: &str) -> Vec<&str> {
    let is_path = |character: char| character.is_alphanumeric() || matches!(character, '_' | ':');
    code.split(|character| !is_path(character))
        .map(|word| word.trim_matches(':'))
        .filter(|word| word.contains("::"))
        .collect()
}

#[test]
fn the_reader_reads_paths() {
    let text = "use crate::{a::{B, c}, d};\nfn f() { std::env::var(super::x::Y) }\n// use no::comment;\n";
    let read: Vec<_> = mentions("folder/file.rs", text).into_iter().map(|mention| mention.path).collect();
    assert_eq!(read, ["crate::a::B", "crate::a::c", "crate::d", "std::env::var", "crate::folder::x::Y"]);
    assert_eq!(absolute(&["folder"], "super::other::X"), "crate::other::X");
}
