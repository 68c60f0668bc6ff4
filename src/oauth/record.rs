//! What is kept of one server.
