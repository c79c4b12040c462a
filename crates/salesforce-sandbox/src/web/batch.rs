//! Bodies of several parts: a record with its bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::Call;
use crate::{record::Body, refusal::Refusal};

/// One part of `multipart/form-data`.
pub(crate) struct Piece {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) bytes: Vec<u8>,
}

/// The parts of a body.
pub(crate) fn pieces(call: &Call) -> Result<Vec<Piece>, Refusal> {
    let kind = call.get("content-type").unwrap_or_default();
    let boundary = kind.split(';').find_map(|part| part.trim().strip_prefix("boundary="));
    let wrong = || Refusal::bad("INVALID_MULTIPART_REQUEST", "Multipart message is malformed");
    let boundary = boundary.map(|text| text.trim_matches('"')).ok_or_else(wrong)?;
    let limit = format!("--{boundary}").into_bytes();
    let mut pieces = Vec::new();
    let mut rest = call.body.as_slice();
    let mut at = find(rest, &limit).ok_or_else(wrong)?;
    loop {
        rest = &rest[at + limit.len()..];
        if rest.starts_with(b"--") {
            return Ok(pieces);
        }
        let Some(end) = find(rest, &limit) else { return Err(wrong()) };
        let piece = rest[..end].strip_prefix(b"\r\n").unwrap_or(&rest[..end]);
        let head = find(piece, b"\r\n\r\n").ok_or_else(wrong)?;
        let bytes = &piece[head + 4..];
        let bytes = bytes.strip_suffix(b"\r\n").unwrap_or(bytes).to_vec();
        let head = String::from_utf8_lossy(&piece[..head]).into_owned();
        let header = |name: &str| {
            let own = |line: &&str| {
                line.split_once(':').is_some_and(|(own, _)| own.trim().eq_ignore_ascii_case(name))
            };
            let line = head.lines().find(own)?;
            line.split_once(':').map(|(_, value)| value.trim().to_owned())
        };
        let disposition = header("content-disposition").unwrap_or_default();
        let name = disposition
            .split(';')
            .find_map(|part| part.trim().strip_prefix("name="))
            .map(|text| text.trim_matches('"').to_owned())
            .unwrap_or_default();
        pieces.push(Piece { name, kind: header("content-type").unwrap_or_default(), bytes });
        at = end;
    }
}

/// A record whose bytes come in a part of their own, named as the field.
pub(super) fn multipart_record(call: &Call) -> Result<Body, Refusal> {
    let mut body = Body::new();
    for piece in pieces(call)? {
        if piece.kind.contains("json") {
            let Ok(Value::Object(fields)) = serde_json::from_slice(&piece.bytes) else {
                let message = "The entity_content part is no object of JSON";
                return Err(Refusal::bad("JSON_PARSER_ERROR", message));
            };
            body.extend(fields);
        } else {
            body.insert(piece.name, json!(STANDARD.encode(piece.bytes)));
        }
    }
    Ok(body)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}
