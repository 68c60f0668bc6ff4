//! HTTPS: its versions, a certificate that is renewed, and certificates of clients.

use std::{fs, path::Path};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::{Certificate, Client, ClientBuilder, Identity, tls::Version};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::{
    support::observe::{count, hang_up, told},
    support::{Gateway, eventually, parts},
};

/// A certificate for this machine and its key, as PEM.
fn pair() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// A folder with this certificate, and the options that name its files.
fn folder(certificate: &str, key: &str) -> (TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let options =
        ["--ssl-certfile".to_owned(), path("cert.pem"), "--ssl-keyfile".to_owned(), path("key.pem")];
    renew(folder.path(), certificate, key);
    (folder, options.to_vec())
}

fn renew(folder: &Path, certificate: &str, key: &str) {
    fs::write(folder.join("cert.pem"), certificate).unwrap();
    fs::write(folder.join("key.pem"), key).unwrap();
}

/// A client that trusts this certificate alone, and makes a new connection for each request.
fn trusting(certificate: &str) -> ClientBuilder {
    let trusted = Certificate::from_pem(certificate.as_bytes()).unwrap();
    Client::builder().no_proxy().pool_max_idle_per_host(0).tls_certs_only([trusted])
}

async fn reaches(client: &Client, gateway: &Gateway) -> bool {
    client.get(format!("{}/healthz", gateway.base())).send().await.is_ok_and(|answer| answer.status() == 200)
}

/// A ClientHello of TLS 3.`version` (RFC 5246 section 7.4.1.2), which has all that TLS 1.2 needs.
fn hello(version: u8) -> Vec<u8> {
    let mut hello = vec![22, 3, 1, 0, 73, 1, 0, 0, 69, 3, version];
    hello.extend([7; 32]);
    // No session, one cipher suite, no compression; groups, point formats and signature algorithms.
    hello.extend([0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 26]);
    hello.extend([0, 10, 0, 6, 0, 4, 0, 29, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 6, 0, 4, 4, 3, 4, 1]);
    hello
}

#[tokio::test]
async fn tls_is_1_2_or_1_3() {
    let (certificate, key) = pair();
    let (_folder, options) = folder(&certificate, &key);
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).options(options).start().await;
    for version in [Version::TLS_1_2, Version::TLS_1_3] {
        let client =
            trusting(&certificate).tls_version_min(version).tls_version_max(version).build().unwrap();
        assert!(reaches(&client, &gateway).await, "{version:?}");
    }
    // TLS 1.1 gets the alert `protocol_version`, where TLS 1.2 gets a handshake.
    for (version, answer) in [(3, vec![22]), (2, vec![21, 3, 3, 0, 2, 2, 70])] {
        let mut stream = gateway.say(&hello(version)).await;
        let mut heard = vec![0; answer.len()];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, answer, "3.{version}");
    }
    gateway.stop().await;
}

/// HTTP/2 is not offered (ALPN), and a client that speaks nothing else gets no connection.
#[tokio::test]
async fn https_is_http_1_1() {
    let (certificate, key) = pair();
    let (_folder, options) = folder(&certificate, &key);
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).options(options).start().await;
    let either = trusting(&certificate).build().unwrap();
    let answer = either.get(format!("{}/healthz", gateway.base())).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_11));
    let newer = trusting(&certificate).http2_prior_knowledge().build().unwrap();
    assert!(!reaches(&newer, &gateway).await);
    assert!(reaches(&either, &gateway).await);
    gateway.stop().await;
}

/// A renewed certificate is used from the next handshake on; a pair that does not fit changes nothing and is told.
#[tokio::test]
async fn a_certificate_is_renewed() {
    let (first, second) = (pair(), pair());
    let (files, options) = folder(&first.0, &first.1);
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).options(options).start().await;
    // A client each time: a session that is resumed shows no certificate.
    let serves = async |certificate: &str| reaches(&trusting(certificate).build().unwrap(), &gateway).await;
    let (old, new) = (&first.0, &second.0);
    assert!(serves(old).await && !serves(new).await);

    fs::write(files.path().join("key.pem"), &second.1).unwrap();
    told(&gateway, "the certificate stays as it was: --ssl-keyfile: the key in", 0).await;
    assert!(serves(old).await);
    fs::write(files.path().join("cert.pem"), &second.0).unwrap();
    eventually("the new certificate is used", async || serves(new).await.then_some(())).await;
    assert!(!serves(old).await);

    hang_up(&gateway).await;
    assert!(serves(new).await);
    assert_eq!(count(&gateway, "the certificate was renewed"), 1, "{}", gateway.log());
    gateway.stop().await;
}

/// With authorities for clients nobody gets in without a certificate of theirs.
#[tokio::test]
async fn clients_have_certificates() {
    let (certificate, key) = pair();
    let (files, mut options) = folder(&certificate, &key);
    let authority = || {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (ours, foreign) = (authority(), authority());
    let file = files.path().join("clients.pem");
    fs::write(&file, ours.pem()).unwrap();
    options.extend(["--ssl-client-ca".to_owned(), file.to_str().unwrap().to_owned()]);
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).options(options).start().await;
    let client = |authority: &CertifiedIssuer<'_, KeyPair>| {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["client".to_owned()]).unwrap();
        let own = params.signed_by(&key, authority).unwrap();
        let identity = Identity::from_pem((own.pem() + &key.serialize_pem()).as_bytes()).unwrap();
        trusting(&certificate).identity(identity).build().unwrap()
    };
    assert!(reaches(&client(&ours), &gateway).await, "{}", gateway.log());
    assert!(!reaches(&client(&foreign), &gateway).await);
    assert!(!reaches(&trusting(&certificate).build().unwrap(), &gateway).await);
    gateway.stop().await;
}
