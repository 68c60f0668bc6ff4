//! Spans on their way to an OpenTelemetry collector (OTLP over HTTP, protobuf).
//!
//! The SDK's thread gathers what has ended and sends it in batches; its queue is bounded, and what does not fit is
//! dropped. So nothing that the collector does, or does not do, holds up a call. The SDK reads variables of its own:
//! the collector's headers, the service's name, the sampler.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use opentelemetry::{Key, trace::TracerProvider as _};
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SdkTracer, SdkTracerProvider, SpanData, SpanExporter},
};
use tokio::{runtime::Handle, task::spawn_blocking};
use tracing::warn;
use url::Url;

use crate::{config::ForwardProxy, net};

/// How long one request to the collector may take.
const REQUEST: Duration = Duration::from_secs(10);
/// How long the last spans may take to be sent.
const FAREWELL: Duration = Duration::from_secs(2);
/// A collector that takes nothing is told of no more often than this.
const QUIET: Duration = Duration::from_secs(300);
/// The last segments of where traces go (OTLP specification, OTLP/HTTP Request).
const PATH: [&str; 2] = ["v1", "traces"];

/// The export of spans, until [`Traces::end`].
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Sends spans to the collector at `endpoint`, on the runtime that this is called on.
    ///
    /// # Errors
    ///
    /// A variable of the SDK's cannot be followed.
    pub fn start(endpoint: &Url, proxy: &ForwardProxy) -> Result<Self, String> {
        let mut target = endpoint.clone();
        if let Ok(mut path) = target.path_segments_mut() {
            path.pop_if_empty().extend(PATH);
        }
        let client = net::client(proxy).timeout(REQUEST).build().map_err(|error| error.to_string())?;
        let inner = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(target)
            .build()
            .map_err(|error| error.to_string())?;
        let collector = endpoint.origin().ascii_serialization();
        let exporter = Exporter { inner, runtime: Handle::current(), collector, told: Mutex::default() };
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource()).build();
        Ok(Self { provider })
    }

    /// What makes spans.
    pub fn tracer(&self) -> SdkTracer {
        self.provider.tracer("mcpo")
    }

    /// Sends what is left.
    pub async fn end(self) {
        let ended = spawn_blocking(move || self.provider.shutdown_with_timeout(FAREWELL)).await;
        if !ended.is_ok_and(|sent| sent.is_ok()) {
            warn!("the last spans were not sent within {} s", FAREWELL.as_secs());
        }
    }
}

/// Who sends the spans: mcpo, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say another name.
fn resource() -> Resource {
    let found = Resource::builder().build();
    let name = found.get(&Key::from_static_str("service.name"));
    // What the SDK makes up begins so.
    let named = name.is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    if named { found } else { Resource::builder().with_service_name("mcpo").build() }
}

/// The SDK's exporter, which works on a runtime and says little.
#[derive(Debug)]
struct Exporter {
    inner: opentelemetry_otlp::SpanExporter,
    runtime: Handle,
    /// The collector's origin, for people.
    collector: String,
    /// When a failure was last told of.
    told: Mutex<Option<Instant>>,
}

impl SpanExporter for Exporter {
    /// Called on the SDK's own thread, where waiting holds nobody up.
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.runtime.block_on(self.inner.export(batch));
        if let Err(error) = &sent
            && let Ok(mut told) = self.told.lock()
            && told.is_none_or(|told| told.elapsed() >= QUIET)
        {
            *told = Some(Instant::now());
            let collector = &self.collector;
            warn!(%error, "spans cannot be sent to {collector} and are dropped; is it up, and does it take OTLP over HTTP?");
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
