//! A control's ticket as a small page for a frame: `<iframe src="…/controls/card?…">`. It has no script,
//! loads nothing, and only pages of `server.frame_ancestors` may show it.

use std::sync::LazyLock;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{Is, MaybeSigned, Seen, Shown, svg::escaped};
use crate::{
    domain::ticket_text::Language,
    web::{
        AppState,
        console::{
            language,
            texts::{status_word, word},
        },
        entity_tag::{KnownTags, tag_of},
        problem::ApiError,
    },
};

/// How long a browser may show it without asking again, in seconds; nobody else keeps it.
const MAX_AGE: &str = "private, max-age=20";

const STYLE: &str = "\
:root{color-scheme:light dark;font:13.5px/1.4 system-ui,sans-serif}\
body{margin:0;color:light-dark(#101828,#f2f4f7);background:light-dark(#fff,#161b22)}\
main{padding:8px 12px;border:1px solid light-dark(#d0d5dd,#344054);border-radius:6px}\
p{margin:0 0 4px;overflow-wrap:anywhere}\
.control{font-weight:600}\
a{color:light-dark(#0b5cc4,#84b6ff);font-weight:600;font-variant-numeric:tabular-nums}\
.status{margin-inline-start:8px;padding:1px 8px;border:1px solid;border-radius:6px}\
.sub{color:light-dark(#475467,#a3acb9);font-size:12px}";

/// The style, named by its hash: no other one is applied, whatever a text brings.
static STYLE_SOURCE: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(STYLE))));

/// `GET /controls/card`
pub(in crate::web) async fn card(
    State(state): State<AppState>,
    MaybeSigned(signed): MaybeSigned,
    known: KnownTags,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let language = language::of_browser(&headers);
    let ancestors = &state.config.get().server.frame_ancestors;
    let Some(signed) = signed else {
        let says = said(language, "not_valid");
        let page = page(language, says, &format!("<p>{says}</p>"));
        let headers = own_headers(ancestors, "no-store");
        return Ok((StatusCode::FORBIDDEN, headers, page).into_response());
    };
    let shown = signed.shown(&state).await?;
    let (instance, company) = (signed.instance.as_str(), signed.company.to_string());
    let links = state.addresses.links(instance, &company, signed.control.as_str());
    let name = shown.name.clone().unwrap_or_else(|| signed.control.to_string());
    let shown_at = |at| state.clock.shown(at);
    let page = page(language, &name, &content(&shown, &name, &links.open, language, shown_at));
    let tag = tag_of(&page);
    let headers = own_headers(ancestors, MAX_AGE);
    let mut response = if known.contains(&tag) {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, Bytes::from(page)).into_response()
    };
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

fn own_headers(ancestors: &[String], cache: &'static str) -> HeaderMap {
    let ancestors = if ancestors.is_empty() { "'none'".to_owned() } else { ancestors.join(" ") };
    let policy = format!(
        "default-src 'none'; style-src {}; base-uri 'none'; form-action 'none'; frame-ancestors \
         {ancestors}",
        *STYLE_SOURCE
    );
    // Origins were checked with the configuration: they have no character that a header has not.
    let policy = HeaderValue::from_str(&policy)
        .unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    let fixed = HeaderValue::from_static;
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, fixed("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, fixed(cache)),
        (header::VARY, fixed("accept-language")),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        (header::REFERRER_POLICY, fixed("no-referrer")),
    ])
}

fn page(language: Language, title: &str, content: &str) -> String {
    let code = match language {
        Language::En => "en",
        Language::Fr => "fr",
    };
    let title = escaped(title);
    format!(
        "<!doctype html><html lang=\"{code}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><main>{content}</main></body></html>"
    )
}

fn content(
    shown: &Shown,
    name: &str,
    open: &str,
    language: Language,
    shown_at: impl Fn(Timestamp) -> Timestamp,
) -> String {
    let name = format!("<p class=\"control\">{}</p>", escaped(name));
    let sentence = |key: &str| format!("{name}<p>{}</p>", said(language, key));
    let with_number = |number: &str, key: &str| {
        format!("{name}<p>{} – {}</p>", escaped(number), said(language, key))
    };
    match &shown.is {
        Is::Ticket(ticket) => {
            let at = shown_at(ticket.as_of);
            let (number, open) = (escaped(&ticket.number), escaped(open));
            format!(
                "{name}<p><a href=\"{open}\" target=\"_blank\" rel=\"noopener\">{number}</a>\
                 <span class=\"status\">{status}</span></p><p class=\"sub\">{details}</p>\
                 <p class=\"sub\">{as_of} <time datetime=\"{at}\">{time}</time></p>",
                status = escaped(&status_word(language, &ticket.status)),
                details = details(ticket, language),
                as_of = said(language, "as_of"),
                time = at.strftime("%Y-%m-%d %H:%M UTC"),
            )
        }
        Is::NotVisible(number) => with_number(number, "not_visible"),
        Is::Deleted(number) => with_number(number, "deleted"),
        Is::Moved => sentence("moved"),
        Is::OnItsWay => sentence("on_its_way"),
        Is::Without => sentence("without"),
    }
}

/// One of the sentences of a card.
fn said(language: Language, key: &str) -> &'static str {
    word(language, &format!("signed.card.{key}"))
}

fn details(ticket: &Seen, language: Language) -> String {
    let priority = ticket.priority.map(|priority| {
        let level = u8::from(priority);
        let name = word(language, &format!("layout.priority.{level}"));
        format!("{} {level} ({name})", word(language, "tickets.priority"))
    });
    let people = [&ticket.team, &ticket.agent].into_iter().flatten().map(|text| escaped(text));
    let parts: Vec<_> = priority.into_iter().chain(people).collect();
    if parts.is_empty() { "–".to_owned() } else { parts.join(" · ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_speaks_the_language_of_the_browser() {
        let of = |taken: &'static str| {
            let value = HeaderValue::from_static(taken);
            language::of_browser(&HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, value)]))
        };
        for (taken, expected) in [
            ("fr-FR,fr;q=0.9,en;q=0.8", Language::Fr),
            ("en-GB,fr", Language::En),
            ("de, fr;q=0.5", Language::Fr),
            ("FR", Language::Fr),
            ("de", Language::En),
            ("f", Language::En),
            ("", Language::En),
        ] {
            assert_eq!(of(taken), expected, "{taken}");
        }
    }

    #[test]
    fn the_style_is_named_by_what_it_is() {
        // As a browser computes it: of exactly what stands between the tags.
        let page = page(Language::En, "t", "");
        let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let hash = STANDARD.encode(Sha256::digest(style));
        let headers = own_headers(&[], MAX_AGE);
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains(&hash) && !policy.contains("unsafe"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'none'"));
    }
}
