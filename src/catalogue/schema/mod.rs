//! JSON Schema of any draft, as upstreams send it, translated into one canonical form with the same meaning.
//!
//! The canonical form is JSON Schema 2020-12, which OpenAPI 3.1 documents use. Every reference in it is `#` or
//! `#/$defs/{name}`. Both the validator and the document are made from it, so what is documented is what is enforced.
//!
//! Schemas are untrusted. Their size and fan-out are bounded, nothing is fetched, and translation takes time linear in
//! the bound.

mod components;
mod draft;
mod effort;
mod exposed;
mod form;
mod graph;
mod index;
mod keywords;
mod packed;
#[cfg(test)]
mod tests;
mod translate;

pub use components::Components;
pub(super) use effort::Effort;
pub use form::Schema;
pub(super) use packed::PackedSchema;
