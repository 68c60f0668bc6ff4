//! JSON with comments, trailing commas and variables, in which every value knows its place.

mod expand;
pub(crate) mod inputs;
mod node;
mod text;

pub(crate) use expand::expand;
pub(crate) use node::{ConfigNode, ConfigObject};
pub(crate) use text::JsonText;
