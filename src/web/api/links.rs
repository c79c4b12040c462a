//! Company links: which organization a company or site of ServiceNav is in iTop.

mod apply;
mod asked;
mod condition;
pub(in crate::web) mod many;
pub(in crate::web) mod matches;
pub(in crate::web) mod overview;
pub(in crate::web) mod switch;
pub(in crate::web) mod table;
pub(in crate::web) mod trial;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

pub(in crate::web) use apply::{FieldChange as LinkChangeView, Outcome as LinkOutcome, Report};

use super::{acknowledgements::parsed, link_warning::Warnings};
use crate::{
    catalog::{Catalog, Freshness},
    desk::DeskName,
    domain::{
        company_link::{CompanyLink, LinkKey},
        keys::{Instance, KeyError, PartyKey},
        text::one_line,
    },
    link_check::{self, Directory, LinkCheckError},
    store::{PutLink, RemoveLink, Store},
    web::{
        AppState,
        auth::{Admin, Caller, Linker, Reader},
        body::JsonBody,
        content::NoBody,
        parameters::{NoParams, Params, Path},
        problem::ApiError,
    },
};

#[derive(Deserialize)]
pub(in crate::web) struct LinkPath {
    company: String,
    site: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct LinkParams {
    instance: Option<String>,
}

impl LinkPath {
    /// The name of the company or site, if the address has it.
    fn name(&self) -> Option<String> {
        let party = self.site.as_deref().unwrap_or(&self.company);
        party.strip_prefix("name:").map(one_line)
    }
}

/// The key of a company or site in an address; without `id:` or `name:` it is an id.
pub(in crate::web) fn party_key(text: &str) -> Result<PartyKey, ApiError> {
    let key = match text.parse() {
        Err(KeyError::Form) => PartyKey::id(text),
        other => other,
    };
    key.map_err(|error| ApiError::BadParameter(format!("The company or site '{text}' {error}.")))
}

/// The key that an address names, if the caller may see it.
fn key(caller: &Caller, path: &LinkPath, params: LinkParams) -> Result<LinkKey, ApiError> {
    let named: Option<Instance> = parsed("instance", params.instance)?;
    let instance = caller.instance(named.as_ref())?;
    let company = party_key(&path.company)?;
    if !caller.visible().has_company(&company) {
        return Err(no_link());
    }
    let site = path.site.as_deref().map(party_key).transpose()?;
    Ok(LinkKey { instance, company, site })
}

fn no_link() -> ApiError {
    ApiError::NotFound("There is no such link.".to_owned())
}

/// `GET /api/v1/links`
pub(in crate::web) async fn list(
    Reader(caller): Reader,
    State(store): State<Store>,
    Params(NoParams {}): Params<NoParams>,
) -> Result<Json<Value>, ApiError> {
    let links = store.links(caller.visible()).await?;
    let items: Vec<_> = links.iter().map(view).collect();
    Ok(Json(json!({"items": items})))
}

/// `GET /api/v1/links/{company}[/sites/{site}]`
pub(in crate::web) async fn get(
    Reader(caller): Reader,
    State(store): State<Store>,
    Path(path): Path<LinkPath>,
    Params(params): Params<LinkParams>,
) -> Result<Response, ApiError> {
    let key = key(&caller, &path, params)?;
    let link = store.link(&key, caller.visible()).await?.ok_or_else(no_link)?;
    Ok(([(header::ETAG, condition::tag(&link))], Json(view(&link))).into_response())
}

/// `GET …/effective`: the link in force, its own or the company's.
pub(in crate::web) async fn effective(
    Reader(caller): Reader,
    State(store): State<Store>,
    Path(path): Path<LinkPath>,
    Params(params): Params<LinkParams>,
) -> Result<Json<Value>, ApiError> {
    let key = key(&caller, &path, params)?;
    let link = store.effective_link(&key, caller.visible()).await?.ok_or_else(no_link)?;
    let mut view = view(&link);
    view["inherited"] = json!(link.key.site != key.site);
    Ok(Json(view))
}

/// `PUT /api/v1/links/{company}[/sites/{site}]`: checked against iTop, then kept. With `If-Match` (the
/// `ETag` of an answer about it) or `If-None-Match: *` only if it is still what the caller knows.
pub(in crate::web) async fn put(
    Linker(caller): Linker,
    State(state): State<AppState>,
    Path(path): Path<LinkPath>,
    Params(params): Params<LinkParams>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let key = key(&caller, &path, params)?;
    let expected = condition::expected(&headers)?;
    let wish = body.value()?;
    let checked = link_check::check(&state.desks, key, &wish, state.clock.now()).await;
    let mut link = checked.map_err(|error| match error {
        LinkCheckError::Invalid(errors) => ApiError::Invalid(errors),
        LinkCheckError::Way(error) => error.into(),
    })?;
    // The key has the name without capitals and accents.
    link.name = link.name.or_else(|| path.name());
    link.updated_by = Some(caller.name.clone());
    let mut view = view(&link);
    view["warnings"] = json!(Warnings::of(&state, [&link.key]).await?.about(&link.key));
    let (company, organization) = (link.key.company.clone(), link.org.clone());
    let of = link.key.clone();
    let tag = condition::tag(&link);
    let put = state.store.put_link(link, caller.visible(), &caller.name, expected).await?;
    let status = match put {
        PutLink::New => StatusCode::CREATED,
        PutLink::Changed => StatusCode::OK,
        PutLink::NotSeen => return Err(no_link()),
        PutLink::Differs(present) => return Err(condition::failed(present.as_deref())),
        PutLink::OtherDesk(_) => return Err(ApiError::other_desk(&of)),
    };
    let company = company.to_string();
    tracing::info!(company, %organization, by = caller.name, "company linked");
    Ok((status, [(header::ETAG, tag)], Json(view)).into_response())
}

/// `DELETE /api/v1/links/{company}[/sites/{site}]`; `If-Match` as above.
pub(in crate::web) async fn delete(
    Linker(caller): Linker,
    State(store): State<Store>,
    Path(path): Path<LinkPath>,
    Params(params): Params<LinkParams>,
    headers: HeaderMap,
    _: NoBody,
) -> Result<StatusCode, ApiError> {
    let key = key(&caller, &path, params)?;
    let expected = condition::expected(&headers)?;
    match store.delete_link(&key, caller.visible(), expected).await? {
        RemoveLink::Removed => {}
        RemoveLink::None => return Err(no_link()),
        RemoveLink::Differs(present) => return Err(condition::failed(Some(&present))),
    }
    tracing::info!(company = key.company.to_string(), by = caller.name, "link removed");
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/links/unlinked`: who waits for a link, with a suggestion where there is one.
pub(in crate::web) async fn unlinked(
    Admin(caller): Admin,
    State(store): State<Store>,
    State(catalog): State<Catalog>,
) -> Result<Json<Value>, ApiError> {
    let waiting = store.unlinked(caller.visible()).await?;
    // Without iTop the list is as good, only without suggestions. Whoever chooses the name of its
    // company would be told by them which others there are.
    let companies = if caller.is_limited_to_companies() {
        None
    } else {
        catalog.companies().get(Freshness::Cached).await.ok()
    };
    let organizations = companies.as_ref().map_or(&[][..], |reading| &reading.listed.items);
    let directory = Directory::new(organizations);
    let items: Vec<_> = waiting
        .iter()
        .map(|company| {
            json!({
                "instance": company.instance,
                "company": {"key": company.company_key, "name": company.name},
                "waiting": company.waiting,
                "recorded": company.recorded,
                "since": company.since,
                "suggestion": directory.suggestion(&company.name).map(|org| json!({
                    "organization": {"id": org.id, "name": org.name, "code": org.code},
                })),
            })
        })
        .collect();
    Ok(Json(json!({"items": items})))
}

fn view(link: &CompanyLink) -> Value {
    let defaults = &link.defaults;
    let mut view = json!({
        "instance": link.key.instance,
        "company": link.key.company,
        "site": link.key.site,
        "name": link.name,
        "organization": {"id": link.org, "name": link.org_name},
        "tickets": link.tickets,
        "team": defaults.team,
        "contact": defaults.contact,
        "service": defaults.service,
        "service_element": defaults.service_element,
        "updated_at": link.updated_at,
        "updated_by": link.updated_by,
    });
    // Where it says nothing, it is iTop.
    if link.desk != DeskName::Itop {
        view["desk"] = json!(link.desk);
    }
    view
}
