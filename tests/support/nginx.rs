//! nginx in front of a gateway, as the README shows it: a real proxy's reading of requests comes before ours.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{eventually, parts};

/// Where it listens: no other test is on this address, so a port that was free there stays free.
const ADDRESS: &str = "127.0.0.9";

/// A running nginx, ended when dropped.
pub(crate) struct Nginx {
    pub(crate) address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl Nginx {
    /// Serves `upstream` (an origin) below `prefix` (`/tools`), which it strips or passes on.
    pub(crate) async fn start(upstream: &str, prefix: &str, strips: bool) -> Self {
        let free = TcpListener::bind((ADDRESS, 0)).expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration(address, upstream, prefix, strips)).expect("a config file");
        let mut child = Command::new(parts::part("nginx/usr/sbin/nginx"))
            .arg("-p")
            .arg(folder.path())
            .args(["-e", "stderr", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx starts");
        eventually("nginx accepts", async || {
            let ended = child.try_wait().expect("our child");
            assert!(ended.is_none(), "nginx ended: {ended:?}");
            TcpStream::connect(address).await.ok()
        })
        .await;
        Self { address, child, _folder: folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Connections to the gateway are kept and shared, since what is smuggled would come with the next request on one.
fn configuration(address: SocketAddr, upstream: &str, prefix: &str, strips: bool) -> String {
    let gateway = upstream.strip_prefix("http://").expect("a plain origin");
    let stripped = if strips { "/" } else { "" };
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    client_header_timeout 5s;
    client_body_timeout 5s;
    keepalive_timeout 1s;
    upstream gateway {{
        server {gateway};
        keepalive 8;
    }}
    server {{
        listen {address};
        location {prefix}/ {{
            proxy_pass http://gateway{stripped};
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
        }}
    }}
}}
"
    )
}
