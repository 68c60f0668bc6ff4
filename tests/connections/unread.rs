//! Clients that do not read what they asked for, that ask for more than they read, and that send too much at once: none
//! of them fills the memory.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::{interval, timeout},
};

use crate::support::{
    Answer, Gateway, eventually, observe::memory, parts, upstream::Remote, wait::DEADLINE, wire::hear,
};

/// A connection whose client takes in little by itself.
async fn connect(gateway: &Gateway) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let address = gateway.base().split_once("://").unwrap().1.parse().unwrap();
    socket.connect(address).await.unwrap()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn post(path: &str, arguments: &Value) -> String {
    let body = arguments.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// The arguments of the example server's echo for a text of so many megabytes.
fn megabytes(count: usize) -> Value {
    json!({ "message": "0123456789".repeat(count * 10_000), "repeat": 10 })
}

async fn hits(gateway: &Gateway, bound: &str) -> usize {
    let metrics = gateway.get("/metrics").await.body;
    let series = format!("mcpo_bounds_hit_total{{bound=\"{bound}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap()
}

/// Reads at this pace, to the end of the connection.
async fn read_slowly(mut stream: TcpStream, bytes_a_second: usize) -> Answer {
    let (mut wire, mut part) = (Vec::new(), vec![0; bytes_a_second / 4]);
    let mut beat = interval(Duration::from_millis(250));
    loop {
        beat.tick().await;
        match stream.read(&mut part).await.unwrap() {
            0 => return Answer::parse(&wire),
            read => wire.extend_from_slice(&part[..read]),
        }
    }
}

/// A client that reads nothing is given up after 30 s, and meanwhile holds no more than its share. One that reads slowly
/// gets all it asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_nothing_is_given_up() {
    let launch = Gateway::config(&json!({ "example": parts::example(), "fake": parts::fake(&[]) }));
    let gateway = launch.options(["--max-total-size", "64MiB"]).ready().await;
    assert_eq!(gateway.call("/example/echo", &megabytes(10)).await.status, 200);
    let (before, start) = (memory(&gateway), Instant::now());

    let slow = async {
        let mut stream = connect(&gateway).await;
        let text = "x".repeat(500_000);
        let request =
            post("/fake/call", &json!({ "text": text })).replacen("Host", "Connection: close\r\nHost", 1);
        stream.write_all(request.as_bytes()).await.unwrap();
        read_slowly(stream, 12 << 10).await
    };
    let crowd = async {
        let mut crowd = Vec::new();
        for _ in 0..20 {
            let mut stream = connect(&gateway).await;
            stream.write_all(post("/example/echo", &megabytes(10)).as_bytes()).await.unwrap();
            crowd.push(stream);
        }
        let refused = eventually("some are given up", async || {
            let grown = memory(&gateway).saturating_sub(before);
            assert!(grown < 200 << 10, "{grown} KiB more");
            (hits(&gateway, "unread_answers").await > 0).then_some(hits(&gateway, "held_bytes").await)
        });
        let refused = refused.await;
        assert!(refused > 0, "not all have room");
        eventually("others have room again", async || {
            (gateway.call("/example/echo", &megabytes(10)).await.status == 200).then_some(())
        })
        .await;
        println!(
            "{refused} refused, {} given up, {:?}",
            hits(&gateway, "unread_answers").await,
            start.elapsed()
        );
        drop(crowd);
    };
    let (slow, ()) = tokio::join!(slow, crowd);
    assert!(slow.status == 200 && slow.body.len() > 500_000, "{} bytes", slow.body.len());
    assert!(start.elapsed() > Duration::from_secs(35), "it was slow for longer than the others had");
    gateway.stop().await;
}

/// What is sent ahead waits outside, until what was asked before it is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_ahead_wait_outside() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).ready().await;
    let large = get("/docs/assets/swagger-ui-bundle.js");
    for ahead in ["/docs/assets/swagger-ui-bundle.js", "/healthz", "/redoc", "/none"] {
        let requests = large.clone() + &get(ahead).repeat(4000);
        let before = memory(&gateway);
        let crowd = join_all((0..150).map(|_| async {
            let mut stream = connect(&gateway).await;
            // All that the other side takes.
            let _ = timeout(Duration::from_secs(2), stream.write_all(requests.as_bytes())).await;
            stream
        }));
        let crowd = crowd.await;
        assert_eq!(gateway.get("/healthz").await.status, 200, "others are served");
        let grown = memory(&gateway).saturating_sub(before);
        println!("{ahead}: {grown} KiB more");
        assert!(grown < 40 << 10, "{ahead}: {grown} KiB more");
        drop(crowd);
    }
    assert!(hits(&gateway, "pipelined").await > 0);
    gateway.stop().await;
}

/// Pipelining is slow, but every request is answered, in its order, however it is cut and whatever it carries.
#[tokio::test]
async fn requests_ahead_are_answered_in_order() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).ready().await;
    let call = |text: &str| post("/fake/call", &json!({ "text": text }));
    let chunked = "POST /fake/call HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n";
    let body = format!("{{\"text\":\n\n\"{}\"}}", "é\\n".repeat(20_000));
    let chunked = format!("{chunked}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let requests = [
        get("/healthz").repeat(300),
        call(&"x".repeat(1_000_000)),
        get("/none").repeat(300),
        chunked,
        call(&"y\n".repeat(3000)),
        get("/healthz").replacen("Host", "Connection: close\r\nHost", 1),
    ]
    .concat();
    let mut stream = gateway.say(b"").await;
    let (mut read, mut write) = stream.split();
    let mut wire = Vec::new();
    let both = async { tokio::join!(write.write_all(requests.as_bytes()), read.read_to_end(&mut wire)) };
    let (sent, heard) = timeout(DEADLINE, both).await.expect("all are answered");
    sent.and(heard.map(drop)).unwrap();
    let wire = String::from_utf8_lossy(&wire);
    let statuses: Vec<_> =
        wire.match_indices("HTTP/1.1 ").map(|(at, text)| &wire[at + text.len()..][..3]).collect();
    let expected = [["200"].repeat(301), ["404"].repeat(300), ["200"].repeat(3)].concat();
    assert_eq!(statuses, expected);
    gateway.stop().await;
}

/// A body that has no room is refused before it is read.
#[tokio::test]
async fn bodies_beyond_the_total_are_refused() {
    let launch = Gateway::config(&json!({ "fake": parts::fake(&[]) }));
    let gateway = launch.options(["--max-total-size", "8MiB"]).ready().await;
    let head = |length: usize| {
        let kind = "Content-Type: application/json\r\nConnection: close";
        format!("POST /fake/call HTTP/1.1\r\nHost: localhost\r\n{kind}\r\nContent-Length: {length}\r\n\r\n")
    };
    let refused = |answer: &Answer| {
        let detail = answer.json()["detail"].to_string();
        assert!(answer.status == 503 && detail.contains("--max-total-size"), "{answer:?}");
        assert_eq!(answer.header("retry-after").as_deref(), Some("5"));
    };
    refused(&hear(gateway.say(head(4 << 20).as_bytes()).await).await);
    // Each of two has room, but not both.
    let body = json!({ "text": "x".repeat(1 << 20) }).to_string();
    let mut first = gateway.say(head(body.len()).as_bytes()).await;
    first.write_all(&body.as_bytes()[..1 << 20]).await.unwrap();
    eventually("the first one is held", async || {
        // Its head alone: it is refused before its body is read, and takes no room from the first one meanwhile.
        let second = gateway.say(head(1_500_000).as_bytes()).await;
        let answer = timeout(Duration::from_millis(500), hear(second)).await.ok()?;
        refused(&answer);
        Some(())
    })
    .await;
    first.write_all(&body.as_bytes()[1 << 20..]).await.unwrap();
    assert_eq!(hear(first).await.status, 200);
    assert!(hits(&gateway, "held_bytes").await >= 2);
    gateway.stop().await;
}

/// An answer that has no room costs its own call alone, on every transport.
#[tokio::test]
async fn answers_beyond_the_total_are_refused() {
    let (sse, http) = (Remote::fake("/sse", &[]).await, Remote::fake("/mcp", &[]).await);
    let servers = json!({
        "stdio": parts::fake(&[]),
        "sse": { "type": "sse", "url": sse.url },
        "http": { "type": "http", "url": http.url },
    });
    let gateway = Gateway::config(&servers).options(["--max-total-size", "4MiB"]).ready().await;
    let folder = tempfile::tempdir().unwrap();
    for server in ["stdio", "sse", "http"] {
        let file = folder.path().join(server);
        let arguments = json!({ "text": "x".repeat(450_000), "until": file.to_str().unwrap() });
        let path = format!("/{server}/call");
        let call = gateway.call(&path, &arguments);
        let meanwhile = async {
            eventually("it is with the server", async || {
                let status = gateway.get("/status").await.json();
                let servers = status["servers"].as_array().unwrap().clone();
                servers
                    .iter()
                    .any(|each| each["name"] == server && each["calls"]["running"] == 1)
                    .then_some(())
            })
            .await;
            let others = fill(&gateway).await;
            std::fs::write(&file, "").unwrap();
            others
        };
        let (answer, others) = tokio::join!(call, meanwhile);
        let reason = answer.json()["detail"]["message"].to_string();
        assert!(answer.status == 502 && reason.contains("--max-total-size"), "{server}: {answer:?}");
        assert_eq!(answer.header("retry-after"), None, "{server}: the tool has run");
        assert_eq!(gateway.get("/healthz").await.status, 200);
        drop(others);
        let again = async || (gateway.call(&path, &arguments).await.status == 200).then_some(());
        eventually("there is room again", again).await;
    }
    gateway.stop().await;
}

/// Clients at several addresses take all the room that there is, with bodies that do not end.
async fn fill(gateway: &Gateway) -> Vec<TcpStream> {
    let body = [&[b' '; 300_000][..], b"{}"].concat();
    let length = body.len();
    let request = |path: &str| {
        let kind = "Content-Type: application/json\r\nConnection: close";
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{kind}\r\nContent-Length: {length}\r\n\r\n");
        [head.as_bytes(), &body].concat()
    };
    let request = request("/stdio/call");
    let send = async |last: u8, part: &[u8]| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, last], 0).into()).unwrap();
        let address = gateway.base().split_once("://").unwrap().1.parse().unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        stream.write_all(part).await.unwrap();
        stream
    };
    let mut others = Vec::new();
    for last in 2..6 {
        others.push(send(last, &request[..request.len() - 2]).await);
    }
    eventually("no room is left", async || {
        // Its head alone, from an address that holds nothing: it is refused for what the others hold.
        let probe = send(6, &request[..request.len() - length]).await;
        let answer = timeout(Duration::from_millis(500), hear(probe)).await.ok()?;
        (answer.status == 503).then_some(())
    })
    .await;
    others
}
