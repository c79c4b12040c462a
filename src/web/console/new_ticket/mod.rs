//! A ticket that nobody has acknowledged an alert for: ServiceNav's form, sent as any acknowledgement.

use axum::{extract::State, response::Response};
use minijinja::context;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{page::Page, templates::value};
use crate::{
    config::Scope,
    desk::{DeskName, Desks},
    domain::{company_link::CompanyLink, keys::PartyKey},
    store::Store,
    web::{parameters::Params, problem::ApiError},
};

/// What the form begins with: an address can be made that has all but the last words.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub(in crate::web) struct Prefilled {
    company: String,
    site: String,
    instance: String,
    equipment: String,
    control: String,
    control_name: String,
    element_type: String,
    criticality: String,
    title: String,
    description: String,
}

/// A company or site for which a ticket can be made.
#[derive(Serialize)]
struct Choice {
    /// What the person reads.
    label: String,
    /// The ticket system, where another one than the default is meant.
    desk: Option<DeskName>,
    /// The organization's key and name there.
    org: String,
    org_name: String,
    instance: String,
    company: String,
    company_name: Option<String>,
    site: Option<String>,
    site_name: Option<String>,
    /// What is taken where the form names none.
    team: Option<String>,
    contact: Option<String>,
    service: Option<String>,
    element: Option<String>,
    is_chosen: bool,
}

/// `GET /new-ticket`
pub(in crate::web) async fn page(
    page: Page,
    State(store): State<Store>,
    State(desks): State<Desks>,
    Params(prefilled): Params<Prefilled>,
) -> Result<Response, ApiError> {
    let links = store.links(page.caller.visible()).await?;
    let choices = choices(&links, &prefilled, desks.default().name());
    let values = context! {
        choices => value(&choices),
        prefilled => value(&prefilled),
        may_post => page.may(Scope::Ingest),
        author => page.caller.name.as_str(),
    };
    page.render("new_ticket/page.html", values).await
}

/// Those whose acknowledgements become tickets, by their names.
fn choices(links: &[CompanyLink], prefilled: &Prefilled, default: DeskName) -> Vec<Choice> {
    let first = links.first().map(|link| &link.key.instance);
    let has_several = links.iter().any(|link| Some(&link.key.instance) != first);
    let name_of = |link: &CompanyLink| {
        let own = links.iter().find(|own| {
            own.key.site.is_none()
                && own.key.instance == link.key.instance
                && own.key.company == link.key.company
        });
        own.and_then(|own| own.name.clone())
    };
    let mut choices: Vec<_> = links
        .iter()
        .filter(|link| link.tickets)
        .map(|link| Choice {
            desk: (link.desk != default).then_some(link.desk),
            ..choice(link, name_of(link), has_several, prefilled)
        })
        .collect();
    choices.sort_by_cached_key(|choice| choice.label.to_lowercase());
    choices
}

fn choice(
    link: &CompanyLink,
    company_name: Option<String>,
    has_several: bool,
    prefilled: &Prefilled,
) -> Choice {
    let key = &link.key;
    let (company, site) = (key.company.to_string(), key.site.as_ref().map(ToString::to_string));
    let site_name = key.site.is_some().then(|| link.name.clone()).flatten();
    let mut label = said(&key.company, company_name.as_deref()).to_owned();
    if let Some(key) = &key.site {
        label = format!("{label} › {}", said(key, site_name.as_deref()));
    }
    if label != link.org_name {
        label = format!("{label} → {}", link.org_name);
    }
    if has_several {
        label = format!("{label} ({})", key.instance);
    }
    let is = |asked: &str, known: &str| {
        asked == known || known.split_once(':').is_some_and(|(_, known)| asked == known)
    };
    let is_chosen = !prefilled.company.is_empty()
        && is(&prefilled.company, &company)
        && is(&prefilled.site, site.as_deref().unwrap_or_default())
        && (prefilled.instance.is_empty() || prefilled.instance == key.instance.as_str());
    let defaults = &link.defaults;
    let name = |named: &Option<crate::domain::company_link::Named>| {
        named.as_ref().map(|named| named.name.clone())
    };
    Choice {
        label,
        desk: None,
        org: link.org.to_string(),
        org_name: link.org_name.clone(),
        instance: key.instance.to_string(),
        company,
        company_name,
        site,
        site_name,
        team: name(&defaults.team),
        contact: name(&defaults.contact),
        service: name(&defaults.service),
        element: name(&defaults.service_element),
        is_chosen,
    }
}

/// What people call a company or a site.
fn said<'k>(key: &'k PartyKey, name: Option<&'k str>) -> &'k str {
    match (name, key) {
        (Some(name), _) => name,
        (None, PartyKey::Id(text) | PartyKey::Name(text)) => text,
    }
}
