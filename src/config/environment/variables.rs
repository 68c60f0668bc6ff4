//! The process environment as a value. Nothing else reads the environment, and tests pass their own.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use indexmap::IndexMap;

use crate::secret::{ExposeSecret, SecretString};

/// What nearly every program needs and what holds no secret.
pub(crate) const BARE_NECESSITIES: [&str; 9] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "TZ", "TMPDIR"];

/// Environment variables, the home folder, and the path of this very binary.
#[derive(Clone, Default)]
pub struct Environment {
    variables: HashMap<String, String>,
    home: Option<PathBuf>,
    executable: Option<PathBuf>,
}

impl Environment {
    /// The environment of this process. Variables that are not UTF-8 are left out: no option or config can use them.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        // Without HOME, as in many containers, the system's list of users may know the folder.
        Self { variables, home: dirs::home_dir(), executable: std::env::current_exe().ok() }
    }

    /// An environment of these variables alone.
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let variables: HashMap<_, _> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let home = variables.get("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        Self { variables, home, executable: None }
    }

    /// All variables.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the variable's value, even if it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Returns the variables that nearly every program needs and that hold no secrets.
    pub(crate) fn bare_necessities(&self) -> IndexMap<String, SecretString> {
        let value = |name: &str| Some((name.to_owned(), self.get(name)?.into()));
        BARE_NECESSITIES.into_iter().filter_map(value).collect()
    }

    /// The user's home folder.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// This environment with `overrides` put over it.
    pub(crate) fn overridden(&self, overrides: &IndexMap<String, SecretString>) -> Self {
        let mut environment = self.clone();
        let overrides =
            overrides.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
        environment.variables.extend(overrides);
        environment
    }

    /// The program that a command names: `mcpo` is this very binary, so that the embedded example server needs
    /// nothing on PATH.
    pub(crate) fn program(&self, command: &str) -> PathBuf {
        match &self.executable {
            Some(executable) if command == "mcpo" => executable.clone(),
            _ => PathBuf::from(command),
        }
    }
}
