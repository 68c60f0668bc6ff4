//! Names of a gateway's own: a mount namespace with another `/etc/hosts`.

use std::{path::Path, process::Command};

const NAMESPACE: [&str; 3] = ["unshare", "--map-root-user", "--mount"];

/// What to start a gateway inside, so that it finds names in the file `hosts`. `None` where the system gives no
/// namespace, as in a container without privileges: there is nothing to test with.
pub(crate) fn with_hosts(hosts: &Path) -> Option<Vec<String>> {
    if !Command::new(NAMESPACE[0]).args(&NAMESPACE[1..]).arg("true").status().is_ok_and(|it| it.success()) {
        eprintln!("not tested: the system gives no mount namespace");
        return None;
    }
    let script = format!("mount --bind {} /etc/hosts && exec \"$@\"", hosts.display());
    Some(NAMESPACE.into_iter().chain(["sh", "-c", &script, "sh"]).map(str::to_owned).collect())
}
