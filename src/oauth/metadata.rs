//! Metadata of resources (RFC 9728) and authorization servers (RFC 8414).
