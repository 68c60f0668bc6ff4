//! What callers' tokens permit, by the values of one of their claims.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{IssuerIdentifier, Jwt, Permission, permission};
use crate::config::{
    Block, ConfigError, OPTIONS, Options,
    json::{ConfigNode, ConfigObject},
};

/// The default claim: RFC 9068 section 2.2.3.
const SCOPE: &str = "scope";

/// Which tokens are accepted, and what they permit.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenPolicy {
    /// The accepted tokens.
    pub jwt: Jwt,
    /// A claim's name, or a JSON pointer (RFC 6901) to a value inside one.
    pub claim: String,
    /// What each value of the claim permits; `None` if every token permits everything.
    pub grants: Option<IndexMap<String, Permission>>,
}

impl TokenPolicy {
    /// Reads the options and the config file's `access.jwt`.
    pub(crate) fn new(options: &Options, node: Option<&ConfigNode<'_>>) -> Result<Option<Self>, ConfigError> {
        let given = Jwt::parse(options)?;
        let Some(node) = node else {
            return Ok(given.map(|jwt| Self { jwt, claim: SCOPE.to_owned(), grants: None }));
        };
        let object = node.object()?;
        object.require_keys(&[&OPTIONS.keys(Block::Jwt)[..], &["claim", "grants"]].concat())?;
        let jwt =
            match (given, object.get_option(&OPTIONS.jwt_issuer), object.get_option(&OPTIONS.jwt_audience)) {
                (Some(jwt), None, None) => jwt,
                (Some(_), Some(twice), _) | (Some(_), None, Some(twice)) => {
                    return Err(twice.error("--jwt-issuer is given too; keep one of the two"));
                }
                (None, Some(issuer), Some(audience)) => {
                    let issuer =
                        IssuerIdentifier::parse(&issuer.string()?).map_err(|error| issuer.error(error))?;
                    Jwt::new(issuer, audiences(&audience)?)
                }
                (None, _, _) => return Err(node.error("tokens need an \"issuer\" and an \"audience\"")),
            };
        let claim = object.read("claim", ConfigNode::string)?.unwrap_or_else(|| SCOPE.to_owned());
        let grants = object.read("grants", |node| grants(node, claim == SCOPE))?;
        Ok(Some(Self { jwt, claim, grants }))
    }

    /// Returns what a token with these claims permits; `None` if none of its values is granted anything.
    pub fn permission(&self, claims: &Map<String, Value>, scopes: &[String]) -> Option<Permission> {
        let Some(grants) = &self.grants else { return Some(Permission::FULL) };
        let values: Vec<&str> = if self.claim == SCOPE {
            scopes.iter().map(String::as_str).collect()
        } else {
            match self.find(claims) {
                Some(Value::String(value)) => value.split(' ').collect(),
                Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            }
        };
        let opened: Vec<_> = values.into_iter().filter_map(|value| grants.get(value)).collect();
        (!opened.is_empty()).then(|| Permission::union(opened))
    }

    /// The granted scopes, if grants are by scope.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let grants = self.grants.iter().filter(|_| self.claim == SCOPE);
        grants.flat_map(|grants| grants.keys().map(String::as_str))
    }

    fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        // Some claims are named by URLs, so a name may hold slashes.
        if let Some(value) = claims.get(&self.claim) {
            return Some(value);
        }
        let mut names = self.claim.strip_prefix('/')?.split('/');
        let unescaped = |name: &str| name.replace("~1", "/").replace("~0", "~");
        let first = claims.get(&unescaped(names.next()?))?;
        names.try_fold(first, |value, name| value.get(unescaped(name)))
    }
}

fn audiences(node: &ConfigNode<'_>) -> Result<Vec<String>, ConfigError> {
    let one = || node.string().map(|one| vec![one]);
    let audiences = node.strings().or_else(|error| one().map_err(|_| error))?;
    if audiences.is_empty() || audiences.iter().any(String::is_empty) {
        return Err(node.error("is empty; write what the tokens have as \"aud\""));
    }
    Ok(audiences)
}

/// Reads the grants by value. Clients are told the scopes, so they must be valid (RFC 6749 section 3.3).
fn grants(node: &ConfigNode<'_>, scopes: bool) -> Result<IndexMap<String, Permission>, ConfigError> {
    let grant = |(value, node): (&str, ConfigNode<'_>)| {
        let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        if value.is_empty() || (scopes && !value.bytes().all(fits)) {
            return Err(
                node.error("no scope can be called so; use visible ASCII without quotes and backslashes")
            );
        }
        let object: ConfigObject<'_> = node.object()?;
        object.require_keys(&permission::KEYS)?;
        Ok((value.to_owned(), Permission::of(&object)?))
    };
    node.object()?.entries().map(grant).collect()
}
