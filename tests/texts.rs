//! What the texts beside the source say of it: that it is there.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use mcpo::config::{Config, Environment, Options, RawOption};

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

/// What `mcpo --help` says.
fn help() -> String {
    let help = Command::new(env!("CARGO_BIN_EXE_mcpo")).arg("--help").output().expect("mcpo starts");
    String::from_utf8(help.stdout).expect("UTF-8")
}

/// Every option's long flag; what it does stands two spaces behind it.
fn options(help: &str) -> BTreeSet<&str> {
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let named = lines.flat_map(|line| flags(line.split("  ").next().unwrap_or_default()));
    named.filter(|flag| *flag != "--help").collect()
}

/// Whether `text` holds a test of this name.
fn has_test(text: &str, name: &str) -> bool {
    let Some((before, _)) = text.split_once(&format!("fn {name}()")) else { return false };
    let attributes = before.rsplit("\n\n").next().unwrap_or_default();
    ["#[test]", "#[tokio::test"].iter().any(|attribute| attributes.contains(attribute))
}

#[test]
fn the_tests_that_the_threats_name_exist() {
    let page = text("SECURITY.md");
    let (_, threats) = page.split_once("\n## Threats\n").expect("threats");
    let rows: Vec<_> = threats.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(!rows.is_empty());
    for row in rows {
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

/// Every option has its line, and no line is of an option that is gone.
#[test]
fn the_readme_tells_every_option() {
    let help = help();
    let known = options(&help);
    assert!(known.len() > 40, "{known:?}");
    let readme = text("README.md");
    let (_, section) = readme.split_once("\n## Options\n").expect("options");
    let (section, _) = section.split_once("\n## ").expect("a next section");
    let rows = section.lines().filter(|line| line.starts_with("| `--"));
    let told: BTreeSet<_> = rows.flat_map(|row| flags(row.split(" | ").next().unwrap_or_default())).collect();
    assert_eq!(told, known);
}

/// What the files of `deploy/` give to mcpo is known to it.
#[test]
fn the_examples_of_deployment_name_options_that_exist() {
    const OF_OTHERS: [&str; 4] = ["--build", "--force", "--full", "--now"];
    let help = help();
    let known = options(&help);
    for file in ["compose.yaml", "kubernetes.yaml", "mcpo.service", "nginx.conf"] {
        let text = text(&format!("deploy/{file}"));
        let unknown = |flag: &&str| !known.contains(flag) && !OF_OTHERS.contains(flag);
        let unknown: Vec<_> = flags(&text).into_iter().filter(unknown).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
        let variables = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
        for variable in variables.filter_map(|word| word.strip_prefix("MCPO_")) {
            let flag = format!("--{}", variable.to_ascii_lowercase().replace('_', "-"));
            assert!(known.contains(flag.as_str()), "{file}: MCPO_{variable}");
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
