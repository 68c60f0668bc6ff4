//! How the gateway can be observed: its age, the audit log and the export of spans.

use std::time::Instant;

use opentelemetry_sdk::trace::SdkTracer;

use super::audit::AuditLog;

/// What observing takes, besides the metrics of each tool.
pub struct Observability {
    /// When the gateway started.
    pub(super) started: Instant,
    /// Whether metrics have a port of their own and are not served beside the tools.
    pub(super) metrics_apart: bool,
    /// Makes the spans of calls; `None` if none are exported.
    pub(super) tracer: Option<SdkTracer>,
    /// Records calls; `None` if they are not recorded.
    pub(super) audit: Option<AuditLog>,
}

impl Observability {
    /// Begins with a gateway that starts now.
    pub fn new(metrics_apart: bool, tracer: Option<SdkTracer>, audit: Option<AuditLog>) -> Self {
        Self { started: Instant::now(), metrics_apart, tracer, audit }
    }

    /// Opens the audit log anew, as another program may have moved the old file away.
    pub fn reopen_audit_log(&self) {
        if let Some(log) = &self.audit {
            log.reopen();
        }
    }
}
