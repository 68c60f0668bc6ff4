//! What systemd is told (sd_notify(3)), over a socket in the file system and over an abstract one.

use std::{
    fs,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram as StdDatagram},
    },
    time::Duration,
};

use nix::{
    sys::signal::Signal,
    time::{ClockId, clock_gettime},
};
use serde_json::json;
use tokio::{net::UnixDatagram, time::timeout};

use crate::support::{Gateway, launch::Launch, parts, processes::marked, wait::DEADLINE};

/// Waits for the next message, `WATCHDOG=1` left out.
async fn told(socket: &UnixDatagram) -> String {
    loop {
        let message = hear(socket).await;
        if message != "WATCHDOG=1" {
            return message;
        }
    }
}

async fn hear(socket: &UnixDatagram) -> String {
    let mut message = [0; 64];
    let length = timeout(DEADLINE, socket.recv(&mut message)).await.expect("a message").unwrap();
    String::from_utf8(message[..length].to_vec()).unwrap()
}

fn launch(address: &str) -> Launch {
    Gateway::config(&json!({ "fake": parts::fake(&[]) })).environment([("NOTIFY_SOCKET", address)])
}

#[tokio::test]
async fn systemd_is_told_of_beginning_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut gateway = launch(path.to_str().unwrap()).environment([("WATCHDOG_USEC", "100000")]).ready().await;
    assert_eq!(hear(&socket).await, "READY=1");
    for _ in 0..3 {
        assert_eq!(hear(&socket).await, "WATCHDOG=1");
    }
    let children: Vec<_> =
        marked(&gateway.mark()).into_iter().filter(|process| process.pid != gateway.pid()).collect();
    assert!(!children.is_empty());
    for child in children {
        let environment = fs::read(format!("/proc/{}/environ", child.pid)).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        assert!(!environment.contains("NOTIFY_SOCKET") && !environment.contains("WATCHDOG"), "{child:?}");
    }
    gateway.signal(Signal::SIGTERM);
    assert_eq!(told(&socket).await, "STOPPING=1");
    assert_eq!(gateway.exit().await.code(), Some(0), "{}", gateway.log());
}

/// Each reload is told with its moment, and its end too, whatever came of it.
#[tokio::test]
async fn systemd_is_told_of_reloads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let gateway = launch(path.to_str().unwrap()).ready().await;
    assert_eq!(hear(&socket).await, "READY=1");
    let now = || Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap()).as_micros();
    let other = json!({ "mcpServers": { "other": parts::fake(&[]) } }).to_string();
    for text in [other.as_str(), "no JSON"] {
        fs::write(gateway.file("config.json"), text).unwrap();
        let asked = now();
        gateway.signal(Signal::SIGHUP);
        let told = hear(&socket).await;
        let moment = told.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect(&told);
        let moment: u128 = moment.parse().expect(&told);
        assert!(asked <= moment && moment <= now(), "{told}");
        assert_eq!(hear(&socket).await, "READY=1");
    }
    let log = gateway.stop().await;
    assert!(log.contains("removed fake") && log.contains("the configuration stays as it was"), "{log}");
}

#[tokio::test]
async fn the_socket_may_be_abstract() {
    let name = format!("mcpo-test-{}", std::process::id());
    let socket = StdDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = UnixDatagram::from_std(socket).unwrap();
    let gateway = launch(&format!("@{name}")).start().await;
    assert_eq!(hear(&socket).await, "READY=1");
    gateway.stop().await;
    assert_eq!(hear(&socket).await, "STOPPING=1");
}

/// Nobody listens: that is told, and mcpo works.
#[tokio::test]
async fn a_deaf_service_manager_is_no_reason_to_stop() {
    let gateway = launch("/nowhere/notify").ready().await;
    assert!(gateway.stop().await.contains("cannot tell the service manager READY=1"));
}
