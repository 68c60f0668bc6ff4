//! Signed client assertions (RFC 7523 section 2.2).
