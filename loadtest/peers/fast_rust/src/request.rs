//! What is asked for.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::predict::Refusal;

#[derive(serde::Deserialize)]
pub struct Request<'a> {
    #[serde(borrow)]
    pub candidates: Vec<Text<'a>>,
    #[serde(borrow)]
    pub model: Option<Text<'a>>,
    #[serde(borrow)]
    pub decision_id: Option<Text<'a>>,
}

impl Request<'_> {
    pub fn parse(body: &[u8]) -> Result<Request<'_>, Refusal> {
        match sonic_rs::from_slice::<Request>(body) {
            Ok(request) if !request.candidates.is_empty() => Ok(request),
            Err(error) if error.is_syntax() || error.is_eof() => Err(Refusal::Malformed),
            _ => Err(Refusal::Invalid),
        }
    }
}

/// A string, borrowed from the body unless it has escapes.
pub struct Text<'a>(Cow<'a, str>);

const BLOCK: usize = 32;

impl<'a> Text<'a> {
    pub fn borrowed(text: &'a str) -> Text<'a> {
        Text(Cow::Borrowed(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Append it as JSON; what was borrowed needs no escapes.
    pub fn write(&self, body: &[u8], out: &mut Vec<u8>) {
        match &self.0 {
            Cow::Borrowed(text) => {
                out.push(b'"');
                append(out, text.as_bytes(), body);
                out.push(b'"');
            }
            Cow::Owned(text) => serde_json::to_writer(out, text).expect("a Vec takes all"),
        }
    }
}

/// Append text; where it is part of a body that goes on, a block of fixed size, then cut.
fn append(out: &mut Vec<u8>, text: &[u8], body: &[u8]) {
    let offset = text.as_ptr().addr().wrapping_sub(body.as_ptr().addr());
    match body.get(offset..offset.wrapping_add(BLOCK)) {
        Some(block) if text.len() <= BLOCK => {
            let end = out.len() + text.len();
            out.extend_from_slice(block);
            out.truncate(end);
        }
        _ => out.extend_from_slice(text),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text::borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}
