//! Opening a login in a browser on this machine.

use std::{path::Path, process::Stdio};

use tokio::process::Command;
use tracing::debug;
use url::Url;

/// Has `program` open `url`, and waits for it to end: some stay for as long as their window does.
///
/// The URL stands in the program's arguments, so it must hold no secret.
pub(crate) async fn open(program: &Path, url: &Url) {
    let mut command = Command::new(program);
    command.arg(url.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // A browser window outlives mcpo, and is not for its Ctrl-C.
    command.process_group(0);
    match command.status().await {
        Ok(status) if status.success() => {}
        Ok(status) => debug!(program = %program.display(), %status, "the browser was not opened"),
        Err(error) => debug!(program = %program.display(), %error, "the browser was not opened"),
    }
}
