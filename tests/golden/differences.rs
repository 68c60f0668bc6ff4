//! Where mcpo deliberately answers better than the Python mcpo did, each with its reason.

use serde_json::{Value, json};

use super::recording::{ANY, Exchange, GATEWAY, Request, Response};

/// A deliberate difference from what was recorded.
#[derive(Clone, Copy)]
pub(crate) struct Difference {
    pub(crate) name: &'static str,
    pub(crate) why: &'static str,
    /// Turns a recorded response into the better one; tells whether this exchange is concerned.
    pub(crate) rewrite: fn(&[Exchange], &Request, &mut Response) -> bool,
}

pub(crate) const TOOL_ERRORS: Difference = Difference {
    name: "tool errors",
    why: "the tool's own words, not a Python repr inside 'Unexpected error'",
    rewrite: |_, _, response| {
        let Some(repr) = response.body["detail"]["error"].as_str() else { return false };
        let text = repr.strip_prefix("500: {'message': ").and_then(|rest| rest.strip_suffix('}'));
        response.body = json!({ "detail": { "message": without_repr(text.expect("an MCP error")) } });
        true
    },
};

pub(crate) const CONSTRAINTS: Difference = Difference {
    name: "constraints",
    why: "enum and bounds are checked before the tool is called, and the answer names the argument",
    rewrite: |_, request, response| {
        let broken = [("messageType", json!("nope")), ("location", json!("Paris")), ("max_length", json!(0))];
        let Some(body) = &request.body else { return false };
        let sent = |(name, value): &(&str, Value)| body.get(name) == Some(value);
        let Some((name, _)) = broken.into_iter().find(sent) else { return false };
        let detail =
            json!({ "type": ANY, "loc": ["body", name], "msg": ANY, "input": body[name], "ctx": ANY });
        response.status = 422;
        response.body = json!({ "detail": [detail] });
        true
    },
};

pub(crate) const STRUCTURED: Difference = Difference {
    name: "structured content",
    why: "a tool with an output schema answers what that schema describes",
    rewrite: |_, request, response| {
        let concerned = request.path.ends_with("/create_entities") && response.status == 200;
        if concerned {
            response.body = json!({ "entities": response.body });
        }
        concerned
    },
};

pub(crate) const RESOURCES: Difference = Difference {
    name: "resources",
    why: "an embedded resource is its text or a data URI and a link its object; nothing is dropped",
    rewrite: |_, request, response| {
        let (tool, body) = (request.path.rsplit('/').next().unwrap_or_default(), &mut response.body);
        match tool {
            "get-resource-links" => *body = json!([body, link("Blob", 1), link("Text", 2)]),
            // The text says when it was created.
            "get-resource-reference" => body[1] = ANY.into(),
            "gzip-file-as-resource" => {
                *body = "data:application/gzip;base64,H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA==".into();
            }
            _ => return false,
        }
        true
    },
};

fn link(kind: &str, number: u8) -> Value {
    json!({
        "type": "resource_link",
        "name": format!("{kind} Resource {number}"),
        "uri": format!("demo://resource/dynamic/{}/{number}", kind.to_lowercase()),
        "description": format!("Resource {number}: plaintext resource"),
        "mimeType": "text/plain",
    })
}

pub(crate) const ANY_ORIGIN: Difference = Difference {
    name: "any origin",
    why: "`*` never goes together with credentials",
    rewrite: |_, _, response| {
        if response.headers.remove("access-control-allow-credentials").is_none() {
            return false;
        }
        response.headers.insert("access-control-allow-origin".to_owned(), "*".to_owned());
        response.headers.remove("vary");
        true
    },
};

pub(crate) const REFUSALS_ARE_READABLE: Difference = Difference {
    name: "401 with CORS headers",
    why: "a web page can read why it was refused",
    rewrite: |_, request, response| {
        let name = "access-control-allow-origin";
        let concerned = response.status == 401 && !request.is_plain() && !response.headers.contains_key(name);
        if concerned {
            response.headers.insert(name.to_owned(), "*".to_owned());
        }
        concerned
    },
};

pub(crate) const READABLE_IDS: Difference = Difference {
    name: "headers that a web page may read",
    why: "with the request's id it can name the line of the log",
    rewrite: |_, request, response| {
        let preflight = request.headers.contains_key("Access-Control-Request-Method");
        let concerned = !request.is_plain() && !preflight;
        if concerned {
            response.headers.insert("access-control-expose-headers".to_owned(), "X-Request-Id".to_owned());
        }
        concerned
    },
};

pub(crate) const UNLISTED_ORIGINS: Difference = Difference {
    name: "unlisted origins",
    why: "a page that may not call must not make the call",
    rewrite: |_, request, response| {
        let listed = response.headers.contains_key("access-control-allow-origin");
        let concerned = request.method == "POST" && !request.is_plain() && !listed;
        if concerned {
            response.status = 403;
            response.body = json!({ "detail": "Disallowed CORS origin" });
        }
        concerned
    },
};

pub(crate) const BOTH_SCHEMES: Difference = Difference {
    name: "both schemes",
    why: "Basic and Bearer both open every route, in any case of the scheme",
    rewrite: |recording, request, response| {
        let right = ["Basic dTp0b3Atc2VjcmV0", "Basic dTpzZWtyZXQ=", "bearer sekret"];
        let right = request.headers.get("Authorization").is_some_and(|sent| right.contains(&sent.as_str()));
        right && response.status == 401 && as_recorded_for(&request.path, recording, request, response)
    },
};

pub(crate) const TRAILING_SLASH: Difference = Difference {
    name: "trailing slash",
    why: "a slash at the end finds the tool, without a redirect that many clients do not follow",
    rewrite: |recording, request, response| {
        let Some(path) = request.path.strip_suffix('/') else { return false };
        request.method == "POST" && as_recorded_for(path, recording, request, response)
    },
};

pub(crate) const ROOT_PATH: Difference = Difference {
    name: "root path",
    why: "every route answers with the prefix and without, whether the proxy in front strips it or not",
    rewrite: |recording, request, response| {
        let path = format!("/rp{}", request.path);
        response.status == 404 && as_recorded_for(&path, recording, request, response)
    },
};

pub(crate) const ROOT_PATH_LINKS: Difference = Difference {
    name: "links under the root path",
    why: "links that lack the prefix lead nowhere behind a proxy",
    rewrite: |_, request, response| {
        let Some(text) = response.body["info"]["description"].as_str() else { return false };
        let linked = text.replace("](/", "](/rp/");
        let concerned = request.path.ends_with("openapi.json") && linked != text;
        if concerned {
            response.body["info"]["description"] = linked.into();
        }
        concerned
    },
};

pub(crate) const SERVER_HOME: Difference = Difference {
    name: "a server's own page",
    why: "the address of a server leads to its documentation instead of to nothing",
    rewrite: |_, request, response| {
        let home = request.path.trim_end_matches('/');
        let concerned = request.method == "GET" && home.ends_with("/everything");
        if concerned {
            response.status = 307;
            response.headers = [("location".to_owned(), format!("{GATEWAY}{home}/docs"))].into();
            response.body = "".into();
        }
        concerned
    },
};

pub(crate) const ONE_PAGE: Difference = Difference {
    name: "one documentation page",
    why: "ReDoc from the internet gives way to the page that works without it",
    rewrite: |_, request, response| {
        let Some(home) = request.path.strip_suffix("/redoc") else { return false };
        response.status = 307;
        response.headers = [("location".to_owned(), format!("{GATEWAY}{home}/docs"))].into();
        response.body = "".into();
        true
    },
};

pub(crate) const NO_OAUTH_PAGE: Difference = Difference {
    name: "no OAuth redirect page",
    why: "the documents declare no OAuth flow, so nothing would ever redirect there",
    rewrite: |_, request, response| {
        let concerned = request.path == "/docs/oauth2-redirect";
        if concerned {
            response.status = 404;
            response.headers = [("content-type".to_owned(), "application/json".to_owned())].into();
            response.body = json!({ "detail": "Not Found" });
        }
        concerned
    },
};

pub(crate) const STATUS_PAGE: Difference = Difference {
    name: "status page",
    why: "the address of the gateway shows its servers instead of nothing",
    rewrite: |_, request, response| {
        let concerned = request.method == "GET" && request.path == "/";
        if concerned {
            response.status = 200;
            response.headers.insert("content-type".to_owned(), "text/html; charset=utf-8".to_owned());
            response.body = "<title>mcpo</title>".into();
        }
        concerned
    },
};

pub(crate) const NEVER_CONNECTED: Difference = Difference {
    name: "a server that never connected",
    why: "503 with the reason says more than an empty document or 404",
    rewrite: |_, request, response| {
        let concerned = request.path.starts_with("/dead/");
        if concerned {
            response.status = 503;
            response.body = json!({ "detail": { "message": ANY } });
        }
        concerned
    },
};

pub(crate) const ABOUT: Difference = Difference {
    name: "name, description and version",
    why: "they count for a single server too",
    rewrite: |_, request, response| {
        match request.path.as_str() {
            "/openapi.json" => {
                response.body["info"] = json!({ "title": "My", "description": "Desc", "version": "9.9" });
            }
            "/docs" => response.body = "<title>My - Swagger UI</title>".into(),
            _ => return false,
        }
        true
    },
};

pub(crate) const OTHER_CONTENT_TYPES: Difference = Difference {
    name: "other content types",
    why: "the answer names the header to send",
    rewrite: |_, request, response| {
        let text = request.headers.get("Content-Type").is_some_and(|kind| !kind.contains("json"));
        let concerned = text && response.status == 422;
        if concerned {
            let recorded = response.body["detail"][0]["msg"].as_str().expect("a message");
            let told = "this was read as text: send JSON, with the header Content-Type: application/json";
            response.body["detail"][0]["msg"] = format!("{recorded}; {told}").into();
        }
        concerned
    },
};

pub(crate) const HINTS: Difference = Difference {
    name: "names that are near",
    why: "a person or a model that misspells a name learns it",
    rewrite: |_, request, response| {
        let concerned = request.path.starts_with("/EVERYTHING/");
        if concerned {
            response.body["hint"] = "there is no server \"EVERYTHING\"; did you mean \"everything\"?".into();
        }
        concerned
    },
};

/// Answers as was recorded for the same request at `path`, by somebody who was let in.
fn as_recorded_for(path: &str, recording: &[Exchange], request: &Request, response: &mut Response) -> bool {
    let twin = recording.iter().find(|Exchange { request: other, response }| {
        (&other.method, other.path.as_str(), &other.body) == (&request.method, path, &request.body)
            && other.is_plain()
            && response.status == 200
    });
    if let Some(twin) = twin {
        *response = twin.response.clone();
    }
    twin.is_some()
}

/// The string of which this is the Python repr.
fn without_repr(repr: &str) -> String {
    let mut text = String::new();
    let mut characters = repr[1..repr.len() - 1].chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some(quoted) => quoted,
                None => panic!("a lone backslash in {repr}"),
            },
            plain => plain,
        });
    }
    text
}
