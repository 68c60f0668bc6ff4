//! Headers for a remote server, from `--header` or the config file. A value that is refused is never repeated: it may
//! be a secret.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::{
    ConfigError, Environment, RawOption,
    json::{ConfigNode, JsonText, expand},
};

/// Reads an object of header names and values.
pub(super) fn of_object(node: &ConfigNode<'_>) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    for (name, node) in node.object()?.entries() {
        let value = node.secret()?.value;
        add(&mut headers, name, &value).map_err(|error| node.error(error))?;
    }
    Ok(headers)
}

/// Reads any number of `Key: Value`, or one JSON object.
pub(super) fn of_options(given: &[RawOption], environment: &Environment) -> Result<HeaderMap, ConfigError> {
    let mut all = HeaderMap::new();
    for given in given {
        if given.value.trim_start().starts_with('{') {
            let source = JsonText::option(&given.origin, &given.value, environment);
            if let Some(tree) = source.parse()? {
                all.extend(of_object(&ConfigNode::root(&source, &tree))?);
            }
        } else {
            let (name, value) = given.value.split_once(':').ok_or_else(|| {
                given.error("write it as \"Key: Value\", or all of them as one JSON object")
            })?;
            let value = expand(value, &|name| environment.get(name)).map_err(|error| given.error(error))?;
            add(&mut all, name, &value).map_err(|error| given.error(error))?;
        }
    }
    Ok(all)
}

/// Adds a header, its value marked sensitive.
fn add(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), String> {
    let name: HeaderName = name
        .trim()
        .parse()
        .map_err(|_| "not a header name; use letters, digits and -, as in \"X-Api-Key\"".to_owned())?;
    let mut value: HeaderValue = value.trim_matches([' ', '\t']).parse().map_err(|_| {
        format!("the value of {name} holds a line break or another character that no header may")
    })?;
    value.set_sensitive(true);
    if headers.insert(&name, value).is_some() {
        return Err(format!("{name} is given twice (case does not count); keep one of the two"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_trimmed_and_sensitive() {
        let mut headers = HeaderMap::new();
        add(&mut headers, "X-Token", " abc ").expect("valid");
        assert_eq!(headers["x-token"], "abc");
        assert!(headers["x-token"].is_sensitive());
    }

    #[test]
    fn a_refused_header_keeps_its_value_to_itself() {
        let mut headers = HeaderMap::new();
        add(&mut headers, "X-Token", "hunter2").expect("valid");
        for (name, value) in [("X-Token", "hunter2\n"), ("x-token", "hunter2"), ("X Token", "hunter2")] {
            let error = add(&mut headers, name, value).expect_err(name);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
