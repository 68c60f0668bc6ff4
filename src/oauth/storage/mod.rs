//! What outlives the process: records of clients and tokens, encrypted on request, in files, a keyring or memory.

pub(super) mod backend;
mod encryption;
mod file;
mod keyring;
pub(super) mod legacy_import;
mod memory;
mod plain_file;
pub(super) mod record;
pub(super) mod token_store;
