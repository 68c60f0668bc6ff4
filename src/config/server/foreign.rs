//! Keys of other clients that mcpo ignores silently.
//!
//! A key belongs here only if mcpo does the right thing without it. A key that limits, denies or redirects does not: it
//! must take effect or cause a warning.

/// The keys of a server without meaning here.
pub(crate) const SERVER_KEYS: &[&str] = &[
    // Whether a user is asked before a tool runs: the gateway's callers decide that.
    "alwaysAllow",
    "autoApprove",
    "trust",
    // Names and descriptions for people and catalogues.
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
    // How a client shows, starts or rebuilds it during development.
    "chatMenu",
    "dev",
    "serverInstructions",
    "settings",
    "startup",
    // How long a client waits, in its own units; `timeout` and the like are in seconds here.
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
