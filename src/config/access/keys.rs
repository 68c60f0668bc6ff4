//! Callers' API keys: one without a name, and any number with one, from flags, variables, files and the config file.

use std::sync::Arc;

use super::{Permission, Rate, permission};
use crate::{
    config::{
        ConfigError, Options, RawOption,
        json::{ConfigNode, ConfigObject},
    },
    secret::{ApiKey, KnownSecrets},
};

/// The name of the key that `--api-key` gives.
const UNNAMED: &str = "api-key";

/// A caller's key.
#[derive(Debug, Clone, PartialEq)]
pub struct CallerKey {
    /// The caller's name in logs and metrics.
    pub name: Arc<str>,
    /// Only its digest.
    pub secret: ApiKey,
    /// The key itself, if it is given, only so that no text shows it.
    pub known: KnownSecrets,
    /// What the key permits.
    pub permission: Permission,
    /// Its own rate limit in place of `--rate-limit`.
    pub rate: Option<Rate>,
}

/// Keys as they are collected. No name and no key is given twice.
#[derive(Default)]
pub(crate) struct CallerKeys(Vec<CallerKey>);

impl CallerKeys {
    /// Reads the keys of the options.
    pub(crate) fn of_options(options: &Options) -> Result<Self, ConfigError> {
        let mut keys = Self::default();
        if let Some((given, key)) = unnamed(options)? {
            keys.add(UNNAMED, &given.with(key), Permission::FULL, None)?;
        }
        for given in &options.named_key {
            keys.add_pair(given)?;
        }
        if let Some(file) = &options.named_keys_file {
            let before = keys.0.len();
            for (index, line) in file.read_text()?.lines().enumerate() {
                let line = line.trim();
                if !line.is_empty() && !line.starts_with('#') {
                    let origin = format!("{}:{}", file.value, index + 1);
                    keys.add_pair(&RawOption { value: line.to_owned(), origin })?;
                }
            }
            // An emptied file must not open the gateway to all.
            if keys.0.len() == before {
                return Err(file.error(format_args!("{} holds no key; write NAME=KEY into it", file.value)));
            }
        }
        Ok(keys)
    }

    /// Adds the keys of the config file, by name.
    pub(crate) fn add_object(&mut self, node: &ConfigNode<'_>) -> Result<(), ConfigError> {
        let object = node.object()?;
        if object.entries().next().is_none() {
            return Err(node.error("no key in it; leave \"keys\" out to have none"));
        }
        for (name, node) in object.entries() {
            let object = node.object()?;
            object.require_keys(&[&["key", "keyFile", "rateLimit"][..], &permission::KEYS].concat())?;
            let rate = object.read("rateLimit", |node| Rate::parse(&node.given()?))?;
            self.add(name, &key(&object)?, Permission::of(&object)?, rate)?;
        }
        Ok(())
    }

    /// All of them.
    pub(crate) fn into_vec(self) -> Vec<CallerKey> {
        self.0
    }

    /// Adds `NAME=KEY`.
    fn add_pair(&mut self, given: &RawOption) -> Result<(), ConfigError> {
        let (name, key) = given
            .value
            .split_once('=')
            // The value is not shown: it may be a key whose name was forgotten.
            .ok_or_else(|| given.error("write it as NAME=KEY"))?;
        self.add(name.trim(), &given.with(key.to_owned()), Permission::FULL, None)
    }

    fn add(
        &mut self,
        name: &str,
        key: &RawOption,
        permission: Permission,
        rate: Option<Rate>,
    ) -> Result<(), ConfigError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            return Err(key.error("a key's name is 1 to 64 letters, digits, dots, hyphens and underscores"));
        }
        let secret = secret(key)?;
        let known = KnownSecrets::of([&key.value]);
        for other in &self.0 {
            if *other.name == *name {
                return Err(key.error(format_args!("there are two keys called \"{name}\"; rename one")));
            }
            if other.secret == secret {
                return Err(key.error(format_args!(
                    "the same key as that of \"{}\"; nobody could tell the two apart",
                    other.name
                )));
            }
        }
        self.0.push(CallerKey { name: name.into(), secret, known, permission, rate });
        Ok(())
    }
}

fn unnamed(options: &Options) -> Result<Option<(&RawOption, String)>, ConfigError> {
    match (&options.api_key, &options.api_key_file) {
        (Some(key), Some(file)) => Err(file.given_twice(key)),
        (Some(given), None) if given.value.is_empty() => {
            Err(given.error("the key is empty; leave the option out to let everyone call"))
        }
        (Some(given), None) => Ok(Some((given, given.value.clone()))),
        (None, Some(file)) => Ok(Some((file, file.read_secret("key")?))),
        (None, None) => Ok(None),
    }
}

fn key(object: &ConfigObject<'_>) -> Result<RawOption, ConfigError> {
    match (object.get("key"), object.get("keyFile")) {
        (Some(key), None) => key.secret(),
        (None, Some(file)) => {
            let file = file.given()?;
            Ok(file.with(file.read_secret("key")?))
        }
        (Some(_), Some(file)) => Err(file.error("the key is given by \"key\" too; keep one of the two")),
        (None, None) => Err(object.node().error("a key needs \"key\" or \"keyFile\"")),
    }
}

/// The key itself, or `sha256:` and its digest in hexadecimal.
fn secret(given: &RawOption) -> Result<ApiKey, ConfigError> {
    let Some(digest) = given.value.strip_prefix("sha256:") else {
        return if given.value.is_empty() {
            Err(given.error("the key is empty"))
        } else {
            Ok(ApiKey::of(given.value.as_bytes()))
        };
    };
    let byte = |at: usize| u8::from_str_radix(digest.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digest.len()).step_by(2).map(byte).collect();
    let digest = bytes.and_then(|bytes| bytes.try_into().ok()).filter(|_| !digest.contains('+'));
    digest
        .map(ApiKey::of_digest)
        // What `sha256sum` makes of a variable that is not set.
        .filter(|key| *key != ApiKey::of(b""))
        .ok_or_else(|| {
            given.error("not the SHA-256 digest of a key; after sha256: stand 64 hexadecimal digits")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(value: &str) -> RawOption {
        RawOption { value: value.to_owned(), origin: "--named-key".to_owned() }
    }

    #[test]
    fn a_key_stands_for_itself_or_as_a_digest() {
        let mut keys = CallerKeys::default();
        keys.add_pair(&given("a=x=y=")).expect("a key");
        let digest = "sha256:2D711642B726B04401627CA9FBAC32F5C8530FB1903CC4DB02258717921A4881";
        keys.add_pair(&given(&format!("b={digest}"))).expect("a digest");
        let [a, b] = &keys.into_vec()[..] else { panic!("two keys") };
        assert_eq!(a.secret, ApiKey::of(b"x=y="));
        assert_eq!(b.secret, ApiKey::of(b"x"));
    }

    #[test]
    fn what_is_no_named_key_says_why_and_never_shows_it() {
        let mut keys = CallerKeys::default();
        keys.add_pair(&given("a=sekret")).expect("a key");
        for (wrong, why) in [
            ("sekret", "--named-key: write it as NAME=KEY"),
            (
                "=sekret",
                "--named-key: a key's name is 1 to 64 letters, digits, dots, hyphens and underscores",
            ),
            (
                "a b=sekret",
                "--named-key: a key's name is 1 to 64 letters, digits, dots, hyphens and underscores",
            ),
            ("b=", "--named-key: the key is empty"),
            ("a=other", "--named-key: there are two keys called \"a\"; rename one"),
            ("b=sekret", "--named-key: the same key as that of \"a\"; nobody could tell the two apart"),
            (
                "b=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "--named-key: not the SHA-256 digest of a key; after sha256: stand 64 hexadecimal digits",
            ),
            (
                "b=sha256:12",
                "--named-key: not the SHA-256 digest of a key; after sha256: stand 64 hexadecimal digits",
            ),
        ] {
            let error = keys.add_pair(&given(wrong)).expect_err(wrong);
            assert_eq!(error.to_string(), why);
        }
    }
}
