//! The audit log of a real API server: who did what, by the server's own account.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How often the log file is looked at while waiting for an event.
const POLL: Duration = Duration::from_millis(20);

/// Everything at level Metadata, when the response is complete (a watch also when it starts).
pub(crate) const POLICY: &str = r#"
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
"#;

/// One line of the audit log, an `audit.k8s.io/v1` Event.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent(pub Value);

impl AuditEvent {
    /// The value at a JSON pointer, if it is text: `/user/username`, `/verb`, `/objectRef/name`, `/auditID`, `/userAgent`.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer)?.as_str()
    }

    /// The name of the authenticated user.
    pub fn user(&self) -> &str {
        self.text("/user/username").unwrap_or_default()
    }

    /// The verb, such as `create` or `patch`.
    pub fn verb(&self) -> &str {
        self.text("/verb").unwrap_or_default()
    }

    /// The HTTP status code of the response, where there is one.
    pub fn code(&self) -> Option<u64> {
        self.0.pointer("/responseStatus/code")?.as_u64()
    }
}

/// All events written so far, oldest first.
pub(crate) fn read(log: &Path) -> Result<Vec<AuditEvent>> {
    // The server makes the file with its first event.
    if !log.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(log).with_context(|| format!("read the audit log {}", log.display()))?;
    // The last line may be half written; it is whole once its end of line is there.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| Ok(AuditEvent(serde_json::from_str(line)?))).collect()
}

/// The first event that `wanted` holds for; waits for it. The server writes an event after the response is on its way.
pub(crate) async fn wait_for(
    log: &Path,
    within: Duration,
    wanted: impl Fn(&AuditEvent) -> bool,
) -> Result<AuditEvent> {
    let deadline = Instant::now() + within;
    loop {
        let events = read(log)?;
        let seen = events.len();
        if let Some(event) = events.into_iter().find(&wanted) {
            return Ok(event);
        }
        if Instant::now() >= deadline {
            bail!("no such audit event within {within:?}; {seen} events in {}", log.display());
        }
        tokio::time::sleep(POLL).await;
    }
}
