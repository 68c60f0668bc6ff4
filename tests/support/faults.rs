//! A TCP proxy that fails as networks and proxies do, at once when told.

use std::future::pending;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// What the proxy does with every connection, new or open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: bytes pass.
    None,
    /// Cuts it.
    Cut,
    /// Keeps it open and passes nothing on, as a peer does that is gone without a word; for ever.
    Silence,
    /// Answers this, whatever is sent, and cuts it.
    Answer(&'static str),
}

/// The proxy, ended when dropped.
pub(crate) struct FaultyProxy {
    fault: watch::Sender<Fault>,
    _task: JoinSet<()>,
}

impl FaultyProxy {
    /// Stands before the origin of `url`; gives the URL that leads through it as well.
    pub(crate) async fn before(url: &str) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (scheme, rest) = url.split_once("://").expect("a URL");
        let (upstream, path) = rest.split_once('/').expect("a path");
        let upstream = upstream.to_owned();
        let through = format!("{scheme}://{}/{path}", listener.local_addr().expect("an address"));
        let (fault, faults) = watch::channel(Fault::None);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, upstream.clone(), faults.clone()));
            }
        });
        (Self { fault, _task: task }, through)
    }

    /// From now on, for open connections too.
    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

async fn serve(mut client: TcpStream, upstream: String, mut faults: watch::Receiver<Fault>) {
    let fault = *faults.borrow_and_update();
    match fault {
        Fault::Cut => {}
        Fault::Silence => pending().await,
        Fault::Answer(answer) => {
            let mut request = [0; 64 << 10];
            let _ = client.read(&mut request).await;
            let _ = client.write_all(answer.as_bytes()).await;
            let _ = client.shutdown().await;
        }
        Fault::None => {
            let Ok(mut server) = TcpStream::connect(&upstream).await else { return };
            tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => return,
                _ = faults.changed() => {}
            }
            if *faults.borrow_and_update() == Fault::Silence {
                pending::<()>().await;
            }
        }
    }
}
