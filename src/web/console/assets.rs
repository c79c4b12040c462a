//! Style sheet and scripts. They are parts of the program, and their address changes with their content,
//! so that browsers keep them for good.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};

use crate::{domain::hex::hex, web::problem::ApiError};

/// The sheets, put together in this order.
const SHEETS: &[&str] = &[
    include_str!("style.css"),
    include_str!("companies/companies.css"),
    include_str!("equipment/equipment.css"),
    include_str!("health/health.css"),
    include_str!("inbox/inbox.css"),
    include_str!("migration/migration.css"),
    include_str!("new_ticket/new_ticket.css"),
    include_str!("reference/reference.css"),
    include_str!("tickets/tickets.css"),
];

/// The scripts: modules that import each other by their names here.
const SCRIPTS: &[(&str, &str)] = &[
    ("live.js", include_str!("live.js")),
    ("api.js", include_str!("api.js")),
    ("exchange.js", include_str!("exchange.js")),
    ("times.js", include_str!("times.js")),
    ("stream.js", include_str!("stream.js")),
    ("stream_worker.js", include_str!("stream_worker.js")),
    ("keys.js", include_str!("keys.js")),
    ("companies.js", include_str!("companies/companies.js")),
    ("choice.js", include_str!("companies/choice.js")),
    ("tables.js", include_str!("companies/tables.js")),
    ("parts.js", include_str!("parts.js")),
    ("equipment.js", include_str!("equipment/equipment.js")),
    ("new_ticket.js", include_str!("new_ticket/new_ticket.js")),
    ("health.js", include_str!("health/health.js")),
    ("tickets.js", include_str!("tickets/tickets.js")),
    ("inbox.js", include_str!("inbox/inbox.js")),
];

const STYLE: &str = "style.css";

static SHEET: LazyLock<String> = LazyLock::new(|| SHEETS.join("\n"));

/// Of all together: what imports another one must get it as it was when both were made.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    for text in SCRIPTS.iter().map(|(_, text)| *text).chain([SHEET.as_str()]) {
        digest.update(text);
    }
    hex(&digest.finalize()[..8])
});

fn content(name: &str) -> Option<&'static str> {
    if name == STYLE {
        return Some(&SHEET);
    }
    SCRIPTS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The path of one, if there is such a one.
pub(super) fn path(name: &str) -> Option<String> {
    content(name).map(|_| format!("/assets/{}/{name}", *VERSION))
}

/// `GET /assets/{version}/{name}`. An earlier version of a page may ask for its own after an update:
/// it is given what there is now, which is not kept.
pub(in crate::web) async fn asset(
    Path((version, name)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let Some(text) = content(&name) else {
        return Err(ApiError::NotFound("There is nothing at this address.".to_owned()));
    };
    let kind =
        if name == STYLE { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
    let kept = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(kept)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((headers, text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_together_stay_small() {
        let scripts: usize = SCRIPTS.iter().map(|(_, text)| text.len()).sum();
        let bytes = SHEET.len() + scripts;
        assert!(bytes <= 150 << 10, "{bytes} bytes");
    }

    #[test]
    fn nothing_is_asked_of_elsewhere() {
        for text in SCRIPTS.iter().map(|(_, text)| *text).chain([SHEET.as_str()]) {
            for foreign in ["//cdn", "http://", "https://", "@import"] {
                assert!(!text.contains(foreign), "{foreign}");
            }
        }
        // What a script writes as HTML could be a sender's words.
        for (name, text) in SCRIPTS {
            // What a text is filled with may have signs that `replace` reads: `$&`.
            let filled = text.split(".replace(\"").skip(1).find(|rest| rest.starts_with('{'));
            assert_eq!(filled, None, "{name}: fill texts by `filled`");
            for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                assert!(!text.contains(way), "{name}: {way}");
            }
        }
    }
}
