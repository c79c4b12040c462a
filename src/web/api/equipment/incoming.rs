//! A list as it comes: read row by row while it does, so that it is never held as a whole beside its rows.

use std::io::{self, Read};

use axum::{
    body::{Body, Bytes, HttpBody as _},
    extract::Request,
    http::header,
};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::{sync::mpsc, task};

use crate::{
    domain::equipment::list::{self, EquipmentList, Format, ListError},
    web::{
        Rooms,
        auth::receiving,
        body::{GZIP, coding_of},
        content::{essence, named},
        problem::ApiError,
    },
};

/// The largest list, in bytes, packed or not: 50,000 rows have some 20 MB.
pub(in crate::web) const MAX_LIST: usize = 32 * 1024 * 1024;

/// Pieces of a body that wait for being read: what comes faster waits on its way.
const WAITING: usize = 4;

/// Reads the list that a request brings.
pub(super) async fn incoming(request: Request, rooms: &Rooms) -> Result<EquipmentList, ApiError> {
    let (parts, body) = request.into_parts();
    let Some(format) = Format::of_content_type(&essence(&parts.headers)) else {
        let found = named(&parts.headers, header::CONTENT_TYPE);
        let found = if found.is_empty() { "no content type" } else { found };
        return Err(ApiError::UnsupportedList(found.to_owned()));
    };
    coding_of(&parts.headers)?;
    if body.size_hint().lower() > MAX_LIST as u64 {
        pass(body, None).await;
        return Err(ApiError::TooLarge(MAX_LIST));
    }
    // First its sender's own places, then those of all lists, then those of all long bodies: whoever waits for
    // one of these takes none from others.
    let own = match receiving(&parts.extensions) {
        Some(sender) => sender.long_body().await,
        None => None,
    };
    let _places = (own, rooms.lists.acquire().await.ok(), rooms.long_bodies.acquire().await.ok());
    let (pieces, chunks) = mpsc::channel(WAITING);
    let reading = task::spawn_blocking(move || list::read(unpacked(Pieces::new(chunks)), format));
    pass(body, Some(pieces)).await;
    match reading.await {
        Ok(read) => read.map_err(refused),
        // It has panicked, which the panic has told.
        Err(_) => Err(ApiError::Internal),
    }
}

/// Hands a body on, piece by piece. What nobody reads any more is passed over, within bounds: a connection on
/// which some of a body is left has to be closed, by which whoever still sends loses the answer.
async fn pass(body: Body, mut pieces: Option<mpsc::Sender<io::Result<Bytes>>>) {
    let mut chunks = body.into_data_stream();
    let mut came = 0;
    while let Some(chunk) = chunks.next().await {
        let is_end = chunk.is_err();
        came += chunk.as_ref().map_or(0, Bytes::len);
        let piece = match chunk {
            Ok(chunk) if came <= MAX_LIST => Ok(chunk),
            Ok(_) => Err(io::ErrorKind::FileTooLarge.into()),
            Err(_) => Err(io::Error::other(format!("after {came} bytes"))),
        };
        let is_last = piece.is_err();
        if let Some(to) = pieces.take() {
            let is_read = to.send(piece).await.is_ok();
            pieces = Some(to).filter(|_| is_read && !is_last);
        }
        if is_end || came > 2 * MAX_LIST {
            break;
        }
    }
}

/// What the sender has packed; the body itself tells whether it is.
fn unpacked(from: impl Read + Send + 'static) -> Box<dyn Read> {
    let mut from = from;
    let mut begin = [0; GZIP.len()];
    let mut length = 0;
    while length < begin.len() {
        match from.read(&mut begin[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) => return Box::new(Failed(Some(error))),
        }
    }
    let all = io::Cursor::new(begin).take(length as u64).chain(from);
    if begin == GZIP {
        return Box::new(Bounded { from: MultiGzDecoder::new(all), left: MAX_LIST });
    }
    Box::new(all)
}

/// Why a list is not taken.
fn refused(error: ListError) -> ApiError {
    match error {
        ListError::Broken(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            ApiError::TooLarge(MAX_LIST)
        }
        ListError::Rows { ref errors, .. } => ApiError::InvalidMany {
            errors: errors.iter().map(|error| json!(error)).collect(),
            detail: error.sentence(),
        },
        ListError::Broken(_) | ListError::Unreadable(_) => ApiError::Unreadable(error.sentence()),
    }
}

/// A body for whoever reads it in another thread.
struct Pieces {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Pieces {
    fn new(chunks: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self { chunks, piece: Bytes::new() }
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.chunks.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let length = self.piece.len().min(into.len());
        into[..length].copy_from_slice(&self.piece.split_to(length));
        Ok(length)
    }
}

/// What cannot be read.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// So many bytes at most: what is packed says nothing of how long it is.
struct Bounded<R> {
    from: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let came = self.from.read(into)?;
        self.left = self.left.checked_sub(came).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(came)
    }
}
