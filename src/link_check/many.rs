//! Many links at once: each list is read once, whoever needs it, and only where an older one does not do.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use futures_util::future::try_join_all;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::{Directory, OrgLists, Wish, lists::Needs};
use crate::{
    catalog::{Catalog, Freshness, Reading},
    desk::{DeskError, DeskName, Desks, Organization},
    domain::{
        body::{Errors, FieldError},
        company_link::LinkKey,
        keys::OrgId,
    },
    resolve::Found,
    store::LinkChange,
};

/// How many requests to iTop one such question makes at a time: fewer than half of those that there
/// can be, so that deliveries go on beside it.
const AT_ONCE: u32 = 8;

/// One link among many.
#[derive(Clone, Debug)]
pub(crate) struct LinkItem {
    /// Whose.
    pub(crate) key: LinkKey,
    /// What it is to be; `None` removes it.
    pub(crate) wish: Option<Wish>,
}

impl LinkItem {
    fn is_of(&self, desk: DeskName) -> bool {
        self.wish.as_ref().is_none_or(|wish| wish.may_be_of(desk))
    }
}

/// What to store for each item, or what is wrong with it, in order.
///
/// # Errors
/// Where iTop cannot be asked for a list that was never read.
pub(crate) async fn check_many(
    desks: &Desks,
    items: Vec<LinkItem>,
    now: Timestamp,
) -> Result<Vec<Checked>, DeskError> {
    if !desks.are_several() && items.iter().all(|item| item.is_of(desks.default().name())) {
        return check_all_of(&desks.default().catalog, items, now).await;
    }
    let mut checked: Vec<Option<Checked>> = vec![None; items.len()];
    let mut by_desk = BTreeMap::<DeskName, (Vec<usize>, Vec<LinkItem>)>::new();
    for (at, item) in items.into_iter().enumerate() {
        let mut errors = Errors::default();
        let served = match &item.wish {
            Some(wish) => wish.served(desks, &mut errors),
            None => Some(desks.default()),
        };
        match served {
            Some(served) => {
                let (places, items) = by_desk.entry(served.name()).or_default();
                places.push(at);
                items.push(item);
            }
            None => checked[at] = Some(Err(errors.found)),
        }
    }
    for (desk, (places, items)) in by_desk {
        let Some(served) = desks.of(desk) else { continue };
        let of_desk = check_all_of(&served.catalog, items, now).await?;
        for (at, one) in places.into_iter().zip(of_desk) {
            checked[at] = Some(one);
        }
    }
    Ok(checked.into_iter().flatten().collect())
}

/// What to store, or what is wrong with it.
type Checked = Result<LinkChange, Vec<FieldError>>;

async fn check_all_of(
    catalog: &Catalog,
    items: Vec<LinkItem>,
    now: Timestamp,
) -> Result<Vec<Checked>, DeskError> {
    if items.iter().all(|item| item.wish.is_none()) {
        // Removing a link needs no iTop.
        return Ok(items.into_iter().map(|item| Ok(LinkChange::Remove(item.key))).collect());
    }
    let companies = organizations(catalog, &items).await?;
    let directory = Directory::new(&companies.listed.items);
    let mut lists = HashMap::new();
    read(catalog, needed(&items, &directory), Freshness::Cached, &mut lists).await?;
    let desk = catalog.desk().name();
    let mut checked: Vec<_> =
        items.iter().map(|item| one(item, (desk, &directory), &lists, now)).collect();
    // What is not in a list that has grown old may be in iTop by now.
    let is_too_old = |org: &OrgId| lists.get(org).is_some_and(|lists| lists.may_lack(catalog));
    let again: Vec<usize> = (0..items.len())
        .filter(|at| checked[*at].is_err())
        .filter(|at| organization(&items[*at], &directory).is_some_and(|org| is_too_old(&org.id)))
        .collect();
    let orgs: HashSet<&OrgId> =
        again.iter().filter_map(|at| Some(&organization(&items[*at], &directory)?.id)).collect();
    let mut needs = needed(&items, &directory);
    needs.retain(|org, _| orgs.contains(org));
    read(catalog, needs, catalog.on_miss(), &mut lists).await?;
    for at in again {
        checked[at] = one(&items[at], (desk, &directory), &lists, now);
    }
    Ok(checked)
}

/// The organizations, read again where one that is wanted is not in a list that has grown old.
async fn organizations(
    catalog: &Catalog,
    items: &[LinkItem],
) -> Result<Reading<Vec<Organization>>, DeskError> {
    let companies = catalog.companies().get(Freshness::Cached).await?;
    let directory = Directory::new(&companies.listed.items);
    let is_missing = |wish: &Wish| {
        let (wanted, counts) = wish.organization();
        matches!(directory.find(wanted, counts), Found::Nothing)
    };
    let lacks = items.iter().filter_map(|item| item.wish.as_ref()).any(is_missing);
    if lacks && catalog.may_lack(&companies) {
        return catalog.companies().get(catalog.on_miss()).await;
    }
    Ok(companies)
}

fn organization<'o>(item: &LinkItem, directory: &Directory<'o>) -> Option<&'o Organization> {
    let (wanted, counts) = item.wish.as_ref()?.organization();
    match directory.find(wanted, counts) {
        Found::One { item, .. } => Some(item),
        Found::Nothing | Found::Several(_) => None,
    }
}

/// Which lists of which organizations the items need.
fn needed(items: &[LinkItem], directory: &Directory<'_>) -> BTreeMap<OrgId, Needs> {
    let mut needed = BTreeMap::<OrgId, Needs>::new();
    for item in items {
        if let (Some(org), Some(wish)) = (organization(item, directory), &item.wish) {
            let needs = needed.entry(org.id.clone()).or_default();
            *needs = needs.and(wish.needs());
        }
    }
    needed
}

/// Reads lists, a bounded number at a time.
async fn read(
    catalog: &Catalog,
    needed: BTreeMap<OrgId, Needs>,
    freshness: Freshness,
    lists: &mut HashMap<OrgId, OrgLists>,
) -> Result<(), DeskError> {
    let room = Arc::new(Semaphore::new(AT_ONCE as usize));
    let reads = needed.into_iter().map(|(org, needs)| {
        let room = room.clone();
        async move {
            let _place = room.acquire_many(needs.requests()).await;
            let read = OrgLists::read(catalog, &org, needs, freshness).await?;
            Ok::<_, DeskError>((org, read))
        }
    });
    lists.extend(try_join_all(reads).await?);
    Ok(())
}

fn one(
    item: &LinkItem,
    (desk, directory): (DeskName, &Directory<'_>),
    lists: &HashMap<OrgId, OrgLists>,
    now: Timestamp,
) -> Result<LinkChange, Vec<FieldError>> {
    let Some(wish) = &item.wish else { return Ok(LinkChange::Remove(item.key.clone())) };
    let mut errors = Errors::default();
    let (wanted, counts) = wish.organization();
    let org = wish.judged_organization(directory.find(wanted, counts), desk, &mut errors);
    let none = OrgLists::default();
    let link = org.and_then(|org| {
        let lists = lists.get(&org.id).unwrap_or(&none);
        wish.link(item.key.clone(), (desk, org), lists, now, &mut errors)
    });
    link.map(|link| LinkChange::Put(Box::new(link))).ok_or(errors.found)
}
