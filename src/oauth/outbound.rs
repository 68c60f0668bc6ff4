//! The only way out to authorization servers: which addresses may be asked, and how.
