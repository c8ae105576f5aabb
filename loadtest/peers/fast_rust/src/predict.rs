//! From the body of a request to that of its answer.

use std::cell::RefCell;
use std::io::Write;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::beta::Posterior;
use crate::request::{Request, Text};
use crate::store::Store;

const PRIOR: (f64, f64) = (2.0, 30.0);

thread_local! {
    static RNG: RefCell<Xoshiro256PlusPlus> =
        RefCell::new(Xoshiro256PlusPlus::from_rng(&mut rand::rng()));
}

/// Why there is no answer.
pub enum Refusal {
    Malformed,
    Invalid,
    Unavailable,
}

pub async fn predict(store: &Store, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let request = Request::parse(body)?;
    let rows = store.fetch(&request.candidates).await.map_err(|error| {
        eprintln!("{error}");
        Refusal::Unavailable
    })?;
    Ok(RNG.with_borrow_mut(|rng| {
        let ranking = rank(&rows, rng);
        encode(body, &request, &rows, &ranking, rng)
    }))
}

/// Scores and places in the request, best first: the complement of a score's bits, then the place.
fn rank(rows: &[Option<Posterior>], rng: &mut Xoshiro256PlusPlus) -> Vec<u64> {
    let prior = Posterior::new(PRIOR.0, PRIOR.1);
    let score = |row: &Option<Posterior>| row.as_ref().unwrap_or(&prior).draw(rng);
    let scores = rows.iter().map(score);
    let pack = |(place, score): (usize, f32)| u64::from(!score.to_bits()) << 32 | place as u64;
    let mut ranking: Vec<u64> = scores.enumerate().map(pack).collect();
    ranking.sort_unstable();
    ranking
}

fn encode(
    body: &[u8],
    request: &Request,
    rows: &[Option<Posterior>],
    ranking: &[u64],
    rng: &mut Xoshiro256PlusPlus,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 24 * rows.len() + 256);
    out.extend_from_slice(b"{\"decision_id\":");
    match &request.decision_id {
        Some(id) => id.write(body, &mut out),
        None => write(&mut out, format_args!("\"{:032x}\"", rng.random::<u128>())),
    }
    out.extend_from_slice(b",\"model\":");
    request.model.as_ref().unwrap_or(&Text::borrowed("default")).write(body, &mut out);
    out.extend_from_slice(b",\"version\":\"1\",\"candidates\":[");
    for key in ranking {
        request.candidates[*key as u32 as usize].write(body, &mut out);
        out.push(b',');
    }
    out.pop();
    out.extend_from_slice(b"],\"scores\":[");
    let mut digits = zmij::Buffer::new();
    for key in ranking {
        let score = f32::from_bits(!(key >> 32) as u32);
        out.extend_from_slice(digits.format_finite(score).as_bytes());
        out.push(b',');
    }
    out.pop();
    let missing = rows.iter().filter(|row| row.is_none()).count();
    write(&mut out, format_args!("],\"missing\":{missing},\"degraded\":false}}"));
    out
}

fn write(out: &mut Vec<u8>, text: std::fmt::Arguments) {
    out.write_fmt(text).expect("a Vec takes all");
}
