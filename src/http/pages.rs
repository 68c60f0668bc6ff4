//! Small static HTML pages for people, without scripts, with everything from upstream escaped.

use actix_web::{HttpResponse, http::StatusCode};

use super::{error::ApiError, path};
use crate::{
    excerpt::sentence,
    oauth::{AuthError, LoginNeeded, Outcome},
    secret::redact,
};

/// Styles alone allow `unsafe-inline`, because Swagger UI sets style attributes.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

/// The headers of every page.
///
/// There is no referrer, because the URL of a page may hold the response of an authorization server.
pub(super) const HEADERS: [(&str, &str); 4] = [
    ("content-type", "text/html; charset=utf-8"),
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
];

/// Returns a response with `body` as its page.
pub(super) fn html(status: StatusCode, cache: &'static str, body: String) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    for header in HEADERS {
        response.insert_header(header);
    }
    response.insert_header(("cache-control", cache)).body(body)
}

/// Returns the page of an error.
pub(super) fn error_page(status: StatusCode, error: &ApiError, path: &str) -> String {
    let up = path::way_up(path);
    let links = format!("<a href=\"{up}./\">Servers</a> \u{b7} <a href=\"{up}docs\">Documentation</a>");
    let body = format!("<p>{}</p>\n<p>{links}</p>", escape(&sentence(error.for_people())));
    page(status.canonical_reason().unwrap_or_default(), &body, false)
}

/// Returns the page of a server that is not connected, which gives the reason and reloads itself.
pub(super) fn waiting(server: &str, reason: &str) -> HttpResponse {
    let title = format!("{server} is not connected");
    let body = format!("<p>{}</p>\n<p>This page looks again every 5 seconds.</p>", escape(&sentence(reason)));
    html(StatusCode::SERVICE_UNAVAILABLE, "no-cache", page(&title, &body, true))
}

/// Returns the page of a server that needs a login.
pub(super) fn login_needed(server: &str, login: &LoginNeeded) -> HttpResponse {
    let title = format!("{server} needs authorization");
    let body = format!(
        "<p>{}</p>\n<p><a href=\"{}\">Log in</a></p>\n<p>This page looks again every 5 seconds.</p>",
        escape(&sentence(&login.reason)),
        escape(login.page.as_str()),
    );
    html(StatusCode::SERVICE_UNAVAILABLE, "no-cache", page(&title, &body, true))
}

/// Returns the page of a login that cannot be started.
pub(super) fn not_started(server: &str, reason: &str) -> HttpResponse {
    let title = format!("The login to {server} cannot be started");
    html(
        StatusCode::BAD_GATEWAY,
        "no-store",
        page(&title, &format!("<p>{}</p>", escape(&sentence(reason))), false),
    )
}

/// Returns the status and the page of a completed or failed login.
pub(super) fn outcome(outcome: &Outcome) -> (StatusCode, String) {
    match outcome {
        Outcome::Done { server } => {
            let body = "<p>mcpo can use its tools from now on. You can close this window.</p>";
            (StatusCode::OK, page(&format!("Logged in to {server}"), body, false))
        }
        Outcome::Failed { server, error, again } => {
            let status = match error {
                AuthError::Unavailable(_) => StatusCode::BAD_GATEWAY,
                AuthError::LoginNeeded(_) | AuthError::Unfit(_) => StatusCode::BAD_REQUEST,
            };
            let body = format!(
                "<p>{}</p>\n<p><a href=\"{}\">Try again</a></p>",
                escape(&sentence(error)),
                escape(again.as_str())
            );
            (status, page(&format!("The login to {server} failed"), &body, false))
        }
        Outcome::Unknown(reason) => {
            let body = format!("<p>{}. Start the login again.</p>", escape(reason));
            (StatusCode::BAD_REQUEST, page("This login is not known", &body, false))
        }
    }
}

fn page(title: &str, body: &str, looks_again: bool) -> String {
    let refresh = if looks_again { "<meta http-equiv=\"refresh\" content=\"5\">\n" } else { "" };
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n{refresh}<title>{title}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <style>body {{ font: 1.1em/1.5 system-ui, sans-serif; max-width: 40em; margin: 3em auto; padding: 0 1em }}</style>\n\
         </head>\n<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )
}

/// Text as HTML, without secrets: it may be from anywhere.
pub(super) fn escape(text: &str) -> String {
    redact(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
