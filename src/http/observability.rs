//! Observability of the gateway: its uptime, the audit log and the export of spans.

use std::time::Instant;

use opentelemetry_sdk::trace::SdkTracer;

use super::audit::AuditLog;

/// The state behind observability, apart from the metrics of each tool.
pub struct Observability {
    /// When the gateway started.
    pub(super) started: Instant,
    /// Whether metrics are served on a separate port instead of the main one.
    pub(super) metrics_apart: bool,
    /// Creates the spans of calls; `None` if spans are not exported.
    pub(super) tracer: Option<SdkTracer>,
    /// Records calls; `None` if no audit log is configured.
    pub(super) audit: Option<AuditLog>,
}

impl Observability {
    /// Creates the state of a gateway that starts now.
    pub fn new(metrics_apart: bool, tracer: Option<SdkTracer>, audit: Option<AuditLog>) -> Self {
        Self { started: Instant::now(), metrics_apart, tracer, audit }
    }

    /// Reopens the audit log, because log rotation may have moved the file away.
    pub fn reopen_audit_log(&self) {
        if let Some(log) = &self.audit {
            log.reopen();
        }
    }

    /// Waits for the last lines of the audit log; blocks, but not for long.
    pub fn end(&self) {
        if let Some(log) = &self.audit {
            log.end();
        }
    }
}
