//! What happens to connections and requests before any guard.

mod crowd;
mod slow;
