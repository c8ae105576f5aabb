//! Replies of Redis to MGET.

use std::io;

use crate::beta::Posterior;

const ROW_HEAD: &[u8] = b"$16\r\n";
const END: usize = 2; // bytes of "\r\n"

/// What a reply is made of.
pub enum Part {
    Begin,
    Row(Option<Posterior>),
}

/// The first part of the bytes and its size, once it is there; a row of another size is none.
pub fn part(bytes: &[u8]) -> io::Result<Option<(Part, usize)>> {
    if let Some(row) = bytes.strip_prefix(ROW_HEAD).and_then(<[u8]>::first_chunk::<{ 16 + END }>) {
        return Ok(Some((Part::Row(Some(unpack(row))), ROW_HEAD.len() + row.len())));
    }
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    let line = String::from_utf8_lossy(&bytes[..end]);
    let number = line.get(1..).and_then(|text| text.trim_end().parse::<i64>().ok());
    let size = match (bytes[0], number) {
        (b'*', Some(_)) => return Ok(Some((Part::Begin, end + 1))),
        (b'$', Some(size)) => usize::try_from(size).map_or(end + 1, |size| end + 1 + size + END),
        _ => return Err(io::Error::other(line)),
    };
    Ok((size <= bytes.len()).then_some((Part::Row(None), size)))
}

fn unpack(row: &[u8; 16 + END]) -> Posterior {
    let number = |at| f64::from_le_bytes(std::array::from_fn(|i| row[at + i]));
    Posterior::new(number(0), number(8))
}
