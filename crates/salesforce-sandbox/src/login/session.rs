//! Sessions: who has which token, and since when it was not used.

use std::{collections::HashMap, sync::Mutex};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::{ids, refusal::Refusal};

/// The id of the org.
pub(crate) fn org_id() -> String {
    ids::make("00D", 1)
}

/// Who has logged in.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, (String, i64)>>);

impl Sessions {
    fn open_ones(&self) -> std::sync::MutexGuard<'_, HashMap<String, (String, i64)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A new token of this user.
    pub(crate) fn open(&self, user: &str, now: i64) -> String {
        let mut random = [0_u8; 24];
        // Tokens of a sandbox need not be secret; without randomness they would only repeat.
        let _ = SystemRandom::new().fill(&mut random);
        let token = format!("{}!AQ0.{}", ids::short(&org_id()), URL_SAFE_NO_PAD.encode(random));
        self.open_ones().insert(token.clone(), (user.to_owned(), now));
        token
    }

    /// Ends one session.
    pub(crate) fn close(&self, token: &str) {
        self.open_ones().remove(token);
    }

    /// Ends all.
    pub(crate) fn close_all(&self) {
        self.open_ones().clear();
    }

    /// Whose token a header `Authorization` holds; each use keeps it alive.
    pub(crate) fn user(
        &self,
        header: Option<&str>,
        now: i64,
        secs: i64,
    ) -> Result<String, Refusal> {
        let expired = || Refusal::new(401, "INVALID_SESSION_ID", "Session expired or invalid");
        let Some(token) = token(header)? else { return Err(expired()) };
        let mut open = self.open_ones();
        let Some((user, last)) = open.get_mut(token) else { return Err(expired()) };
        if now - *last > secs {
            open.remove(token);
            return Err(expired());
        }
        *last = now;
        Ok(user.clone())
    }
}

/// The token of a header `Authorization`.
pub(crate) fn token(header: Option<&str>) -> Result<Option<&str>, Refusal> {
    let Some(header) = header else { return Ok(None) };
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !matches!(scheme.to_ascii_lowercase().as_str(), "bearer" | "oauth") {
        return Err(Refusal::new(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"));
    }
    Ok(Some(token.trim()))
}
