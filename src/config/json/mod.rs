//! JSON with comments, trailing commas and variables, in which every value knows its place.

mod expand;
pub(crate) mod inputs;
mod node;
mod source;

pub(crate) use expand::expand;
pub(crate) use node::{Node, Object};
pub(crate) use source::Source;
