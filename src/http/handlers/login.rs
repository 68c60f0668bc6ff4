//! Logins to servers: the routes where a browser starts a login and returns from it, and our client metadata.

use std::{borrow::Cow, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::{StatusCode, header},
    web::Data,
};
use url::{Host, Url, form_urlencoded};

use crate::{
    access::AccessError,
    config::is_loopback_host,
    http::{client::ClientInfo, context::RequestContext, error::ApiError, loopback::Loopbacks, pages, path},
    oauth::{self, Authorizer, Context, Waiting},
};

/// What the login routes share.
pub(in crate::http) struct LoginServices {
    /// The OAuth context that the authorizers of all servers share.
    pub(in crate::http) oauth: Arc<Context>,
    /// The loopback ports to which logins return.
    pub(in crate::http) loopbacks: Loopbacks,
}

/// Returns the decoded name of the server whose login starts at `path`.
fn login_of(path: &str) -> Option<Cow<'_, str>> {
    let (server, rest) = path::split_first(path.strip_prefix("/oauth")?)?;
    (rest == "/login").then_some(server)
}

/// Redirects the browser to the authorization server.
///
/// The request needs a credential, or the ticket from a 401 response.
pub(in crate::http) async fn begin(
    request: HttpRequest,
    logins: Data<LoginServices>,
) -> Result<HttpResponse, ApiError> {
    let context = RequestContext::of(&request);
    let name = login_of(request.path()).unwrap_or_default();
    let entry = context.take_snapshot().server(&name).cloned();
    let authorizer = entry.as_ref().and_then(|entry| entry.session().authorizer());
    let mut query = form_urlencoded::parse(request.query_string().as_bytes());
    let ticket = query.find(|(name, _)| name == "ticket").map(|(_, ticket)| ticket);
    let admitted = authorizer.zip(ticket).is_some_and(|(authorizer, ticket)| authorizer.admits(&ticket));
    if !admitted && !context.require_caller_at_browser()?.reaches(&name) {
        return Err(AccessError::Forbidden.into());
    }
    let authorizer = authorizer.ok_or(ApiError::NotFound)?;
    Ok(match start(authorizer, &logins, &request, &context.client).await {
        Ok(response) => response,
        Err(reason) => pages::not_started(&name, &reason),
    })
}

async fn start(
    authorizer: &Authorizer,
    logins: &LoginServices,
    request: &HttpRequest,
    client: &ClientInfo,
) -> Result<HttpResponse, String> {
    let redirect = logins.loopbacks.redirect(authorizer).await?;
    if let Some(renamed) = under_name_of(&redirect.url, request, client) {
        return Ok(HttpResponse::Found().insert_header((header::LOCATION, renamed.as_str())).finish());
    }
    let secure = redirect.url.scheme() == "https";
    let started =
        authorizer.begin(redirect.url.clone(), Waiting::Browser).await.map_err(|error| error.to_string())?;
    let cookie = Cookie::build(started.cookie.name, started.cookie.value)
        // The callback may be on another port and below any prefix.
        .path("/")
        .max_age(Duration::seconds(oauth::LOGIN_LIFETIME.as_secs().try_into().unwrap_or(i64::MAX)))
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .finish();
    Ok(HttpResponse::Found()
        .cookie(cookie)
        .insert_header((header::LOCATION, started.url.as_str()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .finish())
}

/// Returns the URL of this request with the host `localhost`, if the request came to a loopback address and the login
/// returns to `localhost`.
///
/// A browser treats the two as different hosts and would not send the cookie to the callback.
fn under_name_of(redirect_uri: &Url, request: &HttpRequest, client: &ClientInfo) -> Option<Url> {
    let target = request.uri().path_and_query()?;
    let mut own = Url::parse(&format!("{}{target}", client.origin())).ok()?;
    let host = own.host()?;
    if matches!(host, Host::Domain(_))
        || !is_loopback_host(&host)
        || redirect_uri.host_str() != Some("localhost")
    {
        return None;
    }
    own.set_host(Some("localhost")).ok()?;
    Some(own)
}

/// Handles the redirect from the authorization server.
pub(in crate::http) async fn callback(request: HttpRequest, logins: Data<LoginServices>) -> HttpResponse {
    let cookies = request.cookies().map(|cookies| cookies.clone()).unwrap_or_default();
    let cookies = cookies.iter().map(Cookie::name_value);
    let snapshot = RequestContext::of(&request).take_snapshot();
    let authorizer = move |server: &str| snapshot.server(server)?.session().authorizer().cloned();
    let outcome = oauth::complete(logins.oauth.pending(), request.query_string(), cookies, authorizer).await;
    let (status, page) = pages::outcome(&outcome);
    pages::html(status, "no-store", page)
}

/// Serves our client ID metadata document; 404 without a public URL.
pub(in crate::http) async fn client_metadata(logins: Data<LoginServices>) -> Result<HttpResponse, ApiError> {
    let document = logins.oauth.metadata().ok_or(ApiError::NotFound)?;
    let mut response = HttpResponse::build(StatusCode::OK);
    Ok(response.insert_header((header::CACHE_CONTROL, "max-age=3600")).json(document))
}
