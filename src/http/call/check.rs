//! Checks a call's arguments: at once if that takes little work, and off the HTTP workers otherwise.
//!
//! Invariant: at most [`AT_ONCE`] checks run off the workers. The others wait, until their callers' deadlines.

use std::{borrow::Cow, sync::Arc};

use serde_json::value::RawValue;
use tokio::{
    sync::Semaphore,
    task::spawn_blocking,
    time::{Instant, timeout_at},
};
use tracing::error;

use crate::{
    catalogue::Arguments,
    http::error::ApiError,
    upstream::{CallError, Session},
};

const AT_ONCE: usize = 2;

/// Those that may begin.
static FREE: Semaphore = Semaphore::const_new(AT_ONCE);

/// Checks the arguments of a call, and returns those to send.
///
/// # Errors
///
/// They do not fit the tool, or their turn does not come in time.
pub(super) async fn check<'a>(
    arguments: &Arc<Arguments>,
    raw: &'a RawValue,
    session: &Session,
    deadline: Instant,
) -> Result<Cow<'a, RawValue>, ApiError> {
    if let Some(checked) = arguments.check_quickly(raw) {
        return checked.map_err(ApiError::Invalid);
    }
    let turn = timeout_at(deadline, FREE.acquire()).await;
    let Ok(turn) = turn else {
        return Err(CallError::Deadline(session.config().bounds.call).into());
    };
    let (check, owned) = (arguments.clone(), raw.to_owned());
    let checked = spawn_blocking(move || {
        let _turn = turn;
        let checked = check.check(&owned);
        checked.map(|checked| if let Cow::Owned(changed) = checked { Some(changed) } else { None })
    });
    match checked.await {
        Ok(Ok(Some(changed))) => Ok(Cow::Owned(changed)),
        Ok(Ok(None)) => Ok(Cow::Borrowed(raw)),
        Ok(Err(violations)) => Err(ApiError::Invalid(violations)),
        Err(error) => {
            error!(%error, "arguments pass unchecked: their check has failed");
            Ok(Cow::Borrowed(raw))
        }
    }
}
