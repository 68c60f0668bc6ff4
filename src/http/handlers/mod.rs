//! The handlers, one file for each kind of route.

pub(super) mod documents;
pub(super) mod health;
mod hint;
pub(super) mod login;
pub(super) mod metrics;
pub(super) mod resource_metadata;
pub(super) mod servers;
pub(super) mod status;
pub(super) mod status_page;
