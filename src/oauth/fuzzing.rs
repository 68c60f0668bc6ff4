//! What the fuzz targets feed: the readers of what resource and authorization servers publish and answer, which are
//! private otherwise.

use std::time::UNIX_EPOCH;

use serde_json::Value;

use super::{
    discovery::metadata::{AuthorizationServer, Resource},
    token,
};
use crate::net::Network;

/// Reads a document as the metadata of a resource, as those of an authorization server, and as the answer of its token
/// endpoint.
pub fn metadata(document: &Value) {
    let server = url::Url::parse("https://mcp.example/mcp").expect("a URL");
    let guarded = Network::new(Default::default()).login(&server, None);
    if let Ok(resource) = Resource::read(document) {
        resource.is_of(&server);
    }
    let issuer = document["issuer"].as_str().unwrap_or("https://issuer.example");
    if let Ok(read) = AuthorizationServer::read(document, issuer, &guarded) {
        let endpoints = [read.authorization_endpoint, read.registration_endpoint, read.revocation_endpoint];
        for endpoint in endpoints.iter().flatten().chain([&read.token_endpoint]) {
            assert!(guarded.check(endpoint).is_ok(), "{endpoint} is not one that may be called");
        }
    }
    let _ = token::response::read(document, UNIX_EPOCH, None);
}
