//! The corpus changed at random.

use fastrand::Rng;

use super::trick::Trick;

/// What parsers tend to read differently.
#[rustfmt::skip]
const TOKENS: [&[u8]; 26] = [
    b"/", b"//", b"/./", b"/../", b"..;/", b"%2e", b"%2f", b"%5c", b"%00", b"%25", b"\\", b";", b"?", b"#", b" ",
    b"\t", b"\r", b"\n", b"\r\n", b"\r\n ", b"\0", b"\xff", b":", b",", b"/healthz", b"/oauth/x/login",
];

/// So many requests, each some steps away from one of the corpus.
pub(super) fn mutants(corpus: &[Trick], count: usize, random: &mut Rng) -> Vec<Trick> {
    let pick = |random: &mut Rng| corpus[random.usize(..corpus.len())].clone();
    (0..count)
        .map(|_| {
            let mut trick = pick(random);
            for _ in 0..random.usize(1..=2) {
                let other = pick(random);
                mutate(&mut trick.bytes, &other.bytes, random);
            }
            trick.aim = format!("a mutant of {}", trick.aim);
            trick
        })
        .collect()
}

/// One step. The target, by which most is decided, gets three of four.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Rng) {
    let line = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let mut spaces = (0..line).filter(|&index| bytes[index] == b' ');
    let target = spaces.next().zip(spaces.next_back());
    let (from, to) =
        target.filter(|_| random.u8(..4) > 0).map_or((0, bytes.len()), |(from, to)| (from + 1, to));
    let at = random.usize(from..=to);
    let until = (at + random.usize(..8)).min(to);
    match random.u8(..6) {
        0 => drop(bytes.splice(at..at, TOKENS[random.usize(..TOKENS.len())].iter().copied())),
        1 => drop(bytes.splice(at..until, TOKENS[random.usize(..TOKENS.len())].iter().copied())),
        2 => drop(bytes.drain(at..until)),
        3 => {
            let twice = bytes[at..until].to_vec();
            drop(bytes.splice(at..at, twice));
        }
        // The case of letters.
        4 => bytes[at..until]
            .iter_mut()
            .filter(|byte| byte.is_ascii_alphabetic())
            .for_each(|byte| *byte ^= 0x20),
        // A line of the other's below the first.
        _ => {
            let lines: Vec<_> = other.split_inclusive(|&byte| byte == b'\n').collect();
            let below = (line + 1).min(bytes.len());
            drop(bytes.splice(below..below, lines[random.usize(..lines.len())].iter().copied()));
        }
    }
}
