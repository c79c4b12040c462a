//! In which language a page speaks.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    domain::ticket_text::Language,
    web::{
        Addresses, cookies,
        parameters::{Params, Path},
        problem::ApiError,
    },
};

/// The cookie of whoever has chosen one.
const COOKIE: &str = "bridge_language";

/// A year: whoever has chosen is not asked again.
const KEPT: u32 = 365 * 24 * 60 * 60;

/// The language that was chosen, else that of the browser.
pub(in crate::web) fn of(headers: &HeaderMap) -> Language {
    let chosen = cookies::named(headers, COOKIE).next().and_then(named);
    chosen.unwrap_or_else(|| of_browser(headers))
}

/// The one that the browser likes best of those that there are, whatever was chosen.
pub(in crate::web) fn of_browser(headers: &HeaderMap) -> Language {
    let header = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    header.and_then(accepted).unwrap_or_default()
}

fn named(code: &str) -> Option<Language> {
    match code {
        "en" => Some(Language::En),
        "fr" => Some(Language::Fr),
        _ => None,
    }
}

/// The one that a browser likes best of those that there are (RFC 9110, 12.5.4).
fn accepted(header: &str) -> Option<Language> {
    let mut best: Option<(f32, Language)> = None;
    for range in header.split(',') {
        let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
        let quality = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
        if let (Some(language), Ok(quality)) = (named(&primary), quality)
            && quality > 0.0
            && best.is_none_or(|(known, _)| quality > known)
        {
            best = Some((quality, language));
        }
    }
    best.map(|(_, language)| language)
}

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct ChooseParams {
    next: Option<String>,
}

/// `GET /language/{language}`: the one that is used from now on.
pub(in crate::web) async fn choose(
    State(addresses): State<Addresses>,
    Path(code): Path<String>,
    Params(params): Params<ChooseParams>,
) -> Result<Response, ApiError> {
    if named(&code).is_none() {
        return Err(ApiError::NotFound("There are the languages en and fr.".to_owned()));
    }
    let path = addresses.path("/");
    let cookie = format!("{COOKIE}={code}; Path={path}; Max-Age={KEPT}; SameSite=Lax");
    let next = addresses.own_page(params.next.as_deref().unwrap_or_default());
    let header = |text: &str| HeaderValue::from_str(text).map_err(|_| ApiError::Internal);
    let headers = [
        (header::SET_COOKIE, header(&cookie)?),
        (header::LOCATION, header(&next)?),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_that_is_liked_best() {
        for (header, expected) in [
            ("fr", Some(Language::Fr)),
            ("fr-CA,fr;q=0.9,en;q=0.8", Some(Language::Fr)),
            ("en-GB, fr;q=0.9", Some(Language::En)),
            ("de, en;q=0.5, fr;q=0.7", Some(Language::Fr)),
            ("de", None),
            ("fr;q=0, en;q=0.1", Some(Language::En)),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(accepted(header), expected, "{header}");
        }
    }

    #[test]
    fn a_choice_goes_before_the_browser() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("fr"));
        assert_eq!(of(&headers), Language::Fr);
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; bridge_language=en"));
        assert_eq!(of(&headers), Language::En);
        headers.insert(header::COOKIE, HeaderValue::from_static("bridge_language=xx"));
        assert_eq!(of(&headers), Language::Fr);
    }
}
