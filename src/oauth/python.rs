//! Taking over the token files of the Python mcpo.
