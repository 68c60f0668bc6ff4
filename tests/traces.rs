//! Spans of calls, as a collector gets them: OTLP over HTTP, protobuf.

use std::collections::HashMap;

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value as Any},
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use prost::Message as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};

use crate::{
    shutdown::received,
    support::{Gateway, eventually, parts, upstream::free_port, wire::post},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00f067aa0ba902b7";
const STATE: &str = "rojo=00f067aa0ba902b7";

/// A collector that keeps what it is sent. Ended when dropped.
struct Collector {
    url: String,
    bodies: mpsc::Receiver<Vec<u8>>,
    _task: JoinSet<()>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sink, bodies) = mpsc::channel(64);
        let mut task = JoinSet::new();
        task.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                sink.send(take(stream).await).await.unwrap();
            }
        });
        Self { url, bodies, _task: task }
    }

    /// All that was sent.
    fn exported(&mut self) -> Vec<ExportTraceServiceRequest> {
        let bodies = std::iter::from_fn(|| self.bodies.try_recv().ok());
        bodies.map(|body| ExportTraceServiceRequest::decode(&*body).expect("protobuf")).collect()
    }
}

/// Reads the one request of a connection, and answers it.
async fn take(stream: TcpStream) -> Vec<u8> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).await.unwrap() > 0, "{head}");
    }
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("post /v1/traces "), "{head}");
    assert!(head.contains("content-type: application/x-protobuf\r\n"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect(&head);
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(answer.as_bytes()).await.unwrap();
    body
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Attributes by name.
fn by_name(attributes: &[KeyValue]) -> HashMap<&str, String> {
    let text = |attribute: &KeyValue| match attribute.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text.clone()),
        Any::IntValue(number) => Some(number.to_string()),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|attribute| (attribute.key.as_str(), text(attribute).expect("a value"))).collect()
}

/// The `_meta` of each call that the server got.
fn traces(record: &str) -> Vec<[Option<String>; 2]> {
    // The last line may be half written.
    let messages = record.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let calls = messages.filter(|message| message["method"] == "tools/call");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    calls
        .map(|call| call["params"]["_meta"].clone())
        .map(|meta| [text(&meta["traceparent"]), text(&meta["tracestate"])])
        .collect()
}

#[tokio::test]
async fn each_call_is_a_span_between_its_caller_and_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record");
    let mut collector = Collector::start().await;
    let fake = parts::fake(&["--record", record.to_str().unwrap()]);
    let gateway =
        Gateway::config(&json!({ "fake": fake })).options(["--otlp-endpoint", &collector.url]).ready().await;
    let call = async |parent: Option<&str>, arguments: Value| {
        let mut call = gateway.request(Method::POST, "/fake/call").json(&arguments);
        if let Some(flags) = parent {
            let parent = format!("00-{TRACE}-{PARENT}-{flags}");
            call = call.header("traceparent", parent).header("tracestate", STATE);
        }
        gateway.send(call).await.status
    };
    assert_eq!(call(Some("01"), json!({ "diary": "a-private-thought" })).await, 200);
    assert_eq!(call(None, json!({})).await, 200);
    assert_eq!(call(None, json!({ "error": { "code": -32603, "message": "a-private-thought" } })).await, 500);
    // Its caller keeps no trace of it, so nobody does.
    assert_eq!(call(Some("00"), json!({})).await, 200);
    let hung_up = gateway.say(&post("/fake/call", br#"{"silence":true}"#)).await;
    eventually("five calls", async || {
        (traces(&std::fs::read_to_string(&record).unwrap()).len() == 5).then_some(())
    })
    .await;
    drop(hung_up);
    received(&record, "notifications/cancelled").await;
    gateway.stop().await;

    let exported = collector.exported();
    assert!(!format!("{exported:?}").contains("a-private-thought"), "{exported:?}");
    let resources: Vec<_> = exported.iter().flat_map(|request| &request.resource_spans).collect();
    for resource in &resources {
        let resource = resource.resource.as_ref().expect("a resource");
        assert_eq!(by_name(&resource.attributes)["service.name"], "mcpo");
    }
    let spans: Vec<&Span> =
        resources.iter().flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans).collect();
    let [below, root, refused, cancelled] = spans[..] else { panic!("{spans:?}") };
    for span in spans {
        assert_eq!((span.name.as_str(), span.kind), ("tools/call call", SpanKind::Server as i32));
        let attributes = by_name(&span.attributes);
        assert_eq!(attributes["mcp.method.name"], "tools/call");
        assert_eq!(attributes["gen_ai.operation.name"], "execute_tool");
        assert_eq!(attributes["gen_ai.tool.name"], "call");
        assert_eq!(attributes["mcpo.server"], "fake");
    }
    assert_eq!((hex(&below.trace_id), hex(&below.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
    assert_eq!((below.trace_state.as_str(), root.parent_span_id.len()), (STATE, 0));
    let outcome = |span: &Span| {
        let attributes = by_name(&span.attributes);
        let attribute = |name: &str| attributes.get(name).cloned();
        let failed = span.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32);
        (failed, attribute("error.type"), attribute("http.response.status_code"))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(outcome(below), (false, None, some("200")));
    assert_eq!(outcome(root), (false, None, some("200")));
    assert_eq!(outcome(refused), (true, some("-32603"), some("500")));
    assert_eq!(outcome(cancelled), (true, some("cancelled"), None));

    // What the server was told is the span's own place.
    let told = traces(&std::fs::read_to_string(&record).unwrap());
    let place = |span: &Span| Some(format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id)));
    assert_eq!(told[0], [place(below), some(STATE)]);
    assert_eq!(told[1], [place(root), None]);
    let unkept = told[3][0].as_deref().unwrap();
    assert!(unkept.starts_with(&format!("00-{TRACE}-")) && unkept.ends_with("-00"), "{unkept}");
}

/// A collector that is not there fails no call, and is told of once.
#[tokio::test]
async fn a_collector_that_is_away_is_told_of_once() {
    let collector = format!("http://127.0.0.1:{}", free_port());
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) }))
        .environment([("OTEL_EXPORTER_OTLP_ENDPOINT", collector.as_str())])
        .environment([("OTEL_BSP_SCHEDULE_DELAY", "50"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "10")])
        .ready()
        .await;
    let complaint = format!("spans cannot be sent to {collector}");
    gateway.result("/fake/call", &json!({})).await;
    eventually("it is told", async || gateway.log().contains(&complaint).then_some(())).await;
    // The last span cannot be sent either.
    gateway.result("/fake/call", &json!({})).await;
    let log = gateway.stop().await;
    assert_eq!(log.matches(&complaint).count(), 1, "{log}");
}

/// One that never answers holds up neither calls nor, for long, the end.
#[tokio::test]
async fn a_collector_that_hangs_holds_nothing_up() {
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", collector.local_addr().unwrap());
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) }))
        .options(["--otlp-endpoint", &url])
        .environment([("OTEL_BSP_SCHEDULE_DELAY", "10")])
        .ready()
        .await;
    gateway.result("/fake/call", &json!({})).await;
    let _hanging = collector.accept().await.unwrap();
    for number in 0..20 {
        assert_eq!(gateway.result("/fake/call", &json!({ "n": number })).await["arguments"]["n"], number);
    }
    let log = gateway.stop().await;
    assert!(log.contains("the last spans were not sent within 2 s"), "{log}");
}
