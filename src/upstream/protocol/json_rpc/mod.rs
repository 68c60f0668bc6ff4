//! JSON-RPC 2.0: messages of ours as one line each, and messages of others as far as they must be opened.

pub(crate) mod bounded_list;
pub(crate) mod frame;
pub(crate) mod raw_message;
pub(crate) mod reply;
pub(crate) mod well_formed;
