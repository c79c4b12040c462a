//! What a sender has posted, and who that is: by its token in a header or in the address, by the session of
//! a page, or by a signature, which only the body itself can prove. There is no other way to post.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{FromRef, FromRequest, FromRequestParts as _, RawPathParams, Request},
    http::{HeaderMap, request::Parts},
};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{
    ApiTokens, Rooms,
    auth::{By, Caller, Known, Signed},
    body::{BadBody, JsonBody, MAX_BODY, whole},
    client::Client,
    content::essence,
    problem::ApiError,
    share::Share,
};
use crate::{clock::Clock, config::Scope};

/// How far the time of a signature may be from that of the bridge, in seconds, before and after.
const TOLERANCE: u64 = 300;

const FORM: &str = "application/x-www-form-urlencoded";

/// What was posted.
pub(super) struct Posted {
    pub(super) caller: Arc<Caller>,
    /// Its share of what is received at once.
    pub(super) share: Share,
    pub(super) body: Result<JsonBody, BadBody>,
    /// What the signature says, where the sender has signed.
    pub(super) message: Option<Message>,
}

/// A message whose signature is right.
pub(super) struct Message {
    /// The same each time it is sent.
    pub(super) id: String,
    /// The SHA-256 of the body, as it came.
    pub(super) digest: [u8; 32],
    signed_at: i64,
    now: Timestamp,
}

impl Message {
    fn of(signed: Signed, body: &[u8], now: Timestamp) -> Self {
        let digest = Sha256::digest(body).into();
        Self { id: signed.id, digest, signed_at: signed.timestamp, now }
    }

    /// What is to be said where it was signed at another time than now.
    pub(super) fn wrong_time(&self) -> Option<ApiError> {
        let off = self.signed_at.abs_diff(self.now.as_second());
        (off > TOLERANCE).then(|| {
            let then = Timestamp::from_second(self.signed_at).map_or_else(
                |_| format!("{} seconds after 1970", self.signed_at),
                |time| time.to_string(),
            );
            let now = self.now.round(jiff::Unit::Second).unwrap_or(self.now);
            ApiError::WrongTime(format!(
                "It was signed at {then}, and here it is {now}: {TOLERANCE} seconds of difference are \
                 taken. Set the clock of the sender, and have it sign anew each time it sends."
            ))
        })
    }
}

impl<S> FromRequest<S> for Posted
where
    ApiTokens: FromRef<S>,
    Rooms: FromRef<S>,
    Clock: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Self::by_whoever_may(Scope::Ingest, request, state).await
    }
}

impl Posted {
    /// What was posted by somebody who has this scope.
    pub(super) async fn by_whoever_may<S>(
        scope: Scope,
        request: Request,
        state: &S,
    ) -> Result<Self, ApiError>
    where
        ApiTokens: FromRef<S>,
        Rooms: FromRef<S>,
        Clock: FromRef<S>,
    {
        let (mut parts, body) = request.into_parts();
        let (tokens, rooms) = (ApiTokens::from_ref(state), Rooms::from_ref(state));
        let now = Clock::from_ref(state).now();
        let in_path = token_in_path(&mut parts).await;
        if in_path.is_none() && tokens.may_be_signed(&parts.headers) {
            return Box::pin(signed(scope, &parts, body, (&tokens, &rooms), now)).await;
        }
        let Known { caller, by } = if let Some(token) = in_path {
            let caller = token.and_then(|token| tokens.in_path(&token));
            Known { caller: caller.ok_or(ApiError::Unauthorized)?, by: By::Token }
        } else {
            tokens.known(&parts)?
        };
        let caller = caller.require(scope)?;
        let share = caller.receiving.share(&parts.headers).await;
        let takes_forms = by == By::Token && tokens.is_from_no_foreign_page(&parts);
        let bytes = match whole(body, &rooms, Some(&caller.receiving)).await {
            Ok(bytes) => bytes,
            Err(bad) => return Ok(Self { caller, share, body: Err(bad), message: None }),
        };
        let mut message = None;
        // One that has both must be right in both. What whoever never signs has signed is for somebody else.
        if tokens.signs(&caller)
            && let Some(signed) = Signed::of(&parts.headers)?
        {
            let signer = tokens.signer(&signed, &bytes);
            if !signer.is_some_and(|signer| Arc::ptr_eq(&signer, &caller)) {
                return Err(NOT_OF_ANY);
            }
            message = Some(Message::of(signed, &bytes, now));
        }
        let body = read(&parts.headers, bytes, takes_forms);
        Ok(Self { caller, share, body, message })
    }
}

const NOT_OF_ANY: ApiError = ApiError::WrongSignature(
    "It is that of no sender of this bridge over id, time and body as they came: the secret is another \
     one, or something on the way has changed the body.",
);

/// A body of whose sender nothing is known before all of it was read.
async fn signed(
    scope: Scope,
    parts: &Parts,
    body: Body,
    (tokens, rooms): (&ApiTokens, &Rooms),
    now: Timestamp,
) -> Result<Posted, ApiError> {
    let Some(signed) = Signed::of(&parts.headers)? else { return Err(ApiError::Unauthorized) };
    let receiving = tokens.unproven(Client::of(&parts.extensions));
    let unproven = receiving.share(&parts.headers).await;
    let bytes = whole(body, rooms, Some(&receiving)).await.map_err(|bad| bad.error)?;
    let caller = tokens.signer(&signed, &bytes).ok_or(NOT_OF_ANY)?;
    tokens.admit_signer(&caller)?;
    let caller = caller.require(scope)?;
    // Whoever is known waits for its own, and holds up nobody else who signs.
    drop(unproven);
    let share = caller.receiving.share(&parts.headers).await;
    let message = Message::of(signed, &bytes, now);
    let body = read(&parts.headers, bytes, tokens.is_from_no_foreign_page(parts));
    Ok(Posted { caller, share, body, message: Some(message) })
}

fn read(headers: &HeaderMap, bytes: Vec<u8>, takes_forms: bool) -> Result<JsonBody, BadBody> {
    if essence(headers) == FORM {
        if takes_forms {
            return JsonBody::of_form(headers, bytes);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        return Err(BadBody { error: ApiError::FormNotTaken, text });
    }
    JsonBody::of(headers, bytes, MAX_BODY)
}

/// The token in the address, where the route has a place for one; `Some(None)` where what stands there
/// is no text.
async fn token_in_path(parts: &mut Parts) -> Option<Option<String>> {
    match RawPathParams::from_request_parts(parts, &()).await {
        Ok(path) => {
            path.iter().find_map(|(name, value)| (name == "token").then(|| Some(value.to_owned())))
        }
        Err(_) => Some(None),
    }
}
