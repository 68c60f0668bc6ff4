//! JSON Schema as upstreams send it, whatever its draft, brought into one form that keeps its meaning.
//!
//! The form is JSON Schema 2020-12, which is what OpenAPI 3.1 documents hold: every reference is `#` or
//! `#/$defs/{name}`, every keyword is one of 2020-12. The validator is compiled from it and the document is
//! written from it, so what the document says is what is enforced.
//!
//! Schemas are untrusted. Size and fan-out are bounded, nothing is fetched, and translating takes time linear in
//! the bound.

mod components;
mod draft;
mod effort;
mod exposed;
mod form;
mod graph;
mod index;
mod keywords;
#[cfg(test)]
mod tests;
mod translate;

pub use components::Components;
pub(super) use effort::Effort;
pub use form::Schema;
