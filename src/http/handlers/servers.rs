//! The routes of servers: `/{server}/openapi.json`, `/{server}/docs` and `POST /{server}/{tool}`.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    web::{Data, Payload},
};

use super::{
    documents::{readable, redirect, server_document, server_page},
    hint,
};
use crate::{
    access::AccessError,
    catalogue::Tool,
    config::Limits,
    http::{
        call::{self, ToolRequest},
        context::RequestContext,
        error::ApiError,
        observability::Observability,
        path, routes,
    },
    registry::{Entry, Mounting, Registry, Served, Snapshot, ToolMetrics},
};

/// The paths that each server has besides its tools.
const PAGES: [&str; 3] = ["/openapi.json", "/docs", "/redoc"];

/// Handles every request that matches no other route.
pub(in crate::http) async fn serve(
    request: HttpRequest,
    payload: Payload,
    registry: Data<Registry>,
    observability: Data<Observability>,
    limits: Data<Limits>,
) -> Result<HttpResponse, ApiError> {
    let context = RequestContext::of(&request);
    let permission = context.permission();
    let (entry, rest) = {
        // The snapshot is dropped before anything that takes long.
        let snapshot = context.take_snapshot();
        match resolve(&registry, &snapshot, &context, request.path()) {
            Some(found) => found,
            None => {
                let prefix = &registry.settings().base.prefix;
                let hint = || hint::server(prefix, &snapshot, request.path());
                return Err(not_found(&request, &context, &observability, hint));
            }
        }
    };
    if !permission.reaches(entry.name()) {
        return Err(AccessError::Forbidden.into());
    }
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let calls = *request.method() == Method::POST;
    match rest {
        "/openapi.json" if reads => return server_document(&request, &registry, entry).await,
        "/docs" if reads => return Ok(server_page(&request, &entry)),
        "/redoc" if reads => return Ok(redirect("docs")),
        "/" if reads && registry.mounting() == Mounting::Named => return Ok(redirect("docs")),
        "" if reads => {
            let last = request.path().rsplit('/').next().unwrap_or_default();
            // A name may hold a colon, so without `./` it could be read as a scheme.
            return Ok(redirect(&format!("./{last}/docs")));
        }
        _ => {}
    }
    let deadline = entry.session().deadline();
    let entry = if calls { registry.settled(entry, deadline).await } else { entry };
    let incoming = ToolRequest {
        request: &request,
        context: &context,
        observability: &observability,
        limits: &limits,
        deadline,
    };
    let served = match calls {
        true => match entry.served() {
            Ok(served) => served,
            Err(reason) => return Err(incoming.not_begun(entry.name(), reason).await),
        },
        false => readable(&entry, &context)?,
    };
    match find_tool(served, rest) {
        Some((tool, _)) if !permission.allows(entry.name(), &tool.name, tool.read_only) => {
            Err(AccessError::Forbidden.into())
        }
        Some((tool, metrics)) if calls => call::call(entry.session(), tool, metrics, incoming, payload).await,
        Some(_) => Err(ApiError::MethodNotAllowed("POST")),
        None if PAGES.contains(&rest) => Err(ApiError::MethodNotAllowed("GET, HEAD")),
        None => Err(not_found(&request, &context, &observability, || hint::tool(served, rest))),
    }
}

/// Returns the error for a path that is not found.
fn not_found(
    request: &HttpRequest,
    context: &RequestContext,
    observability: &Observability,
    hint: impl FnOnce() -> Option<String>,
) -> ApiError {
    match routes::find(request.path(), observability.metrics_apart) {
        Some(own) => ApiError::MethodNotAllowed(own.allow),
        // A caller with limited permission must not learn what else exists.
        None if context.permission().is_limited() => AccessError::Forbidden.into(),
        None => hint().map_or(ApiError::NotFound, ApiError::Misspelt),
    }
}

/// Returns the server that the request is for, and the encoded rest of the path after its name.
///
/// A server may have the same name as the root path, so a path that is not found is tried again with the root path.
fn resolve<'p>(
    registry: &Registry,
    snapshot: &Snapshot,
    context: &'p RequestContext,
    path: &'p str,
) -> Option<(Arc<Entry>, &'p str)> {
    let paths = [Some(path), context.original_path.as_deref()];
    let found = paths.into_iter().flatten().find_map(|path| find(registry, snapshot, path));
    found.map(|(entry, rest)| (entry.clone(), rest))
}

/// Returns the server of a path, and the encoded rest after its name.
///
/// Slashes in a name may be unencoded, as with the Python mcpo. If several names match that way, the longest wins. With
/// its slashes encoded, as in documents, only one name can match.
fn find<'s, 'p>(
    registry: &Registry,
    snapshot: &'s Snapshot,
    path: &'p str,
) -> Option<(&'s Arc<Entry>, &'p str)> {
    let path = path::without_prefix(path, &registry.settings().base.prefix)?;
    if registry.mounting() == Mounting::Single {
        return Some((snapshot.first()?, path));
    }
    let raw = snapshot.servers().filter(|entry| entry.name().contains('/'));
    let raw = raw.filter_map(|entry| Some((entry, path::after_name(path, entry.name())?)));
    let raw = raw.max_by_key(|(entry, _)| entry.name().len());
    let (name, rest) = path::split_first(path)?;
    let first = snapshot.server(&name).map(|entry| (entry, rest));
    // A URL from a document always refers to that server's tool or page, whatever other names match.
    let of_the_first = first.filter(|(entry, rest)| {
        PAGES.contains(rest) || entry.last_served().is_some_and(|served| find_tool(served, rest).is_some())
    });
    match (raw, of_the_first) {
        (Some((_, "" | "/")), Some(found)) => Some(found),
        (Some(found), _) => Some(found),
        (None, _) => first,
    }
}

/// Returns the tool that the rest of a path names, ignoring a trailing slash unless it is part of a tool's name.
fn find_tool<'s>(served: &'s Served, rest: &str) -> Option<(&'s Tool, &'s ToolMetrics)> {
    let name = rest.strip_prefix('/').unwrap_or(rest);
    let find = |name: &str| served.tool(&path::decode(name)?);
    find(name).or_else(|| find(name.strip_suffix('/')?))
}
