//! Every call of the API. The router is made of this table, and so are the tests that ask each call
//! with each kind of token.

use axum::{Router, routing::MethodRouter};

use super::{
    AppState, LOOKUP, STREAM,
    api::{
        acknowledgements as inbox, board_summary,
        cmdb::{hand_back, sources},
        companies, control_detail, controls, equipment, health, hold, itop_changes, links, lookup,
        preview, priority, session, stream, stream_address, tickets,
    },
    console::{
        assets, companies as companies_page, equipment as equipment_page, health as health_page,
        inbox as inbox_page, language, migration as migration_page, new_ticket, reference, sign_in,
        tickets as board,
    },
    description, metrics, signed,
};
use crate::config::Scope;

/// Who may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Everyone,
    /// Whoever has a link that was signed for it.
    Signed,
    /// Whoever the bridge knows, with whatever scopes.
    Known,
    /// A token with this scope.
    Token(Scope),
    /// Whoever has a token that may stand in the address, and stands there.
    InPath,
    /// A token with the scope `admin` that is not limited to companies.
    Linker,
    /// A token with the scope `admin` that is limited to nothing.
    Overseer,
    /// A token with the scope `operate` that is limited to nothing.
    Steward,
    /// A token with the scope `metrics` that is limited to nothing.
    Watcher,
    /// A page for whoever has this scope: a stranger is led to where one signs in.
    Page(Scope),
    /// The same for whoever has the scope `admin` and is limited to nothing.
    PageOfOverseers,
}

const INGEST: Access = Access::Token(Scope::Ingest);
const READ: Access = Access::Token(Scope::Read);
const OPERATE: Access = Access::Token(Scope::Operate);
const CHANGES: Access = Access::Token(Scope::Changes);
const ADMIN: Access = Access::Token(Scope::Admin);
const SIGNED: Access = Access::Signed;
const OVERSEER: Access = Access::Overseer;

/// A call of the API.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// In small letters.
    pub method: &'static str,
    /// With the variable parts in braces.
    pub path: &'static str,
    /// Who may make it.
    pub access: Access,
}

/// A part of the table, and the router of it.
macro_rules! calls {
    (
        $calls:ident, $router:ident:
        $($path:expr => { $($method:ident: $handler:path, $access:expr;)+ })+
    ) => {
        const $calls: &[Call] = &[$($(
            Call { method: stringify!($method), path: $path, access: $access },
        )+)+];

        pub(super) fn $router() -> Router<AppState> {
            Router::new()$(.route($path, MethodRouter::new()$(.$method($handler))+))+
        }
    };
}

// Lists that can be long: they are packed.
calls! {
    LISTS, lists:
    "/api/v1/tickets" => { get: tickets::board, READ; }
    "/api/v1/companies" => { get: companies::companies, READ; }
    "/api/v1/teams" => { get: companies::all_teams, READ; }
    "/api/v1/companies/{org}/contacts" => { get: companies::contacts, READ; }
    "/api/v1/companies/{org}/teams" => { get: companies::teams, READ; }
    "/api/v1/companies/{org}/services" => { get: companies::services, READ; }
    "/api/v1/companies/{org}/cis" => { get: companies::cis, READ; }
    "/api/v1/links" => { get: links::list, READ; put: links::many::put_many, Access::Linker; }
    "/api/v1/links.csv" => { get: links::table::export, READ; }
    "/api/v1/links/companies" => { get: links::overview::companies, READ; }
    "/api/v1/links/matches" => { post: links::matches::matches, Access::Linker; }
    "/api/v1/switch" => {
        get: links::switch::tickets, OVERSEER;
        post: links::switch::forth::switch, OVERSEER;
    }
    "/api/v1/equipment" => {
        get: equipment::list::list, READ;
        put: equipment::put::put, OPERATE;
        patch: equipment::put::patch, OPERATE;
    }
    "/api/v1/equipment/companies" => { get: equipment::list::companies, READ; }
    "/api/v1/equipment/preview" => { post: equipment::preview::preview, OPERATE; }
    "/api/v1/health" => { get: health::report::report, READ; }
    "/api/openapi.json" => { get: description::given, Access::Everyone; }
}

// What these take besides their bodies stands in the path.
calls! {
    PLAIN, plain:
    "/api/v1/acknowledgements" => { post: inbox::receive::receive, INGEST; }
    "/api/v1/acknowledgements/by/{token}" => { post: inbox::receive::receive, Access::InPath; }
    "/api/v1/acknowledgements/preview" => { post: preview::preview, INGEST; }
    "/api/v1/acknowledgements/retry" => { post: inbox::bulk::retry, OPERATE; }
    "/api/v1/acknowledgements/discard" => { post: inbox::bulk::discard, OPERATE; }
    "/api/v1/acknowledgements/{id}" => { get: inbox::one, READ; }
    "/api/v1/acknowledgements/{id}/request" => { get: inbox::request::request, READ; }
    "/api/v1/acknowledgements/{id}/retry" => { post: inbox::retry, OPERATE; }
    "/api/v1/acknowledgements/{id}/discard" => { post: inbox::discard, OPERATE; }
    "/api/v1/check" => { get: health::check::latest, OVERSEER; post: health::check::run, OVERSEER; }
    "/api/v1/cmdb/sources" => { get: sources::list, OVERSEER; put: sources::replace, OVERSEER; }
    "/api/v1/cmdb/resume" => { post: hand_back::resume, Access::Steward; }
    "/api/v1/cmdb/release" => { post: hand_back::release, OVERSEER; }
    "/api/v1/configuration" => { get: health::configuration::shown, OVERSEER; }
    "/api/v1/equipment/approve" => { post: equipment::put::approve, OPERATE; }
    "/api/v1/equipment/keep" => { post: equipment::put::keep, OPERATE; }
    "/api/v1/equipment/retry" => { post: equipment::put::retry, OPERATE; }
    "/api/v1/hold" => {
        get: hold::get, OVERSEER;
        put: hold::put, OVERSEER;
        delete: hold::delete, OVERSEER;
    }
    "/api/v1/switch/back" => { post: links::switch::back::back, OVERSEER; }
    "/api/v1/itop/changes" => { post: itop_changes::changes, CHANGES; }
    "/api/v1/tickets/{number}" => { get: tickets::by_number, READ; }
    "/api/v1/links/unlinked" => { get: links::unlinked, ADMIN; }
    "/api/v1/session" => { get: session::session, Access::Known; }
    "/healthz" => { get: health::alive, Access::Everyone; }
    "/readyz" => { get: health::ready, Access::Everyone; }
    "/metrics" => { get: metrics::scrape, Access::Watcher; }
}

calls! {
    OTHERS, others:
    "/api/v1/acknowledgements" => { get: inbox::list::list, READ; }
    "/api/v1/acknowledgements/causes" => { get: inbox::causes::causes, READ; }
    "/api/v1/controls/{control}/ticket" => { get: controls::ticket, READ; }
    "/api/v1/controls/ticket" => { get: controls::ticket_of_any, READ; }
    "/api/v1/priority" => { get: priority::of, INGEST; }
    "/controls/open" => { get: signed::open::open, SIGNED; }
    "/controls/badge.svg" => { get: signed::badge::badge, SIGNED; }
    "/controls/card" => { get: signed::card::card, SIGNED; }
    "/api/v1/controls/detail" => { get: control_detail::detail, READ; }
    "/api/v1/tickets/summary" => { get: board_summary::summary, READ; }
    "/language/{language}" => { get: language::choose, Access::Everyone; }
    "/api/v1/equipment/actions" => { get: equipment::list::actions, READ; }
    "/api/v1/equipment/{equipment}" => {
        get: equipment::list::one, READ;
        delete: equipment::put::remove, OPERATE;
    }
    LOOKUP => { post: lookup::lookup, READ; }
    STREAM => { get: stream::changes, READ; }
    "/api/v1/tickets/stream/address" => { post: stream_address::address, READ; }
    "/api/v1/links/{company}" => {
        get: links::get, READ;
        put: links::put, Access::Linker;
        delete: links::delete, Access::Linker;
    }
    "/api/v1/links/{company}/effective" => { get: links::effective, READ; }
    "/api/v1/links/{company}/trial" => { post: links::trial::trial, OPERATE; }
    "/api/v1/links/{company}/sites/{site}" => {
        get: links::get, READ;
        put: links::put, Access::Linker;
        delete: links::delete, Access::Linker;
    }
    "/api/v1/links/{company}/sites/{site}/effective" => { get: links::effective, READ; }
    "/api/v1/links/{company}/sites/{site}/trial" => { post: links::trial::trial, OPERATE; }
}

// What people look at.
calls! {
    PAGES, pages:
    "/" => { get: board::page, Access::Page(Scope::Read); }
    "/new-ticket" => { get: new_ticket::page, Access::Page(Scope::Read); }
    "/health" => { get: health_page::page, Access::Page(Scope::Read); }
    "/tickets/detail" => { get: board::detail::page, Access::Page(Scope::Read); }
    "/inbox" => { get: inbox_page::page, Access::Page(Scope::Read); }
    "/inbox/{id}" => { get: inbox_page::one, Access::Page(Scope::Read); }
    "/companies" => { get: companies_page::page, Access::Page(Scope::Read); }
    "/equipment" => { get: equipment_page::page, Access::Page(Scope::Read); }
    "/migration" => { get: migration_page::page, Access::PageOfOverseers; }
    "/migration/reports/{report}" => { get: migration_page::report, Access::PageOfOverseers; }
    "/api" => { get: reference::page, Access::Everyone; }
}

// How they come to know who looks at them.
calls! {
    SIGN_IN, sign_in:
    "/sign-in" => { get: sign_in::page, Access::Everyone; }
    "/sign-in/start" => { get: sign_in::provider::start, Access::Everyone; }
    "/sign-in/callback" => { get: sign_in::provider::come_back, Access::Everyone; }
    "/session" => { post: sign_in::begin, Access::Everyone; }
    "/session/end" => { post: sign_in::end, Access::Everyone; }
}

// What they are made of.
calls! {
    ASSETS, assets:
    "/assets/{version}/{name}" => { get: assets::asset, Access::Everyone; }
}

/// All of them.
pub fn calls() -> impl Iterator<Item = Call> {
    [LISTS, PLAIN, OTHERS, PAGES, SIGN_IN, ASSETS].into_iter().flatten().copied()
}
