//! Where an option's values come from: its flag, or else its `MCPO_*` variable, or else the variable of another program.

use clap::ArgMatches;

use crate::config::{Environment, OptionSpec, RawOption, Takes};

/// The values of `option`, each with its origin. An empty variable counts as unset.
pub(super) fn values(
    option: &OptionSpec,
    flags: &mut ArgMatches,
    environment: &Environment,
) -> Vec<RawOption> {
    let flags = match option.takes {
        Takes::Nothing if flags.get_flag(option.name) => vec!["true".to_owned()],
        Takes::Nothing => Vec::new(),
        _ => flags.remove_many(option.name).map(Iterator::collect).unwrap_or_default(),
    };
    if !flags.is_empty() {
        return flags.into_iter().map(|value| raw(value, format!("--{}", option.long()))).collect();
    }
    let own = option.variable();
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    match (set(&own), option.fallback) {
        (Some(value), _) => match option.takes {
            Takes::List => value.split(',').map(|value| raw(value.to_owned(), own.clone())).collect(),
            Takes::Port if is_service_link(value) => Vec::new(),
            _ => vec![raw(value.to_owned(), own)],
        },
        (None, Some(other)) => {
            set(other).map(|value| raw(value.to_owned(), other.to_owned())).into_iter().collect()
        }
        (None, None) => Vec::new(),
    }
}

fn raw(value: String, origin: String) -> RawOption {
    RawOption { value, origin }
}

/// Whether the value is an address of a Kubernetes Service, and not a port to listen on. Kubernetes puts
/// `MCPO_PORT=tcp://10.0.0.1:8000` into every pod beside a Service called "mcpo", and the like beside "mcpo-metrics".
fn is_service_link(value: &str) -> bool {
    value.starts_with("tcp://")
}
