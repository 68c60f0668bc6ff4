//! What every server is read with.

use indexmap::IndexMap;

use crate::{
    config::{Bounds, Environment, ForwardProxy},
    secret::SecretString,
};

/// Variables that a server's process gets beside its environment; its own `env` wins over them.
pub(crate) type EnvOverrides = IndexMap<String, SecretString>;

/// What every server is read with.
#[derive(Clone, Copy)]
pub(crate) struct LoadContext<'a> {
    pub environment: &'a Environment,
    pub overrides: &'a EnvOverrides,
    pub bounds: Bounds,
    pub proxy: &'a ForwardProxy,
}
