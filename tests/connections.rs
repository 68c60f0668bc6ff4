//! What happens to connections and requests before any guard.

mod certificates;
mod crowd;
mod hosts;
mod slow;
mod unread;
