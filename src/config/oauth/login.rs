//! Settings for the logins of all servers: the URL that browsers return to, and where tokens are stored.

use std::path::{Path, PathBuf};

use url::Url;

use crate::config::{BasePath, ConfigError, Environment, Options, RawOption, http_url};
use crate::secret::SecretString;

/// Settings for the logins of all servers.
#[derive(Debug, Clone, Default)]
pub struct LoginSettings {
    /// `--public-url`: where browsers and clients reach this gateway, `--root-path` included. `http` or `https`,
    /// without credentials, query and fragment, and without a trailing slash, unless its path is `/` alone.
    pub public_url: Option<Url>,
    /// `--token-dir`; `None` if it is not given and there is no home folder.
    pub token_dir: Option<PathBuf>,
    /// `--token-key` or `--token-key-file`: encrypts stored tokens.
    pub token_key: Option<SecretString>,
    /// The program that opens a URL in a browser; `None` if there is none.
    pub browser: Option<PathBuf>,
}

/// A shorter key could be guessed.
const SHORTEST_KEY: usize = 16;

impl LoginSettings {
    /// Parses the options; `environment` is the process's own.
    pub(crate) fn parse(
        options: &Options,
        base: &BasePath,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let public_url = options.public_url.as_ref().map(|given| public_url(given, base)).transpose()?;
        if let (Some(url), Some(given)) = (&public_url, &options.public_url)
            && url.scheme() == "http"
            && !http_url::is_loopback(url)
        {
            let warning = "others on the way can read logins over plain http; use https";
            warnings.push(format!("{}: {warning}", given.origin));
        }
        Ok(Self {
            public_url,
            token_dir: token_dir(&options.token_dir, environment)?,
            token_key: token_key(options)?,
            browser: browser(environment),
        })
    }
}

fn public_url(given: &RawOption, base: &BasePath) -> Result<Url, ConfigError> {
    let mut url = http_url::parse(&given.value).map_err(|error| given.error(error))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(given.error("holds a user name or a password; browsers do not send them, so remove them"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(given.error("holds a query or a fragment; end it with the path"));
    }
    let path = match url.path().trim_end_matches('/') {
        "" => base.root.clone(),
        path => path.to_owned(),
    };
    url.set_path(&path);
    Ok(url)
}

fn token_dir(given: &Option<RawOption>, environment: &Environment) -> Result<Option<PathBuf>, ConfigError> {
    match given {
        Some(given) if given.value.is_empty() => Err(given.error("is empty; name a folder")),
        Some(given) => Ok(Some(PathBuf::from(&given.value))),
        None => Ok(environment.home().map(|home| home.join(".mcpo/tokens"))),
    }
}

fn token_key(options: &Options) -> Result<Option<SecretString>, ConfigError> {
    let (given, key) = match (&options.token_key, &options.token_key_file) {
        (Some(key), Some(file)) => return Err(file.given_twice(key)),
        (Some(given), None) => (given, given.value.clone()),
        (None, Some(file)) => (file, file.read_secret("key")?),
        (None, None) => return Ok(None),
    };
    if key.chars().count() < SHORTEST_KEY {
        return Err(given.error(format_args!("the key is too short; use {SHORTEST_KEY} characters or more")));
    }
    Ok(Some(key.into()))
}

/// Returns the program that opens URLs on this system.
fn browser(environment: &Environment) -> Option<PathBuf> {
    if cfg!(target_os = "macos") {
        return Some("open".into());
    }
    let filled = |name| environment.get(name).filter(|value| !value.is_empty());
    // A list, as paths are. An entry may also be a command line with %s for the URL; those are for a shell.
    let is_plain = |entry: &&str| !entry.is_empty() && !entry.contains(['%', ' ', '\t']);
    if let Some(program) = filled("BROWSER").and_then(|list| list.split(':').find(is_plain)) {
        return Some(program.into());
    }
    filled("DISPLAY").or_else(|| filled("WAYLAND_DISPLAY"))?;
    let folders = std::env::split_paths(filled("PATH")?);
    folders.map(|folder| folder.join("xdg-open")).find(|program| is_executable(program))
}

fn is_executable(program: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    program.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::ExposeSecret as _;

    fn given(value: &str) -> Option<RawOption> {
        Some(RawOption { value: value.to_owned(), origin: "--option".to_owned() })
    }

    fn parse(options: &Options, variables: &[(&str, &str)]) -> (LoginSettings, Vec<String>) {
        let base = BasePath { root: "/tools".to_owned(), prefix: "/api".to_owned() };
        let mut warnings = Vec::new();
        let logins = LoginSettings::parse(options, &base, &Environment::of(variables), &mut warnings);
        (logins.unwrap_or_else(|error| panic!("{error}")), warnings)
    }

    #[test]
    fn the_public_url_ends_without_a_slash_and_takes_the_root_path_where_it_has_none() {
        for (text, expected) in [
            ("https://Example.com", "https://example.com/tools"),
            ("https://example.com:443/", "https://example.com/tools"),
            ("https://example.com/a/b//", "https://example.com/a/b"),
            ("http://localhost:8000/a", "http://localhost:8000/a"),
            (" http://[::1]:8000 ", "http://[::1]:8000/tools"),
            ("http://127.0.0.2", "http://127.0.0.2/tools"),
            ("http://mcpo.localhost", "http://mcpo.localhost/tools"),
        ] {
            let (logins, warnings) = parse(&Options { public_url: given(text), ..Options::default() }, &[]);
            assert_eq!(logins.public_url.as_ref().map(Url::as_str), Some(expected), "{text}");
            assert_eq!(warnings, [""; 0], "{text}");
        }
        let url = given("https://example.com").map(|given| public_url(&given, &BasePath::default()));
        assert_eq!(url.map(|url| url.map(String::from)), Some(Ok("https://example.com/".to_owned())));
    }

    #[test]
    fn plain_http_beyond_this_machine_is_warned_of() {
        for text in ["http://example.com", "http://10.0.0.1:8000", "http://localhost.example.com"] {
            let (_, warnings) = parse(&Options { public_url: given(text), ..Options::default() }, &[]);
            let warning = "--option: others on the way can read logins over plain http; use https";
            assert_eq!(warnings, [warning], "{text}");
        }
    }

    #[test]
    fn tokens_are_kept_at_home_unless_told_otherwise() {
        let folder = |options: &Options, variables: &[_]| parse(options, variables).0.token_dir;
        let home = [("HOME", "/home/ada")];
        assert_eq!(folder(&Options::default(), &home), Some("/home/ada/.mcpo/tokens".into()));
        assert_eq!(folder(&Options::default(), &[]), None);
        let options = Options { token_dir: given("tokens"), ..Options::default() };
        assert_eq!(folder(&options, &home), Some("tokens".into()));
    }

    #[test]
    fn a_key_has_sixteen_characters_wherever_it_stands() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("key");
        std::fs::write(&file, "éééééééééééééééé\r\n").expect("written");
        let typed = Options { token_key: given("0123456789abcdef"), ..Options::default() };
        let read = Options { token_key_file: given(file.to_str().expect("UTF-8")), ..Options::default() };
        for (options, expected) in [(typed, "0123456789abcdef"), (read, "éééééééééééééééé")] {
            let key = parse(&options, &[]).0.token_key.expect("a key");
            assert_eq!(key.expose_secret(), expected);
        }
        let short = Options { token_key: given("éééééééé"), ..Options::default() };
        assert!(token_key(&short).is_err(), "characters count, not bytes");
    }

    #[cfg(not(target_os = "macos"))]
    #[test]
    fn a_browser_is_opened_by_name_or_by_the_desktop() {
        use std::os::unix::fs::PermissionsExt as _;
        let (desktop, bare) =
            (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let xdg_open = desktop.path().join("xdg-open");
        std::fs::write(&xdg_open, "").expect("written");
        let executable = |mode| std::fs::set_permissions(&xdg_open, std::fs::Permissions::from_mode(mode));
        let paths = std::env::join_paths([bare.path(), desktop.path()]).expect("a list");
        let path = ("PATH", paths.to_str().expect("UTF-8"));
        let browser = |variables: &[_]| browser(&Environment::of(variables));
        executable(0o644).expect("set");
        assert_eq!(browser(&[("DISPLAY", ":0"), path]), None);
        executable(0o755).expect("set");
        for (variables, expected) in [
            (&[path][..], None),
            (&[("DISPLAY", ""), path], None),
            (&[("DISPLAY", ":0")], None),
            (&[("DISPLAY", ":0"), path], xdg_open.to_str()),
            (&[("WAYLAND_DISPLAY", "wayland-0"), path], xdg_open.to_str()),
            (&[("BROWSER", ""), ("DISPLAY", ":0"), path], xdg_open.to_str()),
            (&[("BROWSER", "firefox:chromium"), ("DISPLAY", ":0"), path], Some("firefox")),
            (&[("BROWSER", "firefox")], Some("firefox")),
            (&[("BROWSER", ":w3m %s:/usr/bin/lynx")], Some("/usr/bin/lynx")),
            (&[("BROWSER", "w3m %s")], None),
        ] {
            assert_eq!(browser(variables).as_deref(), expected.map(Path::new), "{variables:?}");
        }
    }
}
