//! The import of the token files of the Python mcpo.
//!
//! It keeps `{hash}_tokens.json` and `{hash}_client.json` in the token folder, where the hash is the beginning of
//! the MD5 of the server's name. They hold neither the server's URL nor the issuer. They stay in
//! place, so that a user may go back.
//!
//! Invariant: once mcpo has kept or forgotten anything of a server, these files are read no more, which a marker
//! beside them says. Otherwise a server that has moved to another URL would be sent its predecessor's tokens, and a
//! login that was ended would come back.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use md5::{Digest, Md5};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use super::{
    backend::BackendError,
    plain_file,
    record::{MethodForm, flaw},
};
use crate::{
    config::ClientAuthMethod,
    oauth::{scopes::Scopes, token::response::Tokens},
    secret::SecretString,
};

/// What the Python mcpo knows of a server.
#[derive(Debug, Clone)]
pub(crate) struct LegacyLogin {
    /// `client_id`
    pub client_id: String,
    /// `client_secret`
    pub client_secret: Option<SecretString>,
    /// `client_secret_expires_at`, in seconds since 1970; `None` if it never does.
    pub secret_expires: Option<u64>,
    /// Where logins of this client may come back to.
    pub redirect_uris: Vec<Url>,
    /// How the client authenticates, if the file says so.
    pub method: Option<ClientAuthMethod>,
    /// The tokens, if a person has logged in. The file says how long they last, not since when: since it was
    /// written is taken.
    pub tokens: Option<Tokens>,
}

/// `OAuthClientInformationFull` of the Python SDK, which writes null for what it does not know.
#[derive(Deserialize)]
struct ClientFile {
    client_id: Option<String>,
    client_secret: Option<String>,
    client_secret_expires_at: Option<u64>,
    redirect_uris: Option<Vec<Url>>,
    token_endpoint_auth_method: Option<Method>,
}

#[derive(Deserialize)]
struct Method(#[serde(with = "MethodForm")] ClientAuthMethod);

/// `OAuthToken` of the Python SDK; `token_type` is always Bearer.
#[derive(Deserialize)]
struct TokenFile {
    access_token: String,
    expires_in: Option<i64>,
    scope: Option<String>,
    refresh_token: Option<String>,
}

/// What the Python mcpo has left in `folder` for the server of this name. Tokens without a client are of no use:
/// nothing would refresh them.
pub(crate) fn find(folder: &Path, server: &str) -> Result<Option<LegacyLogin>, BackendError> {
    let files = Files::new(folder, server);
    if plain_file::open(&files.marker)?.is_some() {
        return Ok(None);
    }
    let Some((
        ClientFile {
            client_id: Some(client_id),
            client_secret,
            client_secret_expires_at,
            redirect_uris,
            token_endpoint_auth_method,
        },
        _,
    )) = read(&files.client)?
    else {
        return Ok(None);
    };
    let client_secret = client_secret.filter(|secret| !secret.is_empty());
    // Older versions name `client_secret_post` for clients that have no secret, too.
    let method = match &client_secret {
        Some(_) => token_endpoint_auth_method.map(|Method(method)| method),
        None => Some(ClientAuthMethod::None),
    };
    Ok(Some(LegacyLogin {
        client_id,
        client_secret: client_secret.map(Into::into),
        // RFC 7591 section 3.2.1: 0 is never.
        secret_expires: client_secret_expires_at.filter(|at| *at != 0),
        redirect_uris: redirect_uris.unwrap_or_default(),
        method,
        tokens: read(&files.tokens)?.map(|(file, written)| tokens(file, written)),
    }))
}

/// Has [`find`] find nothing for this server from now on.
pub(crate) fn retire(folder: &Path, server: &str) -> Result<(), BackendError> {
    let files = Files::new(folder, server);
    if files.client.exists() || files.tokens.exists() {
        plain_file::create(&files.marker)?;
    }
    Ok(())
}

fn tokens(file: TokenFile, written: SystemTime) -> Tokens {
    // A lifetime below zero has ended.
    let lifetime = file.expires_in.map(|seconds| Duration::from_secs(seconds.try_into().unwrap_or(0)));
    Tokens {
        access: file.access_token.into(),
        refresh: file.refresh_token.map(Into::into),
        expires_at: lifetime.and_then(|lifetime| written.checked_add(lifetime)),
        scopes: file.scope.as_deref().map(Scopes::parse),
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<(T, SystemTime)>, BackendError> {
    let Some(file) = plain_file::open(path)? else {
        return Ok(None);
    };
    let written = file.metadata().and_then(|metadata| metadata.modified());
    let written = written.map_err(|error| plain_file::explain(path, &error))?;
    let read = serde_json::from_slice(&plain_file::contents(&file, path)?).map_err(|error| {
        let message =
            format_args!("not a token file of the Python mcpo ({}); move it away and log in", flaw(&error));
        BackendError::at(path.display(), message)
    })?;
    Ok(Some((read, written)))
}

/// Where the files of one server are.
struct Files {
    client: PathBuf,
    tokens: PathBuf,
    /// Exists if the others are not to be read any more.
    marker: PathBuf,
}

impl Files {
    fn new(folder: &Path, server: &str) -> Self {
        let hash: String = Md5::digest(server)[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        let file = |rest: &str| folder.join(format!("{hash}_{rest}"));
        Self { client: file("client.json"), tokens: file("tokens.json"), marker: file("taken_over") }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io};

    use tempfile::TempDir;

    use super::*;
    use crate::secret::ExposeSecret as _;

    /// As `json.dump(model.model_dump(mode="json"), file)` writes them.
    const CLIENT: &str = r#"{"redirect_uris": ["http://localhost:3030/callback"], "token_endpoint_auth_method": "client_secret_post", "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "scope": null, "client_name": "MCPO Client for notes", "client_uri": null, "logo_uri": null, "contacts": null, "tos_uri": null, "policy_uri": null, "jwks_uri": null, "jwks": null, "software_id": null, "software_version": null, "client_id": "c1", "client_secret": null, "client_id_issued_at": 1760000000, "client_secret_expires_at": null}"#;
    const TOKENS: &str = r#"{"access_token": "open sesame", "token_type": "Bearer", "expires_in": 3600, "scope": "read write", "refresh_token": "again"}"#;

    /// A folder with what the Python mcpo writes for the server `notes`, whose MD5 begins with 4358b500.
    fn folder(client: &str, tokens: Option<&str>) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("4358b500_client.json"), client).unwrap();
        if let Some(tokens) = tokens {
            fs::write(folder.path().join("4358b500_tokens.json"), tokens).unwrap();
        }
        folder
    }

    #[test]
    fn a_login_is_taken_over() {
        let folder = folder(CLIENT, Some(TOKENS));
        let found = find(folder.path(), "notes").unwrap().expect("files for it");
        assert_eq!((found.client_id.as_str(), found.method), ("c1", Some(ClientAuthMethod::None)));
        assert!(found.client_secret.is_none() && found.secret_expires.is_none());
        assert_eq!(found.redirect_uris, [Url::parse("http://localhost:3030/callback").unwrap()]);
        let tokens = found.tokens.unwrap();
        assert_eq!(tokens.access.expose_secret(), "open sesame");
        assert_eq!(tokens.refresh.as_ref().map(SecretString::expose_secret), Some("again"));
        assert_eq!(tokens.scopes, Some(Scopes::parse("read write")));
        let written = fs::metadata(folder.path().join("4358b500_tokens.json"))
            .and_then(|file| file.modified())
            .unwrap();
        assert_eq!(tokens.expires_at, Some(written + Duration::from_secs(3600)));
        assert!(find(folder.path(), "Notes").unwrap().is_none());
    }

    #[test]
    fn nulls_are_nothing_and_a_secret_keeps_its_method() {
        let client = CLIENT.replace(r#""client_secret": null"#, r#""client_secret": "hush""#);
        let tokens = r#"{"access_token": "a", "token_type": "Bearer", "expires_in": null, "scope": null, "refresh_token": null}"#;
        let with_secret = folder(&client, Some(tokens));
        let found = find(with_secret.path(), "notes").unwrap().unwrap();
        assert_eq!(found.method, Some(ClientAuthMethod::Post));
        assert_eq!(found.client_secret.as_ref().map(SecretString::expose_secret), Some("hush"));
        let tokens = found.tokens.unwrap();
        assert!(tokens.refresh.is_none() && tokens.expires_at.is_none() && tokens.scopes.is_none());

        let unknown = client
            .replace(r#""client_secret_post""#, "null")
            .replace(r#""client_secret_expires_at": null"#, r#""client_secret_expires_at": 0"#);
        let found = find(folder(&unknown, None).path(), "notes").unwrap().unwrap();
        assert!(found.method.is_none() && found.secret_expires.is_none() && found.tokens.is_none());
    }

    #[test]
    fn files_that_are_retired_stay_and_are_not_read() {
        let folder = folder(CLIENT, Some(TOKENS));
        retire(folder.path(), "other").unwrap();
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            2,
            "no marker where there is nothing to mark"
        );
        retire(folder.path(), "notes").unwrap();
        retire(folder.path(), "notes").unwrap();
        assert!(find(folder.path(), "notes").unwrap().is_none());
        assert_eq!(fs::read_to_string(folder.path().join("4358b500_tokens.json")).unwrap(), TOKENS);
    }

    #[test]
    fn a_broken_file_is_an_error_that_names_it_and_shows_nothing() -> io::Result<()> {
        for broken in
            ["", "garbage", r#"{"access_token": "open sesame", "expires_in": "open sesame"}"#, &TOKENS[..40]]
        {
            let error = find(folder(CLIENT, Some(broken)).path(), "notes").unwrap_err().to_string();
            assert!(error.contains("4358b500_tokens.json: not a token file of the Python mcpo"), "{error}");
            assert!(!error.contains("sesame"), "{error}");
        }
        let link = tempfile::tempdir()?;
        std::os::unix::fs::symlink("/etc/passwd", link.path().join("4358b500_client.json"))?;
        let error = find(link.path(), "notes").unwrap_err().to_string();
        assert!(error.contains("4358b500_client.json: a symbolic link"), "{error}");
        Ok(())
    }
}
