//! Reading a JSON body: bounded, and refused in words.

use std::io::Read as _;

use axum::{
    body::{Body, HttpBody as _},
    extract::{FromRef, FromRequest, Request},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json_borrow::Value;

use super::{
    Rooms,
    auth::receiving,
    content::{essence, is_json, named, unsupported},
    form,
    problem::ApiError,
    share::Receiving,
};
use crate::domain::{charset, json_text::without_raw_controls};

/// The largest body with one acknowledgement, or of any other call, in bytes.
pub(super) const MAX_BODY: usize = 256 * 1024;

/// The largest body with a list, in bytes.
pub(super) const MAX_BATCH: usize = 8 * 1024 * 1024;

/// What each gzip file begins with, and no JSON.
pub(super) const GZIP: [u8; 2] = [0x1f, 0x8b];

const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Bodies up to this length, in bytes, are read however many come at once; each has no more than this
/// of the memory, and most acknowledgements are far below.
const SHORT: u64 = 64 * 1024;

/// A body that is a text, and JSON by its content type.
pub(super) struct JsonBody {
    pub(super) text: String,
    is_list: bool,
}

/// A body that cannot be taken.
pub(super) struct BadBody {
    /// Why.
    pub(super) error: ApiError,
    /// What came of it, as well as it can be read.
    pub(super) text: String,
}

impl BadBody {
    fn new(error: ApiError, came: &[u8]) -> Self {
        Self { error, text: String::from_utf8_lossy(came).into_owned() }
    }
}

impl IntoResponse for BadBody {
    fn into_response(self) -> Response {
        self.error.into_response()
    }
}

impl JsonBody {
    /// As it came.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    pub(super) fn value(&self) -> Result<Value<'_>, ApiError> {
        read(&self.text)
    }

    /// The texts of its items, if it is a list; raw control characters in their strings are left to
    /// whoever reads them.
    pub(super) fn items(&self) -> Result<Option<Vec<&str>>, ApiError> {
        if !self.is_list {
            return Ok(None);
        }
        let strict = match read::<Vec<&RawValue>>(&self.text) {
            Ok(items) => return Ok(Some(items.into_iter().map(RawValue::get).collect())),
            Err(error) => error,
        };
        let Some(spaced) = without_raw_controls(&self.text) else { return Err(strict) };
        let Ok(items) = read::<Vec<&RawValue>>(&spaced) else { return Err(strict) };
        // Each byte has kept its place, and so has each item.
        let begin = spaced.as_ptr().addr();
        let items = items.into_iter().map(|item| {
            let at = item.get().as_ptr().addr() - begin;
            &self.text[at..at + item.get().len()]
        });
        Ok(Some(items.collect()))
    }

    async fn receive(request: Request, rooms: &Rooms, max_object: usize) -> Result<Self, BadBody> {
        let (parts, body) = request.into_parts();
        let bytes = whole(body, rooms, receiving(&parts.extensions).as_ref()).await?;
        Self::of(&parts.headers, bytes, max_object)
    }

    /// What these bytes are, which came behind these headers; one that is no list may have so many.
    pub(super) fn of(
        headers: &HeaderMap,
        bytes: Vec<u8>,
        max_object: usize,
    ) -> Result<Self, BadBody> {
        let mut bytes = unpacked(headers, bytes)?;
        let content_type = named(headers, header::CONTENT_TYPE);
        if !is_json(headers) {
            return Err(BadBody::new(unsupported(headers), &bytes));
        }
        if bytes.starts_with(&BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        let is_list = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        if !is_list && bytes.len() > max_object {
            return Err(BadBody::new(ApiError::TooLarge(max_object), &bytes));
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => charset::decoded(content_type, error.as_bytes()).ok_or_else(|| {
                let at = error.utf8_error().valid_up_to();
                let detail = format!("It is not UTF-8: byte {at} begins no character.");
                BadBody::new(ApiError::Unreadable(detail), error.as_bytes())
            })?,
        };
        Ok(Self { text, is_list })
    }
}

impl JsonBody {
    /// The event that a form says, by dotted names such as `control.id`.
    pub(super) fn of_form(headers: &HeaderMap, bytes: Vec<u8>) -> Result<Self, BadBody> {
        let bytes = unpacked(headers, bytes)?;
        if bytes.len() > MAX_BODY {
            return Err(BadBody::new(ApiError::TooLarge(MAX_BODY), &bytes));
        }
        match form::event(&bytes) {
            Ok(event) => {
                Ok(Self { text: serde_json::Value::Object(event).to_string(), is_list: false })
            }
            Err(error) => {
                Err(BadBody::new(ApiError::Unreadable(format!("The form: {error}.")), &bytes))
            }
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBody
where
    Rooms: FromRef<S>,
{
    type Rejection = BadBody;

    async fn from_request(request: Request, state: &S) -> Result<Self, BadBody> {
        Self::receive(request, &Rooms::from_ref(state), MAX_BODY).await
    }
}

/// An object that holds a list: it may be as large as a list.
pub(super) struct ListBody(pub(super) JsonBody);

impl<S: Send + Sync> FromRequest<S> for ListBody
where
    Rooms: FromRef<S>,
{
    type Rejection = BadBody;

    async fn from_request(request: Request, state: &S) -> Result<Self, BadBody> {
        JsonBody::receive(request, &Rooms::from_ref(state), MAX_BATCH).await.map(Self)
    }
}

/// A list as JSON, or a table (CSV), by its content type.
pub(super) enum ListOrTable {
    List(JsonBody),
    Table(String),
}

impl<S: Send + Sync> FromRequest<S> for ListOrTable
where
    Rooms: FromRef<S>,
{
    type Rejection = BadBody;

    async fn from_request(request: Request, state: &S) -> Result<Self, BadBody> {
        let rooms = Rooms::from_ref(state);
        if essence(request.headers()) != "text/csv" {
            return JsonBody::receive(request, &rooms, MAX_BATCH).await.map(Self::List);
        }
        let (parts, body) = request.into_parts();
        let receiving = receiving(&parts.extensions);
        let bytes = unpacked(&parts.headers, whole(body, &rooms, receiving.as_ref()).await?)?;
        Ok(Self::Table(table(bytes)))
    }
}

/// The text of a table. What a spreadsheet saves says nowhere in which alphabet it is: what is no UTF-8
/// is that of an older Windows.
fn table(bytes: Vec<u8>) -> String {
    match charset::from_utf16(&bytes) {
        Some(text) => text,
        None => {
            String::from_utf8(bytes).unwrap_or_else(|error| charset::from_windows(error.as_bytes()))
        }
    }
}

/// Reads JSON without copying what it says.
pub(super) fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, ApiError> {
    serde_json::from_str(text).map_err(|error| ApiError::not_json(&error.to_string()))
}

/// All of a body. A long one has a place of its own while it comes, so that those that come slowly
/// cannot take the memory, nor those of one sender the places of others; it waits for that before anything
/// of it is read.
pub(super) async fn whole(
    body: Body,
    rooms: &Rooms,
    sender: Option<&Receiving>,
) -> Result<Vec<u8>, BadBody> {
    let is_short = body.size_hint().upper().is_some_and(|length| length <= SHORT);
    let _places = if is_short {
        None
    } else {
        let own = match sender {
            Some(sender) => sender.long_body().await,
            None => None,
        };
        Some((own, rooms.long_bodies.acquire().await.ok()))
    };
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else {
            let detail = format!("It broke off after {} bytes.", bytes.len());
            return Err(BadBody::new(ApiError::Unreadable(detail), &bytes));
        };
        if bytes.is_empty() {
            // Most bodies come in one piece, which is not copied.
            bytes = chunk.into();
        } else {
            bytes.extend_from_slice(&chunk);
        }
        if bytes.len() > MAX_BATCH {
            return Err(BadBody::new(ApiError::TooLarge(MAX_BATCH), &bytes));
        }
    }
    Ok(bytes)
}

/// Lets a short body pass that nobody wants: a connection on which one is left has to be closed, by which the
/// system may take the answer back. A long one is left.
pub(super) async fn passed(body: Body) {
    if body.size_hint().upper().is_some_and(|length| length <= SHORT) {
        let mut chunks = body.into_data_stream();
        while let Some(Ok(_)) = chunks.next().await {}
    }
}

/// Refuses what is packed in a way that is not unpacked here.
pub(super) fn coding_of(headers: &HeaderMap) -> Result<(), ApiError> {
    let coding = named(headers, header::CONTENT_ENCODING);
    let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(coding.trim()));
    if is(&["", "identity", "gzip", "x-gzip"]) {
        return Ok(());
    }
    Err(ApiError::UnsupportedCoding(coding.to_owned()))
}

/// The body as it was before the sender packed it. What stands in front of the bridge may have unpacked
/// it and left the header: the body itself tells.
fn unpacked(headers: &HeaderMap, bytes: Vec<u8>) -> Result<Vec<u8>, BadBody> {
    if let Err(error) = coding_of(headers) {
        return Err(BadBody::new(error, &bytes));
    }
    if !bytes.starts_with(&GZIP) {
        return Ok(bytes);
    }
    let most = u64::try_from(MAX_BATCH).unwrap_or(u64::MAX) + 1;
    let mut plain = Vec::new();
    match MultiGzDecoder::new(bytes.as_slice()).take(most).read_to_end(&mut plain) {
        Ok(_) if plain.len() > MAX_BATCH => {
            Err(BadBody::new(ApiError::TooLarge(MAX_BATCH), &plain))
        }
        Ok(_) => Ok(plain),
        Err(error) => {
            let detail = format!("It begins as gzip does and cannot be unpacked: {error}.");
            Err(BadBody::new(ApiError::Unreadable(detail), &plain))
        }
    }
}
