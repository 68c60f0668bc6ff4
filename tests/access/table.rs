//! Every route, asked with every kind of credential: who gets what.
//!
//! The gateway's own routes come from the list that it is built from, so that none can be forgotten here.

mod expected;

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Client, Method, redirect::Policy};
use serde_json::json;

use self::expected::{BESIDE_METRICS_PORT, METRICS_PORT, NAMED, SINGLE};
use super::call;
use crate::{
    jwt::{
        forged::{Forged, Forger, each_fault},
        issuer::Issuer,
    },
    support::{Gateway, parts, wait::DEADLINE},
};

const AUDIENCE: &str = "https://mcpo.example.com";
const KEY: &str = "open-sesame";
/// It opens `other` alone.
const LIMITED: &str = "open-other";

/// What requests show, column by column: each credential with a name for it.
type Credentials = Vec<Vec<(String, String)>>;

/// A line of a table.
struct Row {
    method: Method,
    path: String,
    /// Without and with strict authentication.
    expected: [Vec<u16>; 2],
}

fn rows(table: &str) -> Vec<Row> {
    let row = |line: &str| {
        let [request, halves @ ..] = &line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (method, path) = request.trim().split_once(' ')?;
        let numbers = |half: &&str| half.split_whitespace().map(|number| number.parse().unwrap()).collect();
        let [plain, strict] = halves else { panic!("{line}") };
        let expected = [numbers(plain), numbers(strict)];
        Some(Row { method: method.parse().unwrap(), path: path.trim().to_owned(), expected })
    };
    table.lines().filter_map(row).collect()
}

/// The credentials of each column; `limited` where there is such a key.
fn credentials(token: &str, limited: Option<&str>, forged: &[Forged]) -> Credentials {
    let bearer = |name: &str, value: &str| (name.to_owned(), format!("Bearer {value}"));
    let mut columns = vec![
        vec![("nothing".to_owned(), String::new())],
        vec![bearer("a wrong key", "open-sesam")],
        vec![bearer("the key", KEY)],
        vec![("the key, Basic".to_owned(), format!("Basic {}", STANDARD.encode(format!("any:{KEY}"))))],
        vec![bearer("a token", token)],
    ];
    columns.extend(limited.map(|key| vec![bearer("a limited key", key)]));
    columns.push(forged.iter().map(|forged| bearer(forged.fault, &forged.token)).collect());
    columns
}

/// Everything at `base` that is answered otherwise than the table has it.
async fn differences(base: &str, table: &str, strict: bool, columns: &Credentials) -> Vec<String> {
    let client = Client::builder().redirect(Policy::none()).timeout(DEADLINE).no_proxy().build().unwrap();
    let mut wrong = Vec::new();
    for Row { method, path, expected } in rows(table) {
        let expected = &expected[usize::from(strict)];
        assert!([1, columns.len()].contains(&expected.len()), "{method} {path}");
        for (index, shown) in columns.iter().enumerate() {
            let expected = *expected.get(index).unwrap_or(&expected[0]);
            for (name, authorization) in shown {
                let mut request = client.request(method.clone(), format!("{base}{path}"));
                if method == Method::POST {
                    request = request.json(&json!({}));
                }
                if !authorization.is_empty() {
                    request = request.header("authorization", authorization);
                }
                let status = request.send().await.unwrap().status().as_u16();
                if status != expected {
                    wrong.push(format!("{method} {path}, {name}, strict {strict}: {status}, not {expected}"));
                }
            }
        }
    }
    wrong
}

/// A right token and wrong ones, with the issuer of all.
async fn tokens() -> (Issuer, String, Vec<Forged>) {
    let issuer = Issuer::start().await;
    let forged = each_fault(&issuer, AUDIENCE).await;
    let token = issuer.token(AUDIENCE, "").await;
    (issuer, token, forged)
}

/// A gateway that takes all kinds of credentials: keys, tokens and a key that opens `other` alone.
async fn named(issuer: &Issuer, options: &[&str]) -> Gateway {
    let access = json!({
        "keys": { "limited": { "key": LIMITED, "servers": ["other"] } },
        "jwt": { "issuer": issuer.identifier(), "audience": AUDIENCE },
    });
    Gateway::config(&json!({ "fake": parts::fake(&[]), "other": parts::fake(&[]) }))
        .access(&access, KEY)
        .options(["--api-key", KEY])
        .options(options.iter().copied())
        .ready()
        .await
}

const BOTH: [(bool, &[&str]); 2] = [(false, &[]), (true, &["--strict-auth"])];

#[tokio::test]
async fn servers_of_a_config_file() {
    let (issuer, token, forged) = tokens().await;
    let columns = credentials(&token, Some(LIMITED), &forged);
    for (strict, options) in BOTH {
        let gateway = named(&issuer, options).await;
        let wrong = differences(gateway.base(), NAMED, strict, &columns).await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        gateway.stop().await;
    }
}

#[tokio::test]
async fn one_server_on_the_command_line() {
    let (issuer, token, forged) = tokens().await;
    let columns = credentials(&token, None, &forged);
    let fake = parts::fake(&[]);
    let words = fake["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned());
    let command: Vec<_> = [fake["command"].as_str().unwrap().to_owned()].into_iter().chain(words).collect();
    for (strict, options) in BOTH {
        let gateway = Gateway::single(command.clone())
            .options(["--api-key", KEY, "--jwt-issuer", issuer.identifier(), "--jwt-audience", AUDIENCE])
            .options(options.iter().copied())
            .ready()
            .await;
        let wrong = differences(gateway.base(), SINGLE, strict, &columns).await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_port_for_metrics() {
    let (issuer, token, forged) = tokens().await;
    let columns = credentials(&token, Some(LIMITED), &forged);
    for (strict, options) in BOTH {
        let gateway = named(&issuer, &[&["--metrics-port", "0"], options].concat()).await;
        let log = gateway.log();
        let told = log.lines().find_map(|line| line.split_once("metrics at ")).expect(&log).1;
        let base = told.strip_suffix("/metrics").expect(told);
        let mut wrong = differences(base, METRICS_PORT, strict, &columns).await;
        wrong.extend(differences(gateway.base(), BESIDE_METRICS_PORT, strict, &columns).await);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        gateway.stop().await;
    }
}

/// The tables would be worth little if a token were refused for another reason than its fault.
#[tokio::test]
async fn a_forged_token_is_refused_for_its_own_fault() {
    let (issuer, _, forged) = tokens().await;
    let gateway = named(&issuer, &[]).await;
    for Forged { fault, token, told } in forged {
        let answer = call(&gateway, "/fake/call", &token).await;
        answer.is(401, &json!({ "detail": told }));
        let challenge = answer.header("www-authenticate").unwrap();
        let expected = format!("Bearer error=\"invalid_token\", error_description=\"{told}\", ");
        assert!(challenge.starts_with(&expected), "{fault}: {challenge}");
    }
    let by_hand = Forger::new(&issuer, AUDIENCE).await.token(&json!({}));
    assert_eq!(call(&gateway, "/fake/call", &by_hand).await.status, 200, "but for its fault it is right");
    gateway.stop().await;
}

#[test]
fn each_route_stands_in_the_tables() {
    for (name, table) in [("NAMED", NAMED), ("SINGLE", SINGLE)] {
        let rows = rows(table);
        for pattern in mcpo::http::own_paths() {
            let path = pattern.replace("{server}", "fake").replace("{path}*", "p");
            let stands = rows.iter().any(|row| row.method == Method::GET && row.path == path);
            assert!(stands, "{pattern} is a route; say in {name} who may come in");
        }
    }
}

/// Both applications are built from the list in `routes.rs` and from nothing else.
#[test]
fn no_route_is_registered_beside_the_list() {
    let builder = fs::read_to_string(parts::file("../src/http/mod.rs")).unwrap();
    assert_eq!(builder.matches("App::new()").count(), 2, "the main port's and that of the metrics");
    let configured = builder.lines().filter(|line| line.contains(".configure(")).collect::<Vec<_>>();
    let listed = |line: &&str| line.contains("routes::add_") || line.contains("services.provide(config)");
    assert!(configured.iter().all(listed), "{configured:?}");
    for file in ["mod.rs", "services.rs"] {
        let text = fs::read_to_string(parts::file(&format!("../src/http/{file}"))).unwrap();
        for other in [".service(", ".route(", "web::resource(", "web::scope("] {
            assert!(!text.contains(other), "{file}: {other} belongs into routes.rs");
        }
    }
}
