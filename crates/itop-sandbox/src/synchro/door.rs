//! From the bytes of a request to one of the pages, and what stands there instead.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::{Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{Death, export, import, load, output, run};
use crate::{
    Itop,
    faults::{FaultKind, Strike},
    front,
    line::Line,
    login::{self, User},
    operations::Effect,
    rest::{self, BODY_LIMIT, HTML, Reply},
};

/// A page beside REST.
#[derive(Clone, Copy, Debug)]
pub(super) enum Door {
    Load,
    Synchronize,
    Import,
    Export,
}

impl Door {
    /// The name by which requests are counted.
    fn name(self) -> &'static str {
        match self {
            Self::Load => "synchro_import",
            Self::Synchronize => "synchro_exec",
            Self::Import => "import",
            Self::Export => "export-v2",
        }
    }

    fn effect(self) -> Effect {
        match self {
            Self::Load => Effect::Load,
            Self::Synchronize => Effect::Synchronize,
            Self::Import => Effect::Import,
            Self::Export => Effect::Read,
        }
    }

    /// What a request without a login gets. Recorded for the load and the export; the others are
    /// taken to do as the load does.
    fn nobody(self, portal: bool) -> Answer {
        let refusal = if portal { "Portal user is not allowed" } else { "Invalid login" };
        match self {
            Self::Load | Self::Synchronize => Answer::html(format!("<p>{refusal}</p>")),
            Self::Import => Answer::text(refusal.to_owned()),
            Self::Export => Answer::html(output::login_page()),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn html(body: String) -> Self {
        Self { content_type: HTML, body }
    }

    pub(super) fn text(body: String) -> Self {
        Self { content_type: "text/plain; charset=utf-8", body }
    }

    pub(super) fn csv(body: String) -> Self {
        Self { content_type: "text/csv;charset=utf-8", body }
    }
}

/// A request.
#[derive(Debug)]
pub(super) struct Call {
    fields: HashMap<String, Vec<u8>>,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    /// A parameter in the bytes that were sent; an empty one is there.
    pub(super) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.fields.get(name).map(Vec::as_slice)
    }

    /// A parameter as text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.bytes(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// A parameter as text, or what stands for it where it is missing.
    pub(super) fn text_or(&self, name: &str, missing: &str) -> String {
        self.text(name).unwrap_or_else(|| missing.to_owned())
    }

    /// A parameter that is switched on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.text(name).as_deref() == Some("1")
    }

    /// A separator or qualifier: one character, or the word `tab`.
    pub(super) fn sign(&self, name: &str, missing: u8) -> u8 {
        match self.bytes(name) {
            Some(b"tab") => b'\t',
            Some([sign, ..]) => *sign,
            Some([]) | None => missing,
        }
    }
}

pub(super) async fn enter(itop: Arc<Itop>, line: Line, door: Door, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut fields = rest::raw_form(parts.uri.query().unwrap_or_default().as_bytes());
    fields.extend(rest::raw_form(&body));
    let call = Call { fields, headers: parts.headers, body };
    let work = serve(Arc::clone(&itop), door, call);
    rest::answered(&itop, &line, work).await
}

async fn serve(itop: Arc<Itop>, door: Door, mut call: Call) -> Reply {
    let effect = door.effect();
    let (_at_work, busy) = itop.load.enter(door.name(), effect);
    let strike = itop.faults.strike(effect);
    let strike = strike.of_text(&String::from_utf8_lossy(&call.body));
    let latency = itop.options.latency;
    let halves = latency.map(|latency| latency.halves(effect, busy, itop.clock.now()));
    let [before, inside] = halves.unwrap_or_default();
    itop.clock.sleep(before + inside + strike.before + strike.inside).await;
    let in_front = |(kind, _): &(FaultKind, bool)| front::answer(kind, &call.headers, &call.body);
    if let Some(page) = strike.kinds.iter().find_map(in_front) {
        return Reply::Answer(page);
    }
    let instead = |(kind, after): &(FaultKind, bool)| {
        if *after { None } else { rest::instead_of_the_effect(kind) }
    };
    if let Some(reply) = strike.kinds.iter().find_map(instead) {
        return reply;
    }
    if strike.drops_form(call.body.len()) {
        call.fields.clear();
    }
    let after = strike.after;
    let kinds = strike.kinds.clone();
    let piece = tokio::task::spawn_blocking({
        let itop = Arc::clone(&itop);
        move || itop.at_door(door, &call, &strike)
    });
    let answer = piece.await.unwrap_or(Err(Death::Database));
    itop.clock.sleep(after).await;
    let instead = |(kind, after): &(FaultKind, bool)| match kind {
        FaultKind::CutAfter => Some(Reply::Cut),
        kind if *after => rest::instead_of_the_effect(kind),
        _ => None,
    };
    if let Some(reply) = kinds.iter().find_map(instead) {
        return reply;
    }
    Reply::Answer(match answer {
        Ok(Answer { content_type, body }) => {
            ([(header::CONTENT_TYPE, content_type)], body).into_response()
        }
        Err(Death::Memory) => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            (status, [(header::CONTENT_TYPE, HTML)], output::NO_MEMORY).into_response()
        }
        Err(Death::Killed) => {
            rest::page(&FaultKind::BadGateway).unwrap_or_else(rest::database_down)
        }
        Err(Death::Database) => rest::database_down(),
    })
}

impl Itop {
    /// What a page answers, and all that it does: one transaction, committed however it ends.
    fn at_door(&self, door: Door, call: &Call, strike: &Strike) -> Result<Answer, Death> {
        let Some(user) = user(call, strike) else { return Ok(door.nobody(false)) };
        if user.is_of_the_portal() {
            return Ok(door.nobody(true));
        }
        self.in_transaction(user, strike, |session| match door {
            Door::Load => load::answer(session, call),
            Door::Synchronize => run::answer(session, call),
            Door::Import => import::answer(session, call),
            Door::Export => export::answer(session, call),
        })?
    }
}

/// Who asks. The profile *REST Services User* is not asked for here (recorded).
fn user(call: &Call, strike: &Strike) -> Option<&'static User> {
    let wrong = strike.has(&FaultKind::WrongPassword);
    login::named(&call.headers, |name| call.text(name)).filter(|_| !wrong)
}
