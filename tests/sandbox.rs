//! Sandboxed programs: what they can and cannot do, each beside the same program without a sandbox.
//!
//! Needs a kernel with all parts: Linux 6.12 with Landlock. A test says so rather than pass without them.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            fs::MetadataExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
    path::Path,
};

use serde_json::{Value, json};

use crate::{
    real_servers::{npx, uvx},
    support::{
        Gateway, eventually, parts,
        processes::{children, is_alive},
    },
};

/// What the Python of the parts reads: itself, and what it was made from.
fn python_files() -> Vec<String> {
    let base = fs::canonicalize(parts::part("venv/bin/python")).unwrap();
    let base = base.ancestors().nth(2).unwrap().to_str().unwrap().to_owned();
    [parts::part("venv"), base, parts::file("fakes").to_str().unwrap().to_owned()].to_vec()
}

/// A fake in Python.
fn fake(script: &str, args: &[&str]) -> Value {
    let script = parts::file("fakes").join(script).to_str().unwrap().to_owned();
    let command = [parts::part("venv/bin/python"), script];
    parts::stdio(&command.into_iter().chain(args.iter().map(|&arg| arg.to_owned())).collect::<Vec<_>>())
}

fn sandboxed(mut server: Value, sandbox: Value) -> Value {
    server["sandbox"] = sandbox;
    server
}

async fn status(gateway: &Gateway, server: &str) -> Value {
    let report = gateway.get("/status").await.json();
    let servers = report["servers"].as_array().unwrap().clone();
    servers.into_iter().find(|it| it["name"] == server).unwrap()
}

/// A folder that a program may use and one beside it, each with a file `secret`.
fn two_folders() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["inside", "outside"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("secret"), name).unwrap();
    }
    folder
}

/// Tries a socket when Node starts, and says on stderr how that went.
const PROBE: &str = "const probe = require('net').connect(Number(process.env.PROBED), '127.0.0.1');
probe.on('connect', () => { console.error('socket opened'); probe.destroy(); });
probe.on('error', (error) => console.error('socket refused: ' + error.code));";

#[tokio::test]
async fn a_filesystem_server_stays_in_its_folder_and_off_the_network() {
    let folder = two_folders();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let probe = folder.path().join("probe.js");
    fs::write(&probe, PROBE).unwrap();
    // By its own rules, it may read both.
    let mut server = parts::filesystem(folder.path());
    server["env"] = json!({
        "NODE_OPTIONS": format!("--require {}", probe.display()),
        "PROBED": listener.local_addr().unwrap().port().to_string(),
    });
    let sandbox = json!({
        "read": [parts::part("node"), probe], "write": [folder.path().join("inside")],
        "memory": "512MiB", "processes": 16,
    });
    let servers = json!({ "open": server, "closed": sandboxed(server.clone(), sandbox) });
    let gateway = Gateway::config(&servers).ready().await;
    for (server, outside, said) in [("open", 200, "socket opened"), ("closed", 500, "socket refused: EPERM")]
    {
        let read = async |place: &str| {
            let path = folder.path().join(place).join("secret");
            gateway.call(&format!("/{server}/read_text_file"), &json!({ "path": path })).await
        };
        assert_eq!(read("inside").await.status, 200);
        assert_eq!(read("outside").await.status, outside, "{server}");
        eventually("the probe has told", async || gateway.log().contains(said).then_some(())).await;
    }
    let parts = ["files", "signals", "system_calls", "network", "memory", "processes"];
    let told = status(&gateway, "closed").await["sandbox"].clone();
    assert_eq!(told, json!({ "enforced": parts, "missing": [] }), "this kernel lacks parts");
    assert_eq!(status(&gateway, "open").await.get("sandbox"), None);
    gateway.stop().await;
}

/// By the name of each way out, what came of it.
type Escapes = BTreeMap<String, String>;

async fn escapes(gateway: &Gateway, server: &str) -> Escapes {
    eventually("the fake has tried everything", async || {
        let log = gateway.log();
        let mark = format!("server=\"{server}\"");
        let line = log.lines().find(|line| line.contains("escapes: ") && line.contains(&mark))?;
        let (_, found) = line.split_once("escapes: ")?;
        serde_json::Deserializer::from_str(found).into_iter().next()?.ok()
    })
    .await
}

/// Ways that lead nowhere on some machines even without a sandbox.
const UNSURE: [&str; 5] =
    ["write through a hard link", "process_vm_readv", "userfaultfd", "io_uring", "inherited file"];
/// Ways that only root has for sure.
const OF_ROOT: [&str; 14] = [
    "bpf",
    "capabilities",
    "environment of the gateway",
    "files of the gateway",
    "memory of the gateway",
    "memory of the shim",
    "mount",
    "namespace of mounts",
    "performance counters",
    "pidfd_getfd",
    "ptrace",
    "raw packets",
    "setgid file by descriptor",
    "terminal input",
];
/// Ways that `"network": true` opens.
const OF_THE_NETWORK: [&str; 5] = ["IPv4", "IPv6", "UDP", "netlink", "a shell's socket"];

#[tokio::test]
async fn no_way_leads_out_of_a_sandbox() {
    let folder = two_folders();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = format!("mcpo-sandbox-{}", std::process::id());
    let _abstract = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let socket = folder.path().join("outside/socket");
    let _socket = UnixDatagram::bind(&socket).unwrap();
    // The gateway says who it is once it runs: its processes are the ones to reach for.
    let gateway_file = folder.path().join("gateway");
    let places = json!({
        "inside": folder.path().join("inside"), "outside": folder.path().join("outside"),
        "port": listener.local_addr().unwrap().port(), "abstract": name, "socket": socket,
        "gateway": gateway_file,
    });
    let mut read = python_files();
    read.push(gateway_file.to_str().unwrap().to_owned());
    let server = fake("escape.py", &[&places.to_string()]);
    let write = [folder.path().join("inside")];
    let servers = json!({
        "open": server,
        "closed": sandboxed(server.clone(), json!({ "read": read, "write": write })),
        "online": sandboxed(server.clone(), json!({ "read": read, "write": write, "network": true })),
    });
    fs::write(&gateway_file, "").unwrap();
    let gateway = Gateway::config(&json!({ "open": parts::fake(&[]) })).ready().await;
    fs::write(&gateway_file, gateway.pid().to_string()).unwrap();
    fs::write(gateway.file("config.json"), json!({ "mcpServers": servers }).to_string()).unwrap();
    gateway.signal(nix::sys::signal::Signal::SIGHUP);

    let open = escapes(&gateway, "open").await;
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let is_sure = |way: &str| !UNSURE.contains(&way) && (is_root || !OF_ROOT.contains(&way));
    let shut: Vec<_> = open.iter().filter(|(way, found)| is_sure(way) && *found != "out").collect();
    assert!(shut.is_empty(), "these prove nothing, since they fail without a sandbox too: {shut:?}");
    for (server, allowed) in [("closed", &[][..]), ("online", &OF_THE_NETWORK)] {
        let found = escapes(&gateway, server).await;
        assert_eq!(found.len(), open.len());
        let out: Vec<_> =
            found.iter().filter(|(_, found)| *found == "out").map(|(way, _)| way.as_str()).collect();
        let mut allowed = allowed.to_vec();
        allowed.sort_unstable();
        assert_eq!(out, allowed, "{server}: {found:?}");
    }
    gateway.stop().await;
}

/// What it takes to run what npx and uvx start, from what they have downloaded: the README's profiles.
#[tokio::test]
async fn servers_of_npx_and_uvx_run_in_a_sandbox() {
    let folder = two_folders();
    let uv = folder.path().join("uv");
    fs::create_dir(&uv).unwrap();
    let mut files = npx("mcp-server-filesystem");
    files["args"].as_array_mut().unwrap().push(json!(folder.path()));
    let mut time = uvx("mcp-server-time");
    time["env"] = json!({ "XDG_DATA_HOME": uv });
    let mut read = python_files();
    read.push(parts::part("wheels"));
    let servers = json!({
        "files": sandboxed(files, json!({ "read": [parts::part("node")], "write": [folder.path().join("inside")] })),
        "time": sandboxed(time, json!({ "read": read, "write": [parts::part("uv"), uv] })),
    });
    let gateway = Gateway::config(&servers).environment(parts::uv_offline()).ready().await;
    let now = gateway.result("/time/get_current_time", &json!({ "timezone": "UTC" })).await;
    assert_eq!(now["timezone"], "UTC");
    let read = async |place: &str| {
        let path = folder.path().join(place).join("secret");
        gateway.call("/files/read_text_file", &json!({ "path": path })).await.status
    };
    assert_eq!((read("inside").await, read("outside").await), (200, 500));
    gateway.stop().await;
}

#[tokio::test]
async fn a_program_that_takes_too_much_is_killed() {
    let files = python_files();
    let sandbox = |bound: &str, value: Value| json!({ "read": files, bound: value });
    let greedy = |what: &str, value: Value| sandboxed(fake("greedy.py", &[what]), sandbox(what, value));
    let servers = json!({
        "memory": greedy("memory", json!("128MiB")),
        "processes": greedy("processes", json!(20)),
        "good": parts::fake(&[]),
    });
    let gateway = Gateway::config(&servers).start().await;
    for part in ["memory", "processes"] {
        let words = format!("the server's process was killed: it exceeds {part} of its sandbox");
        eventually(&words, async || gateway.log().contains(&words).then_some(())).await;
        let hits = format!("mcpo_bounds_hit_total{{bound=\"sandbox_{part}\"}} ");
        let metrics = gateway.get("/metrics").await.body;
        let hits = metrics.lines().find_map(|line| line.strip_prefix(&hits)).unwrap();
        assert!(hits.parse::<f64>().unwrap() >= 1.0, "{hits}");
    }
    assert_eq!(gateway.document("/good").await["openapi"], "3.1.0");
    let shims = children(gateway.pid());
    gateway.stop().await;
    assert!(shims.iter().all(|shim| !is_alive(*shim)));
}

/// A kernel without Landlock: nothing starts with less than it is meant to have, unless it says so.
#[tokio::test]
async fn a_kernel_without_a_part_fails_the_server_or_is_told() {
    let files = python_files();
    let servers = json!({
        "firm": sandboxed(parts::fake(&[]), json!({ "read": files })),
        "lenient": sandboxed(parts::fake(&[]), json!({ "read": files, "best_effort": true })),
    });
    let wrapper = [
        parts::part("venv/bin/python"),
        parts::file("fakes/without_landlock.py").to_str().unwrap().to_owned(),
    ];
    let gateway = Gateway::config(&servers).inside(&wrapper.each_ref().map(String::as_str)).start().await;
    eventually("the lenient one is ready", async || {
        (status(&gateway, "lenient").await["state"] == "ready").then_some(())
    })
    .await;
    let told = status(&gateway, "lenient").await["sandbox"].clone();
    assert_eq!(told, json!({ "enforced": ["system_calls", "network"], "missing": ["files", "signals"] }));
    let reason = eventually("the firm one has failed", async || {
        status(&gateway, "firm").await["reason"].as_str().map(str::to_owned)
    })
    .await;
    assert!(reason.contains(
        "this system lacks parts of its sandbox: files (Landlock of Linux 6.2), signals (Landlock of Linux 6.12). \
         Another kernel has them; \"best_effort\": true in its \"sandbox\" starts it without"
    ), "{reason}");
    assert!(gateway.log().contains("sandboxed in part: this system lacks the rest"), "{}", gateway.log());
    gateway.stop().await;
}

/// What is wrong with a sandbox is the reason of its server.
#[tokio::test]
async fn a_sandbox_that_cannot_be_says_why() {
    let none = Path::new("/no/such/folder");
    let missing = sandboxed(parts::fake(&[]), json!({ "write": [none] }));
    let absent = json!({ "command": "no-such-program-at-all", "sandbox": {} });
    let gateway = Gateway::config(&json!({ "missing": missing, "absent": absent })).start().await;
    for (server, words) in [
        ("missing", "\"write\": /no/such/folder does not exist; make it, or leave it out"),
        ("absent", "no such program; is it installed and on PATH?"),
    ] {
        let reason = eventually("it has failed", async || {
            status(&gateway, server).await["reason"].as_str().map(str::to_owned)
        })
        .await;
        assert!(reason.starts_with("cannot start `") && reason.contains(words), "{reason}");
    }
    gateway.stop().await;
}
