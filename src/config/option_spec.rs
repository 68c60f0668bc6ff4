//! How one option is described: what it is called, what it takes, and what else may set it.
//!
//! The command line, the variables, the keys of the config file, `--help` and the README's table are all made from
//! these descriptions. Only a default stands twice: in the help text, and where the value is read.

/// One option. Flag, variable and help follow from it.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// The field of [`Options`](super::Options) that holds it.
    pub name: &'static str,
    /// The section of `--help` that it belongs to.
    pub heading: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What `--help` calls its value.
    pub value_name: &'static str,
    /// The one-letter flag.
    pub short: Option<char>,
    /// Another long flag that means the same.
    pub alias: Option<&'static str>,
    /// A variable that other programs read too. It counts if neither the flag nor mcpo's own variable is given.
    pub fallback: Option<&'static str>,
    /// The key of the config file that sets the same.
    pub key: Option<ConfigKey>,
    long: Option<&'static str>,
    help: &'static [&'static str],
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// No value: a switch. Its variable is a boolean.
    Nothing,
    /// One value. The last one given counts.
    Value,
    /// A value, or none, which means something else.
    OptionalValue,
    /// A port. Its variable may be an address that Kubernetes sets, which is ignored.
    Port,
    /// Any number of values; the variable holds one of them.
    Values,
    /// Any number of values, without commas in them; the variable holds them all, separated by commas.
    List,
}

/// A key of the config file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigKey {
    /// The object that holds it.
    pub block: Block,
    /// Its name there.
    pub name: &'static str,
}

/// An object of the config file whose keys set what options set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// Each server, for itself alone; its value wins over the option's.
    Server,
    /// `access`, in place of the option.
    Access,
    /// `access.jwt`, in place of the option.
    Jwt,
}

impl OptionSpec {
    const fn new(takes: Takes, value_name: &'static str) -> Self {
        Self {
            name: "",
            heading: "",
            takes,
            value_name,
            short: None,
            alias: None,
            fallback: None,
            key: None,
            long: None,
            help: &[],
        }
    }

    /// The long flag, without its dashes.
    pub fn long(&self) -> String {
        self.long.unwrap_or(self.name).replace('_', "-")
    }

    /// The environment variable.
    pub fn variable(&self) -> String {
        format!("MCPO_{}", self.long().to_uppercase().replace('-', "_"))
    }

    /// What it does, in one line.
    pub fn help(&self) -> String {
        self.help.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    }

    pub(super) const fn described(
        mut self,
        name: &'static str,
        heading: &'static str,
        help: &'static [&'static str],
    ) -> Self {
        self.name = name;
        self.heading = heading;
        self.help = help;
        self
    }

    pub(super) const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    pub(super) const fn long_and_alias(mut self, long: &'static str, alias: &'static str) -> Self {
        (self.long, self.alias) = (Some(long), Some(alias));
        self
    }

    pub(super) const fn fallback(mut self, variable: &'static str) -> Self {
        self.fallback = Some(variable);
        self
    }

    pub(super) const fn key(mut self, block: Block, name: &'static str) -> Self {
        self.key = Some(ConfigKey { block, name });
        self
    }
}

pub(super) const fn switch() -> OptionSpec {
    OptionSpec::new(Takes::Nothing, "")
}

pub(super) const fn value(name: &'static str) -> OptionSpec {
    OptionSpec::new(Takes::Value, name)
}

pub(super) const fn optional_value(name: &'static str) -> OptionSpec {
    OptionSpec::new(Takes::OptionalValue, name)
}

pub(super) const fn port() -> OptionSpec {
    OptionSpec::new(Takes::Port, "PORT")
}

pub(super) const fn values(name: &'static str) -> OptionSpec {
    OptionSpec::new(Takes::Values, name)
}

pub(super) const fn list(name: &'static str) -> OptionSpec {
    OptionSpec::new(Takes::List, name)
}
