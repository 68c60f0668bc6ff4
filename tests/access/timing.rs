//! The time of a refusal does not tell how much of a key is right.
//!
//! Keys that are wrong in their first and in their last byte take turns by chance on one connection, so that whatever
//! else keeps the machine busy meets both alike; then the times of one kind are ranked among those of the other.

use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Gateway, long, parts};

/// Long, so that a comparison which stops where keys differ would show.
const LENGTH: usize = 4096;

/// A call with this key, on a connection that is kept.
fn request(key: &str) -> Vec<u8> {
    let head = "POST /fake/call HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n";
    format!("{head}Authorization: Bearer {key}\r\n\r\n").into_bytes()
}

/// How long the refusal of a request takes.
async fn refusal(stream: &mut TcpStream, request: &[u8]) -> Duration {
    let mut answer = [0; 4096];
    let start = Instant::now();
    stream.write_all(request).await.unwrap();
    let mut heard = 0;
    while !answer[..heard].ends_with(b"}") {
        let count = stream.read(&mut answer[heard..]).await.unwrap();
        assert!(count > 0, "closed after {heard} bytes");
        heard += count;
    }
    let taken = start.elapsed();
    assert!(answer.starts_with(b"HTTP/1.1 403"), "{}", answer[..heard].escape_ascii());
    taken
}

/// The Mann-Whitney U test of two samples: how likely they differ so much or more if nothing tells them apart. By the
/// normal approximation; it is not corrected for ties, of which times in nanoseconds have few.
fn p_value(one: &[Duration], other: &[Duration]) -> f64 {
    let mut all: Vec<(Duration, bool)> = one.iter().map(|&time| (time, true)).collect();
    all.extend(other.iter().map(|&time| (time, false)));
    all.sort_unstable();
    let mut ranks = 0.0;
    let mut before = 0;
    for equal in all.chunk_by(|a, b| a.0 == b.0) {
        // Equal times share the mean of their ranks.
        let rank = before as f64 + (equal.len() + 1) as f64 / 2.0;
        ranks += rank * equal.iter().filter(|(_, first)| *first).count() as f64;
        before += equal.len();
    }
    let (n, m) = (one.len() as f64, other.len() as f64);
    let u = ranks - n * (n + 1.0) / 2.0;
    let z = (u - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt();
    two_sided(z)
}

/// How likely a standard normal value is as far from zero as `z`: Abramowitz and Stegun, 26.2.17, right to 10⁻⁶.
fn two_sided(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let powers = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = powers.iter().rev().fold(0.0, |sum, power| (sum + power) * t);
    2.0 * sum * (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

#[tokio::test]
async fn a_refusal_does_not_tell_where_a_key_is_wrong() {
    let (tries, least) = if long() { (20_000, 1e-3) } else { (2_000, 1e-6) };
    let mut random = Rng::new();
    let right: Vec<char> = (0..LENGTH).map(|_| random.alphanumeric()).collect();
    let wrong = |at: usize| -> String {
        right.iter().enumerate().map(|(index, &sign)| if index == at { '-' } else { sign }).collect()
    };
    let requests = [request(&wrong(0)), request(&wrong(LENGTH - 1))];
    let key: String = right.iter().collect();
    let gateway = Gateway::config(&json!({ "fake": parts::fake(&[]) })).options(["--api-key", &key]);
    let gateway = gateway.ready().await;

    let mut stream = gateway.say(b"").await;
    stream.set_nodelay(true).unwrap();
    let mut kinds: Vec<usize> = (0..2 * tries).map(|index| index % 2).collect();
    random.shuffle(&mut kinds);
    let mut times = [Vec::new(), Vec::new()];
    for kind in kinds {
        times[kind].push(refusal(&mut stream, &requests[kind]).await);
    }
    let p = p_value(&times[0], &times[1]);
    times.iter_mut().for_each(|times| times.sort_unstable());
    let at = |share: usize| times.each_ref().map(|times| times[times.len() * share / 100]);
    println!("{tries} tries each: p = {p:.4}; first byte, last byte: median {:?}, 90 % {:?}", at(50), at(90));
    assert!(p > least, "p = {p:e}: the times tell the keys apart");
    gateway.stop().await;
}

#[test]
fn the_test_tells_samples_apart() {
    let sample = |from: u64| -> Vec<Duration> { (from..from + 100).map(Duration::from_micros).collect() };
    assert!((p_value(&sample(0), &sample(0)) - 1.0).abs() < 1e-6);
    assert!(p_value(&sample(0), &sample(50)) < 1e-9);
    // The 97.5th percentile of the normal distribution.
    assert!((two_sided(1.959_964) - 0.05).abs() < 1e-6);
}
