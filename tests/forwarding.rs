//! `client_header_forwarding`: which headers of a caller reach a server, and that callers stay apart there.

mod bed;
mod identities;
mod rules;
