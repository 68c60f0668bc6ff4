//! A person's browser, as far as a login needs one: it follows redirects and keeps cookies.

use reqwest::{Client, Url, header, redirect};

use super::{Answer, wait::DEADLINE};

/// A cookie. As in browsers a host's cookies are shared by all its ports.
struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
    strict: bool,
}

/// A browser of one person.
pub(crate) struct Browser {
    client: Client,
    cookies: Vec<Cookie>,
    /// Every address it has asked for.
    pub(crate) visited: Vec<Url>,
}

impl Browser {
    /// One that has seen nothing yet.
    pub(crate) fn new() -> Self {
        let client = Client::builder().redirect(redirect::Policy::none()).timeout(DEADLINE).no_proxy();
        Self { client: client.build().expect("an HTTP client"), cookies: Vec::new(), visited: Vec::new() }
    }

    /// Opens an address and follows all redirects; gives what it shows at last.
    pub(crate) async fn open(&mut self, url: &str) -> Answer {
        match self.follow(url, |_| false).await {
            Ok(answer) => answer,
            Err(url) => unreachable!("stopped before {url}"),
        }
    }

    /// Opens an address and follows redirects, but stops before an address for which `stop` holds, and gives that.
    pub(crate) async fn follow(&mut self, url: &str, stop: impl Fn(&Url) -> bool) -> Result<Answer, Url> {
        let first = Url::parse(url).unwrap_or_else(|error| panic!("{url:?}: {error}"));
        let (mut url, mut same_site) = (first.clone(), true);
        for _ in 0..20 {
            if stop(&url) {
                return Err(url);
            }
            same_site &= url.host() == first.host();
            let answer = self.get(&url, same_site).await;
            let location = answer.header("location").filter(|_| (300..400).contains(&answer.status));
            match location {
                None => return Ok(answer),
                Some(location) => url = url.join(&location).expect("a location is a URL"),
            }
        }
        panic!("redirected without end: {:?}", self.visited);
    }

    /// The cookies that a host has set, as `name=value`.
    pub(crate) fn cookies(&self, host: &str) -> Vec<String> {
        let kept = self.cookies.iter().filter(|cookie| cookie.host == host);
        kept.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect()
    }

    async fn get(&mut self, url: &Url, same_site: bool) -> Answer {
        self.visited.push(url.clone());
        let host = url.host_str().expect("a host");
        let sent = self.cookies.iter().filter(|cookie| {
            let below = url.path().strip_prefix(&cookie.path);
            let inside = below
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie.path.ends_with('/'));
            cookie.host == host && inside && (same_site || !cookie.strict)
        });
        let sent: Vec<_> = sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        let mut request = self.client.get(url.clone()).header(header::ACCEPT, "text/html");
        if !sent.is_empty() {
            request = request.header(header::COOKIE, sent.join("; "));
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        let answer = Answer::read(answer).await;
        for line in answer.headers.get_all(header::SET_COOKIE) {
            self.keep(url, line.to_str().expect("a cookie is ASCII"));
        }
        answer
    }

    /// Takes a `Set-Cookie` (RFC 6265 section 5.2), where its attributes let a browser do so.
    fn keep(&mut self, url: &Url, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("name=value");
        let attributes: Vec<_> = parts.map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
        let attribute = |wanted: &str| {
            let found = attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|&(_, value)| value)
        };
        // Not every browser takes a loopback address without TLS for secure.
        let secure =
            attribute("secure").is_some() || name.starts_with("__Host-") || name.starts_with("__Secure-");
        if secure && url.scheme() == "http" {
            return;
        }
        let default_path =
            url.path().rsplit_once('/').map(|(folder, _)| folder).filter(|path| !path.is_empty());
        let path = attribute("path").filter(|path| path.starts_with('/')).or(default_path).unwrap_or("/");
        let host = url.host_str().expect("a host");
        self.cookies.retain(|cookie| (&*cookie.host, &*cookie.path, &*cookie.name) != (host, path, name));
        let gone = attribute("max-age").is_some_and(|age| age == "0" || age.starts_with('-'))
            || attribute("expires").is_some_and(|date| date.contains(" 1970 "));
        if !gone {
            let strict = attribute("samesite").is_some_and(|value| value.eq_ignore_ascii_case("strict"));
            let [host, path, name, value] = [host, path, name, value].map(str::to_owned);
            self.cookies.push(Cookie { host, path, name, value, strict });
        }
    }
}
