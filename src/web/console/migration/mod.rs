//! A migration to Salesforce, as its folder tells it: what is under way, which steps there were, what became of each
//! class. Nothing can be done here: the steps are commands. The page is there only where a folder is configured, for
//! those who see all.

mod runs;

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{Html, IntoResponse as _, Response},
};
use minijinja::context;
use serde::Serialize;

use super::{health::grouped, page::Page, templates::value};
use crate::{
    domain::ticket_text::Language,
    migrate::{
        staging::{ClassSeen, Part, Seen},
        watch::{Looked, REPORTS, Watch},
    },
    web::{
        AppState,
        auth::Overseer,
        parameters::{NoParams, Params, Path},
        problem::ApiError,
    },
};
use runs::{Differing, RunRow};

/// What a report may do: it is one file with its own look, and shows words that others wrote.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; \
     base-uri 'none'; sandbox";

/// `GET /migration`
pub(in crate::web) async fn page(
    _: Overseer,
    page: Page,
    State(state): State<AppState>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, ApiError> {
    let (looked, problem) = match watched(&state)?.look().await {
        Ok(looked) => (Some(looked), None),
        Err(problem) => (None, Some(problem)),
    };
    let language = page.language;
    let seen = looked.as_ref().and_then(|looked| looked.seen.as_ref());
    let differing = seen.map(|seen| Differing::of(&seen.steps)).unwrap_or_default();
    let number = |number: u64| grouped(number, language);
    let reason = |reason: &crate::migrate::staging::ReasonSeen| {
        context! {
            class => &reason.class, code => &reason.code, rows => number(reason.rows), example => &reason.example,
        }
    };
    let part = |part: Part| context! { read => number(part.read), there => number(part.there), all => part.read };
    let values = context! {
        problem => problem.as_deref(),
        as_of => looked.as_ref().map(|looked| looked.at.to_string()),
        source => seen.and_then(|seen| seen.source.as_deref()),
        is_there => seen.is_some(),
        is_at_work => seen.is_some_and(|seen| seen.is_at_work),
        under_way => looked.as_ref().zip(seen).and_then(|(looked, seen)| under_way(looked, seen, language)),
        steps => value(&seen.map(|seen| RunRow::all(seen, language)).unwrap_or_default()),
        classes => value(&seen.map(|seen| {
            let class = |class| ClassRow::of(class, &differing, language);
            seen.classes.iter().map(class).collect::<Vec<_>>()
        })),
        comments => seen.map(|seen| part(seen.comments)),
        files => seen.map(|seen| part(seen.files)),
        reasons => seen.map(|seen| seen.reasons.iter().map(reason).collect::<Vec<_>>()),
        reports => looked.as_ref().map(|looked| {
            let report = |(name, at): &(&str, jiff::Timestamp)| context! { name => *name, at => at.to_string() };
            looked.reports.iter().map(report).collect::<Vec<_>>()
        }),
    };
    page.render("migration/page.html", values).await
}

/// `GET /migration/reports/{report}`
pub(in crate::web) async fn report(
    _: Overseer,
    State(state): State<AppState>,
    Path(name): Path<String>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Response, ApiError> {
    let watch = watched(&state)?;
    let none = || ApiError::NotFound("There is no such report.".to_owned());
    let name = REPORTS.into_iter().find(|known| *known == name).ok_or_else(none)?;
    let text = watch.report(name).await.map_err(ApiError::NotFound)?.ok_or_else(none)?;
    let mut response = Html(text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    Ok(response)
}

/// The migration, if one is shown.
fn watched(state: &AppState) -> Result<&Watch, ApiError> {
    let none = || ApiError::NotFound("This bridge shows no migration.".to_owned());
    state.migration.as_ref().ok_or_else(none)
}

/// The step that is under way, and how far it is.
fn under_way(looked: &Looked, seen: &Seen, language: Language) -> Option<minijinja::Value> {
    let run = seen.under_way()?;
    let sum = |of: fn(&ClassSeen) -> u64| seen.classes.iter().map(of).sum::<u64>();
    let is_read = run.step == crate::migrate::staging::StepRun::EXTRACT;
    let (done, all) = if is_read {
        (sum(|class| class.objects.read), sum(|class| class.counted.unwrap_or_default()))
    } else {
        (sum(|class| class.objects.there), sum(|class| class.objects.read))
    };
    let number = |number: u64| grouped(number, language);
    Some(context! {
        step => &run.step, is_known => runs::is_known(&run.step),
        began => run.began.map(|at| at.to_string()),
        is_read, done, all, done_shown => number(done), all_shown => number(all),
        rate => looked.rate.filter(|rate| *rate >= 0.5).map(|rate| format!("{rate:.0}")),
        sent => seen.sent.iter().map(|(class, pieces)| context! {
            class, pieces => number(*pieces), count => pieces,
        }).collect::<Vec<_>>(),
    })
}

/// A class as the table shows it.
#[derive(Serialize)]
struct ClassRow<'s> {
    class: &'s str,
    read: String,
    there: String,
    failed: u64,
    failed_shown: String,
    /// As the last comparison saw it.
    differing: Option<u64>,
    differing_shown: Option<String>,
    left_out: Option<String>,
    problem: Option<&'s str>,
}

impl<'s> ClassRow<'s> {
    fn of(seen: &'s ClassSeen, differing: &Differing, language: Language) -> Self {
        let number = |number: u64| grouped(number, language);
        let compared = differing.of_class(&seen.class);
        let left_out = compared.map(|compared| compared.left_out).filter(|left_out| *left_out > 0);
        Self {
            class: &seen.class,
            read: number(seen.objects.read),
            there: number(seen.objects.there),
            failed: seen.failed,
            failed_shown: number(seen.failed),
            differing: compared.map(|compared| compared.differing),
            differing_shown: compared.map(|compared| number(compared.differing)),
            left_out: left_out.map(number),
            problem: seen.problem.as_deref(),
        }
    }
}
