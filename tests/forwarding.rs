//! `client_header_forwarding`: which headers of a caller reach a server, and that callers stay apart there.

mod fixture;
mod identities;
mod rules;
