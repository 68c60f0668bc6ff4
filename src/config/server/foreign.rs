//! What other clients write into their configuration that mcpo takes without a word, in one place.
//!
//! A key belongs here only if mcpo does the right thing without it. One that limits, closes or points somewhere does not:
//! it is read as what it means, or named in a warning.

/// The keys of a server that mean nothing here.
pub(crate) const SERVER_KEYS: &[&str] = &[
    // Whether a person is asked before a tool runs: a gateway's callers decide that for themselves.
    "alwaysAllow",
    "autoApprove",
    "trust",
    // What people and catalogues call it, and know of it.
    "author",
    "categories",
    "category",
    "comment",
    "_comment",
    "description",
    "displayName",
    "display_name",
    "docs",
    "documentation",
    "fromGalleryId",
    "gallery",
    "homepage",
    "icon",
    "iconPath",
    "id",
    "license",
    "logo",
    "metadata",
    "name",
    "note",
    "notes",
    "provider",
    "repository",
    "source",
    "tags",
    "title",
    "vendor",
    "version",
    "website",
    // How a client shows it, starts it or rebuilds it while somebody works on it.
    "chatMenu",
    "dev",
    "serverInstructions",
    "settings",
    "startup",
    // How long a client waits, in units of its own; here `timeout` and its kin are in seconds.
    "initTimeout",
    "readTimeout",
    "requestTimeout",
    "sseReadTimeout",
    "sse_read_timeout",
    "startupTimeout",
    "startup_timeout_sec",
    "timeoutMs",
    "tool_timeout_sec",
];
