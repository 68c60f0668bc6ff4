//! Exports spans to an OpenTelemetry collector (OTLP over HTTP, protobuf).
//!
//! The SDK's thread collects ended spans and sends them in batches. Its queue is bounded, and spans beyond it are
//! dropped, so a slow collector never delays a call. The SDK also reads environment variables: the collector's headers,
//! the service name, the sampler.

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
/// How long sending the last spans may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// The shortest time between two warnings about a collector that does not accept spans.
const QUIET: Duration = Duration::from_secs(300);
/// The path segments appended to the endpoint for traces (OTLP specification, OTLP/HTTP Request).
const PATH: [&str; 2] = ["v1", "traces"];

/// The export of spans, which runs until [`Traces::end`].
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Starts to send spans to the collector at `endpoint`, on the current runtime.
    ///
    /// # Errors
    ///
    /// An environment variable of the SDK has an unusable value, or the HTTP client cannot be created.
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

    /// Returns the tracer that creates spans.
    pub fn tracer(&self) -> SdkTracer {
        self.provider.tracer("mcpo")
    }

    /// Sends the remaining spans and ends the export.
    pub async fn end(self) {
        let ended = spawn_blocking(move || self.provider.shutdown_with_timeout(FAREWELL)).await;
        if !ended.is_ok_and(|sent| sent.is_ok()) {
            warn!("the last spans were not sent within {} s", FAREWELL.as_secs());
        }
    }
}

/// Returns the resource of the spans: `mcpo`, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES set another service
/// name.
fn resource() -> Resource {
    let found = Resource::builder().build();
    let name = found.get(&Key::from_static_str("service.name"));
    // The SDK's default name begins like this.
    let named = name.is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    if named { found } else { Resource::builder().with_service_name("mcpo").build() }
}

/// Wraps the SDK's exporter, which needs a runtime and hardly logs its failures.
#[derive(Debug)]
struct Exporter {
    inner: opentelemetry_otlp::SpanExporter,
    runtime: Handle,
    /// The collector's origin, for warnings.
    collector: String,
    /// When the last warning was logged.
    told: Mutex<Option<Instant>>,
}

impl SpanExporter for Exporter {
    /// Sends a batch, and blocks meanwhile, which is harmless on the SDK's own thread.
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
