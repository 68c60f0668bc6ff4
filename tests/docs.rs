//! The documents beside the source name only what exists: tests, options, files.

use std::{collections::BTreeSet, fs, path::Path};

use mcpo::config::{Block, Config, Environment, OPTIONS, OptionSpec, Options, RawOption};

/// A file of the repository.
fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The long flags in a text.
fn flags(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words
        .filter(|word| word.strip_prefix("--").is_some_and(|name| name.starts_with(char::is_alphabetic)))
        .collect()
}

/// Whether `text` holds a test of this name.
fn has_test(text: &str, name: &str) -> bool {
    let Some((before, _)) = text.split_once(&format!("fn {name}()")) else { return false };
    let attributes = before.rsplit("\n\n").next().unwrap_or_default();
    ["#[test]", "#[tokio::test"].iter().any(|attribute| attributes.contains(attribute))
}

#[test]
fn the_tests_that_threats_and_bounds_name_exist() {
    let page = text("SECURITY.md");
    let (_, tables) = page.split_once("\n## Threats\n").expect("threats");
    let (threats, bounds) = tables.split_once("\n## Bounds\n").expect("bounds");
    let rows = |table| {
        let rows: Vec<&str> = str::lines(table).filter(|line| line.starts_with("| ")).skip(1).collect();
        assert!(!rows.is_empty());
        rows
    };
    for row in rows(threats).into_iter().chain(rows(bounds)) {
        let shown = row.trim_end_matches(" |").rsplit(" | ").next().expect("a last column");
        let tests: Vec<_> = quoted(shown).collect();
        assert!(!tests.is_empty(), "no test shows this: {row}");
        for test in tests {
            let (file, name) =
                test.split_once(": ").unwrap_or_else(|| panic!("write `file: function`: {test}"));
            assert!(has_test(&text(file), name), "there is no such test: {test}");
        }
    }
}

/// README.md has the table of options that the code has. With `MCPO_UPDATE_README=1` this writes it there instead.
#[test]
fn the_readme_has_the_table_of_options() {
    let readme = text("README.md");
    let (before, rest) = readme.split_once(TABLE_START).expect("a table of options");
    let (table, after) = rest.split_once("\n\n").expect("an end of the table");
    let expected = OPTIONS.iter().map(row).collect::<Vec<_>>().join("\n");
    if std::env::var_os("MCPO_UPDATE_README").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        fs::write(path, format!("{before}{TABLE_START}{expected}\n\n{after}")).expect("written");
    } else {
        assert_eq!(table, expected, "run `just readme`");
    }
}

const TABLE_START: &str = "| option | variable | what it does | in the config file |\n|---|---|---|---|\n";

/// The option's row in README.md.
fn row(option: &OptionSpec) -> String {
    let value = if option.value_name.is_empty() { String::new() } else { format!(" {}", option.value_name) };
    let short = option.short.map_or_else(String::new, |short| format!(", `-{short}`"));
    let alias = option.alias.map_or_else(String::new, |alias| format!(", `--{alias}`"));
    let fallback = option.fallback.map_or_else(String::new, |variable| format!(", else `{variable}`"));
    let key = option.key.map_or_else(String::new, |key| match key.block {
        Block::Server => format!("`{}` of a server", key.name),
        Block::Access => format!("`{}` in `access`", key.name),
        Block::Jwt => format!("`{}` in `access.jwt`", key.name),
    });
    let (long, variable, help) = (option.long(), option.variable(), option.help());
    format!("| `--{long}{value}`{short}{alias} | `{variable}`{fallback} | {help} | {key} |")
}

/// An option that no code reads would be accepted in silence, and so would its key in the config file.
#[test]
fn every_option_is_read() {
    let (mut texts, mut open) = (String::new(), vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")]);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if !path.ends_with("config/options.rs") && !path.ends_with("tests.rs") {
            texts.push_str(&fs::read_to_string(path).unwrap_or_default());
        }
    }
    let read = |table: &str, option: &OptionSpec| {
        let whole = format!("{table}.{}", option.name);
        let ends = |after: &str| !after.starts_with(|next: char| next.is_alphanumeric() || next == '_');
        texts.match_indices(&whole).any(|(at, _)| ends(&texts[at + whole.len()..]))
    };
    // `of` is the table where a file reads many keys.
    let reads = |option: &&OptionSpec| {
        let key = option.key.is_none() || read("OPTIONS", option) || read("of", option);
        key && read("options", option)
    };
    let unread: Vec<_> = OPTIONS.iter().filter(|option| !reads(option)).map(|option| option.name).collect();
    assert!(unread.is_empty(), "nothing reads these options or their keys: {unread:?}");
}

/// What the files of `deploy/` give to mcpo is known to it.
#[test]
fn the_examples_of_deployment_name_options_that_exist() {
    const OF_OTHERS: [&str; 4] = ["--build", "--force", "--full", "--now"];
    let known: BTreeSet<_> = OPTIONS.iter().map(|option| format!("--{}", option.long())).collect();
    for file in ["compose.yaml", "kubernetes.yaml", "mcpo.service", "nginx.conf"] {
        let text = text(&format!("deploy/{file}"));
        let unknown = |flag: &&str| !known.contains(*flag) && !OF_OTHERS.contains(flag);
        let unknown: Vec<_> = flags(&text).into_iter().filter(unknown).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
        let variables = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
        for variable in variables.filter_map(|word| word.strip_prefix("MCPO_")) {
            let flag = format!("--{}", variable.to_ascii_lowercase().replace('_', "-"));
            assert!(known.contains(&flag), "{file}: MCPO_{variable}");
        }
    }
}

/// Loads a config file, which must not even be warned of.
fn load(file: &Path, variables: &[(&str, &str)]) -> Config {
    let given = RawOption { value: file.to_str().unwrap().to_owned(), origin: "--config".to_owned() };
    let options = Options { config: Some(given), ..Options::default() };
    let config = Config::load(&options, &Environment::of(variables)).expect("it loads");
    assert_eq!(config.warnings, [""; 0]);
    config
}

#[test]
fn the_example_config_needs_nothing() {
    load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.json"), &[]);
}

/// Each block of the page about authorization servers is a config, of the server that its heading names.
#[test]
fn the_blocks_for_authorization_servers_are_configs() {
    let page = text("docs/oauth-providers.md");
    let sections: Vec<_> = page.split("\n## ").skip(1).collect();
    assert_eq!(sections.len(), 10);
    let folder = tempfile::tempdir().unwrap();
    for section in sections {
        let (heading, rest) = section.split_once('\n').unwrap();
        let blocks: Vec<_> = rest.split("```json\n").skip(1).collect();
        assert_eq!(blocks.len(), 1, "{heading}");
        let block = blocks[0].split_once("```").expect("an end").0;
        let file = folder.path().join("config.json");
        fs::write(&file, block).unwrap();
        let config = load(&file, &[("CLIENT_SECRET", "s3cret")]);
        let name = config.servers.iter().next().expect("a server").name.as_str();
        assert!(heading.to_lowercase().contains(name), "{heading}: {name}");
    }
}

/// Every relative link in a document leads to a file.
#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages =
        ["", "docs", "docs/decisions", "tests"].map(|folder| fs::read_dir(root.join(folder)).unwrap());
    let pages = pages.into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut links = 0;
    for page in pages.filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let target = page.parent().unwrap().join(link);
            assert!(link.contains("://") || target.exists(), "{}: no such file: {link}", page.display());
            links += 1;
        }
    }
    assert!(links > 40, "{links}");
}
