//! Documentation pages: nothing from elsewhere, no script but our own.

mod errors;

use reqwest::{Method, Url};
use serde_json::json;

use crate::support::{Answer, Gateway, parts};

/// A page of each kind, and as strangers may ask for it.
const PAGES: [&str; 5] =
    ["/docs", "/fake/docs", "/a%20b/docs", "/docs?x=1", "/fake/docs?url=https://evil.test/"];

#[tokio::test]
async fn pages_are_self_contained() {
    let servers = json!({ "fake": parts::fake(&[]), "a b": parts::fake(&[]) });
    let gateway = Gateway::config(&servers).ready().await;
    for path in PAGES {
        let page = gateway.get(path).await;
        assert_eq!(page.status, 200, "{path}: {page:?}");
        assert_eq!(page.header("content-type").as_deref(), Some("text/html; charset=utf-8"), "{path}");
        assert!(!page.body.contains("//"), "{path} points elsewhere: {}", page.body);
        runs_no_other_script(path, &page);
        let links = links(&page.body);
        assert!(links.len() >= 3, "a style sheet and scripts: {links:?}");
        for link in links {
            let url =
                Url::parse(gateway.base()).and_then(|base| base.join(path)?.join(&link)).expect("a URL");
            assert_eq!(gateway.get(url.path()).await.status, 200, "{path}: {link}");
        }
    }
    gateway.stop().await;
}

/// Swagger UI's own files are whole, come with their type, and are not sent twice.
#[tokio::test]
async fn files_are_cacheable() {
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).start().await;
    for (path, kind, holds) in [
        ("/docs/assets/swagger-ui.css", "text/css", ".swagger-ui"),
        ("/docs/assets/swagger-ui-bundle.js", "text/javascript", "SwaggerUIBundle"),
    ] {
        let file = gateway.get(path).await;
        assert!(file.status == 200 && file.body.len() > 100_000 && file.body.contains(holds), "{path}");
        assert_eq!(file.header("content-type").as_deref(), Some(kind), "{path}");
        let tag = file.header("etag").unwrap_or_else(|| panic!("{path} has no ETag"));
        let again = gateway.send(gateway.request(Method::GET, path).header("if-none-match", &tag)).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
        let head = gateway.send(gateway.request(Method::HEAD, path)).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-length"), Some(file.body.len().to_string()), "{path}");
        assert_eq!(head.header("etag"), Some(tag), "{path}");
    }
    gateway.stop().await;
}

/// Neither the page holds a script nor its policy lets one in.
fn runs_no_other_script(path: &str, page: &Answer) {
    let policy = page.header("content-security-policy").unwrap_or_else(|| panic!("{path} has no CSP"));
    let directive = |name: &str| {
        let mut all = policy.split(';').map(str::trim);
        all.find_map(|directive| directive.strip_prefix(name)?.strip_prefix(' ')).map(str::to_owned)
    };
    let fallback = directive("default-src").unwrap_or_else(|| panic!("{path}: {policy}"));
    let scripts = directive("script-src").unwrap_or(fallback);
    assert!(!scripts.contains("unsafe") && !scripts.contains('*'), "{path}: {policy}");
    for tag in page.body.split("<script").skip(1) {
        let (attributes, rest) = tag.split_once('>').expect("a tag ends");
        let inline = !attributes.contains("src=") || !rest.trim_start().starts_with("</script>");
        assert!(!inline, "{path} has an inline script: {}", page.body);
    }
}

/// What the page loads, but for data URIs.
fn links(page: &str) -> Vec<String> {
    let quoted = ["src=\"", "href=\""].into_iter().flat_map(|attribute| page.split(attribute).skip(1));
    let links = quoted.filter_map(|rest| rest.split('"').next());
    links.filter(|link| !link.starts_with("data:")).map(str::to_owned).collect()
}
