//! Files that options name.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::{OptionCase, check_options, directory, write};

#[test]
fn files_that_options_name_are_checked() {
    let directory = directory();
    fs::create_dir(directory.path().join("folder")).expect("a directory");
    write(&directory, "empty", "\n");
    write(&directory, "key", "key\n");
    write(&directory, "binary", [0xff, 0xfe, 0x7b, 0x00]);
    write(&directory, "wide.env", [0xff, 0xfe, 0x41, 0x00, 0x3d, 0x00, 0x31, 0x00]);
    let cases: &[OptionCase<'_>] = &[
        ("--config=", &[], "--config: is empty; name a file"),
        ("--config none.json", &[], "--config: cannot read none.json: no such file"),
        ("--config folder", &[], "--config: cannot read folder: it is a directory"),
        ("--config binary", &[], "--config: binary is not UTF-8 text; save it as UTF-8"),
        ("--api-key-file none -- x", &[], "--api-key-file: cannot read none: no such file"),
        ("--api-key-file folder -- x", &[], "--api-key-file: cannot read folder: it is a directory"),
        ("--api-key-file empty -- x", &[], "--api-key-file: empty is empty; write the key into it"),
        (
            "--api-key-file key --api-key key -- x",
            &[],
            "--api-key-file: the key is given by --api-key too; keep one of the two",
        ),
        ("--env-path none -- x", &[], "--env-path: cannot read none: no such file"),
        ("--env-path wide.env -- x", &[], "--env-path: wide.env is UTF-16 text; save it as UTF-8"),
    ];
    check_options(directory.path(), cases);
}

/// One server alone has to be there; what a program of several lacks is told in its place.
#[test]
fn a_missing_program_ends_a_single_server() {
    let directory = directory();
    fs::create_dir(directory.path().join("folder")).expect("a directory");
    write(&directory, "plain", "#!/bin/sh\n");
    write(&directory, "stale", "#!/no/such/python -u\n");
    write(&directory, ".env", "PATH=/nowhere\n");
    let rights = fs::Permissions::from_mode(0o755);
    fs::set_permissions(directory.path().join("stale"), rights).expect("its rights change");
    let missing = "no such program; is it installed and on PATH?";
    let [default_path, own_path, env_file, nothing] = ["no-such-program", "sh", "sh", "no-such-program"]
        .map(|program| format!("cannot start \"{program}\": {missing}"));
    let cases: &[OptionCase<'_>] = &[
        ("-- no-such-program", &[], &default_path),
        ("--port 0 -- no-such-program --flag", &[("PATH", "/usr/bin:/bin")], &nothing),
        ("-- sh", &[("PATH", "/nowhere")], &own_path),
        ("--env-path .env -- sh", &[("PATH", "/bin")], &env_file),
        ("-- ./none", &[], "cannot start \"./none\": no such file"),
        ("-- ./folder", &[], "cannot start \"./folder\": ./folder is a folder"),
        ("-- ./plain", &[], "cannot start \"./plain\": ./plain is not executable; chmod +x makes it so"),
        (
            "-- plain",
            &[("PATH", ".")],
            "cannot start \"plain\": ./plain is not executable; chmod +x makes it so",
        ),
        (
            "-- ./stale",
            &[],
            "cannot start \"./stale\": ./stale is a script for /no/such/python, which does not exist",
        ),
    ];
    check_options(directory.path(), cases);
}

#[test]
fn a_proxy_that_is_none_is_refused() {
    let message = "HTTPS_PROXY: not the URL of a proxy; write it as in http://proxy.example.com:3128";
    check_options(directory().path(), &[("-- x", &[("HTTPS_PROXY", "ftp://ada:hunter2@proxy")], message)]);
}

#[test]
fn certificates_that_do_not_load_say_why() {
    let directory = directory();
    let (one, other) = (certificate(), certificate());
    write(&directory, "cert.pem", one.cert.pem());
    write(&directory, "key.pem", one.signing_key.serialize_pem());
    write(&directory, "other.pem", other.signing_key.serialize_pem());
    write(&directory, "text.pem", "not a certificate\n");
    write(&directory, "cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    write(&directory, "cut-key.pem", "-----BEGIN PRIVATE KEY-----\nMIIB\n");
    write(&directory, "junk.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    let cases: &[OptionCase<'_>] = &[
        ("-t cert.pem -- x", &[], "--ssl-certfile: a certificate needs its key; give --ssl-keyfile as well"),
        ("-K key.pem -- x", &[], "--ssl-keyfile: a key needs its certificate; give --ssl-certfile as well"),
        ("-t none.pem -K key.pem -- x", &[], "--ssl-certfile: cannot read none.pem: no such file"),
        ("-t cert.pem -K none.pem -- x", &[], "--ssl-keyfile: cannot read none.pem: no such file"),
        (
            "-t text.pem -K key.pem -- x",
            &[],
            "--ssl-certfile: no certificate in text.pem; it should hold a block that starts with \
             -----BEGIN CERTIFICATE-----",
        ),
        (
            "-t cert.pem -K cert.pem -- x",
            &[],
            "--ssl-keyfile: no private key in cert.pem; it should hold an unencrypted block that starts with \
             -----BEGIN PRIVATE KEY-----",
        ),
        (
            "-t cert.pem -K other.pem -- x",
            &[],
            "--ssl-keyfile: the key in other.pem does not fit the certificate in cert.pem; give the one it was made \
             with",
        ),
        (
            "-t cut.pem -K key.pem -- x",
            &[],
            "--ssl-certfile: cut.pem is not valid PEM: a block is never ended",
        ),
        (
            "-t cert.pem -K cut-key.pem -- x",
            &[],
            "--ssl-keyfile: cut-key.pem is not valid PEM: a block is never ended",
        ),
        (
            "--ssl-client-ca cert.pem -- x",
            &[],
            "--ssl-client-ca: only HTTPS knows certificates of clients; give --ssl-certfile and --ssl-keyfile as well",
        ),
        (
            "-t cert.pem -K key.pem --ssl-client-ca text.pem -- x",
            &[],
            "--ssl-client-ca: no certificate in text.pem; it should hold a block that starts with \
             -----BEGIN CERTIFICATE-----",
        ),
        (
            "-t cert.pem -K key.pem --ssl-client-ca junk.pem -- x",
            &[],
            "--ssl-client-ca: a certificate in junk.pem is malformed",
        ),
        ("-t junk.pem -K key.pem -- x", &[], "--ssl-certfile: the certificate in junk.pem is malformed"),
    ];
    check_options(directory.path(), cases);
}

fn certificate() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}
