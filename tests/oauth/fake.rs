//! An authorization server, and an MCP server that wants its tokens, on an origin each. They do what the specifications
//! say, for people who consent to everything, until a test words an answer as some server in the world does.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::Url;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use url::form_urlencoded;

pub(super) const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource/mcp";
/// Where nobody looks for the same metadata who is not told.
pub(super) const UNUSUAL: &str = "/meta/prm.json";
pub(super) const SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";

/// Gives another answer in place of the usual one.
type Wording = dyn Fn(&Ask, Reply) -> Reply + Send + Sync;

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: String,
    pub(super) path: String,
    /// Of its query and of its form.
    pub(super) parameters: HashMap<String, String>,
    pub(super) body: Vec<u8>,
    token: Option<String>,
}

impl Ask {
    /// Whether it is a request for tokens with this grant.
    pub(super) fn is_grant(&self, grant: &str) -> bool {
        self.path == "/token" && self.parameters.get("grant_type").is_some_and(|asked| asked == grant)
    }
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("Content-Type", "application/json".to_owned())], body: body.into() }
    }

    fn json(body: &Value) -> Self {
        Self::new(200, body.to_string())
    }

    fn redirect(to: &Url) -> Self {
        Self { status: 302, headers: vec![("Location", to.to_string())], body: Vec::new() }
    }

    /// With the members of `changes` in its JSON; null takes one out.
    pub(super) fn with(mut self, changes: &Value) -> Self {
        let mut body: Value = serde_json::from_slice(&self.body).expect("JSON");
        for (name, value) in changes.as_object().expect("members") {
            match value {
                Value::Null => drop(body.as_object_mut().expect("an object").remove(name)),
                value => body[name] = value.clone(),
            }
        }
        self.body = body.to_string().into();
        self
    }
}

/// Both servers, ended when dropped.
pub(super) struct Fake {
    world: Arc<World>,
    _task: JoinSet<()>,
}

/// What both know.
struct World {
    issuer: String,
    mcp: String,
    wording: Box<Wording>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    asked: Vec<Ask>,
    /// The challenges of those that were given out.
    codes: HashMap<String, String>,
    access: HashSet<String>,
    refresh: HashSet<String>,
    /// How many tokens, codes and clients were given out.
    named: u32,
}

impl State {
    fn name(&mut self, kind: &str) -> String {
        self.named += 1;
        format!("{kind}-{}", self.named)
    }
}

impl Fake {
    /// With nothing worded anew.
    pub(super) async fn plain() -> Self {
        Self::start(|_, reply| reply).await
    }

    pub(super) async fn start(wording: impl Fn(&Ask, Reply) -> Reply + Send + Sync + 'static) -> Self {
        let bind = async || TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let listeners = [bind().await, bind().await];
        let [issuer, mcp] = listeners
            .each_ref()
            .map(|listener| format!("http://{}", listener.local_addr().expect("an address")));
        let world = Arc::new(World { issuer, mcp, wording: Box::new(wording), state: Mutex::default() });
        let mut task = JoinSet::new();
        for (listener, answer) in listeners.into_iter().zip([World::authorize as Server, World::serve]) {
            let world = world.clone();
            task.spawn(async move {
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    connections.spawn(exchange(world.clone(), answer, stream));
                }
            });
        }
        Self { world, _task: task }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.world.issuer
    }

    /// The origin of the MCP server.
    pub(super) fn mcp(&self) -> &str {
        &self.world.mcp
    }

    /// The MCP server for a config, with this `oauth` block where it is an object.
    pub(super) fn config(&self, oauth: &Value) -> Value {
        let url = format!("{}/mcp", self.world.mcp);
        json!({ "type": "streamable-http", "url": url, "oauth": oauth })
    }

    /// The requests that came for a path of either server.
    pub(super) fn asked(&self, path: &str) -> Vec<Ask> {
        self.world.state.lock().unwrap().asked.iter().filter(|ask| ask.path == path).cloned().collect()
    }

    /// Access tokens are no good any more.
    pub(super) fn revoke_access(&self) {
        self.world.state.lock().unwrap().access.clear();
    }

    /// No token is good any more.
    pub(super) fn revoke(&self) {
        self.revoke_access();
        self.world.state.lock().unwrap().refresh.clear();
    }
}

type Server = fn(&World, &mut State, &Ask) -> Reply;

async fn exchange(world: Arc<World>, server: Server, mut stream: TcpStream) {
    let Some(ask) = read(&mut stream).await else { return };
    let reply = {
        let mut state = world.state.lock().unwrap();
        state.asked.push(ask.clone());
        server(&world, &mut state, &ask)
    };
    let Reply { status, headers, body } = (world.wording)(&ask, reply);
    let mut head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
    let _ = stream.write_all(&[format!("{head}\r\n").as_bytes(), &body].concat()).await;
}

async fn read(stream: &mut TcpStream) -> Option<Ask> {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&buffer[..count]);
        let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(read[..end].to_vec()).expect("a head is ASCII");
        let header = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.into_iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        let length: usize = header("content-length").map_or(0, |length| length.parse().expect("a number"));
        let body = &read[end + 4..];
        if body.len() < length {
            continue;
        }
        let mut words = head.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let is_form = header("content-type").is_some_and(|kind| kind.contains("form-urlencoded"));
        let form = if is_form { body } else { b"" };
        let pairs = [query.as_bytes(), form].map(|text| form_urlencoded::parse(text).into_owned());
        return Some(Ask {
            method,
            path: path.to_owned(),
            parameters: pairs.into_iter().flatten().collect(),
            body: body.to_vec(),
            token: header("authorization").and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned),
        });
    }
}

impl World {
    /// The authorization server.
    fn authorize(&self, state: &mut State, ask: &Ask) -> Reply {
        let at = |path: &str| format!("{}{path}", self.issuer);
        match ask.path.as_str() {
            SERVER_METADATA => Reply::json(&json!({
                "issuer": self.issuer,
                "authorization_endpoint": at("/authorize"),
                "token_endpoint": at("/token"),
                "registration_endpoint": at("/register"),
                "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
            })),
            "/register" => {
                Reply { status: 201, ..Reply::json(&json!({ "client_id": state.name("client") })) }
            }
            "/authorize" => {
                let mut back = Url::parse(&ask.parameters["redirect_uri"]).expect("a URL");
                let code = state.name("code");
                state.codes.insert(code.clone(), ask.parameters["code_challenge"].clone());
                back.query_pairs_mut().extend_pairs([("code", &code), ("state", &ask.parameters["state"])]);
                Reply::redirect(&back)
            }
            "/token" => Self::tokens(state, ask),
            _ => Reply::new(404, "{}"),
        }
    }

    fn tokens(state: &mut State, ask: &Ask) -> Reply {
        let parameter = |name: &str| ask.parameters.get(name).map(String::as_str).unwrap_or_default();
        let granted = match parameter("grant_type") {
            "authorization_code" => {
                let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(parameter("code_verifier")));
                state.codes.remove(parameter("code")).is_some_and(|expected| expected == challenge)
            }
            "refresh_token" => state.refresh.contains(parameter("refresh_token")),
            grant => grant == "client_credentials",
        };
        if !granted {
            return Reply::new(400, r#"{"error":"invalid_grant"}"#);
        }
        let (access, refresh) = (state.name("access"), state.name("refresh"));
        state.access.insert(access.clone());
        state.refresh.insert(refresh.clone());
        Reply::json(&json!({
            "access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 3600,
        }))
    }

    /// The MCP server, with the tool `echo`.
    fn serve(&self, state: &mut State, ask: &Ask) -> Reply {
        match ask.path.as_str() {
            RESOURCE_METADATA | UNUSUAL => Reply::json(&json!({
                "resource": format!("{}/mcp", self.mcp), "authorization_servers": [self.issuer],
            })),
            "/mcp" if !ask.token.as_ref().is_some_and(|token| state.access.contains(token)) => {
                let mut refusal = Reply::new(401, "{}");
                refusal.headers.push((
                    "WWW-Authenticate",
                    format!("Bearer resource_metadata=\"{}{RESOURCE_METADATA}\"", self.mcp),
                ));
                refusal
            }
            "/mcp" if ask.method == "POST" => rpc(&ask.body),
            "/mcp" => Reply::new(405, ""),
            _ => Reply::new(404, "{}"),
        }
    }
}

/// What the MCP server says to a message.
fn rpc(message: &[u8]) -> Reply {
    let message: Value = serde_json::from_slice(message).expect("a message");
    let Some(id) = message.get("id") else { return Reply::new(202, "") };
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
            "serverInfo": { "name": "fake", "version": "1" },
        }),
        "tools/list" => json!({ "tools": [{ "name": "echo", "inputSchema": { "type": "object" } }] }),
        "tools/call" => {
            let said = message["params"]["arguments"]["message"].as_str().unwrap_or_default();
            json!({ "content": [{ "type": "text", "text": format!("Echo: {said}") }] })
        }
        "ping" => json!({}),
        _ => {
            let error = json!({ "code": -32601, "message": "Method not found" });
            return Reply::json(&json!({ "jsonrpc": "2.0", "id": id, "error": error }));
        }
    };
    Reply::json(&json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}
