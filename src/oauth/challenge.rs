//! What a 401 or 403 asks for (RFC 6750 section 3, RFC 9728 section 5.1).
