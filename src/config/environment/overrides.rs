//! `--env` and `--env-path`: variables that override the process environment. `--env` wins over the file. The process
//! environment itself is never changed.

use crate::config::{
    ConfigError, Environment, Options, RawOption, environment::env_file::EnvFile, server::EnvOverrides,
};

/// Returns the variables of both.
pub(crate) fn read(
    options: &Options,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<EnvOverrides, ConfigError> {
    let mut overrides = match &options.env_path {
        Some(path) => from_file(path, environment, warnings)?,
        None => EnvOverrides::default(),
    };
    for given in &options.env {
        let (name, value) = given
            .value
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| given.error("write it as NAME=value"))?;
        overrides.insert(name.to_owned(), value.to_owned().into());
    }
    Ok(overrides)
}

fn from_file(
    path: &RawOption,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<EnvOverrides, ConfigError> {
    let bytes = path.read()?;
    // PowerShell writes it so, and not a line of it could be read.
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(path.error(format_args!("{} is UTF-16 text; save it as UTF-8", path.value)));
    }
    let file = EnvFile::parse(&bytes, |name| environment.get(name));
    warnings
        .extend(file.faults.iter().map(|(line, fault)| format!("{}:{line}: skipped: {fault}", path.value)));
    Ok(file.values.into_iter().filter_map(|(name, value)| Some((name, value?.into()))).collect())
}
