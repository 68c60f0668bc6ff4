//! TLS that fails, and heals.

use std::{fs, path::Path};

use serde_json::json;

use super::fixture::Fixture;
use crate::support::{
    faults::{Fault, FaultyProxy},
    upstream::{Remote, free_port},
};

/// Writes a new certificate for this name, and its key, into a folder.
fn certificate(folder: &Path, name: &str) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}

/// A certificate that nobody has signed, one for another name, no TLS at all, and a handshake that is cut: each is told
/// as what it is, and the first call after it goes through.
#[tokio::test]
async fn failures_of_tls_are_told_and_pass() {
    let folder = tempfile::tempdir().unwrap();
    let [good, stranger, other] = ["good", "stranger", "other"].map(|name| folder.path().join(name));
    certificate(&good, "127.0.0.1");
    certificate(&stranger, "127.0.0.1");
    certificate(&other, "other.example");
    let trusted = folder.path().join("trusted.pem");
    let [one, two] = [&good, &other].map(|folder| fs::read_to_string(folder.join("cert.pem")).unwrap());
    fs::write(&trusted, one + &two).unwrap();
    let (port, runs) = (free_port(), folder.path().join("runs"));
    let server = async |tls: Option<&Path>| Remote::counting(port, "mcp", &runs, tls).await;

    let mut running = server(Some(&good)).await;
    let (proxy, url) = FaultyProxy::before(&running.url).await;
    let trust = [("SSL_CERT_FILE", trusted.to_str().unwrap().to_owned())];
    let config = json!({ "type": "http", "url": url });
    let fixture = Fixture::launch(folder, config, |launch| launch.environment(trust)).await;
    fixture.answers().await;
    for (tls, reason) in [
        (Some(&*stranger), "invalid peer certificate"),
        (Some(&*other), "certificate not valid for name"),
        (None, "InvalidContentType"),
    ] {
        drop(running);
        running = server(tls).await;
        fixture.refuses(reason).await;
        drop(running);
        running = server(Some(&good)).await;
        fixture.answers().await;
    }
    proxy.set(Fault::Cut);
    fixture.refuses("tls handshake eof").await;
    proxy.set(Fault::None);
    fixture.answers().await;
    fixture.stop().await;
}
