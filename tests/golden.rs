//! What the Python mcpo 0.0.20 answered (`golden/recorded/`), asked again of this one.
//!
//! Every recorded request must give the recorded status and body. Where mcpo is deliberately better, a named
//! [`differences::Difference`] says so and why; one that no longer changes anything fails the test.

mod calls;
mod differences;
mod documents;
mod modes;
mod recording;
