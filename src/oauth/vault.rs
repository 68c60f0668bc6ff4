//! Records in a store, sealed where a key is given.
