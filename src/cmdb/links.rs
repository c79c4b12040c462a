//! Which organization a piece of equipment belongs to, and what follows when that is said otherwise.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    domain::{
        company_link::CompanyLink,
        desk_name::DeskName,
        equipment::{Equipment, EquipmentKey},
        keys::{Instance, PartyKey},
    },
    store::{Store, StoreError, Term},
};

/// Key and name of an organization.
pub(super) type Org = (String, String);

/// A company of an instance.
pub(super) type Company = (Instance, PartyKey);

/// The organizations of companies and their sites.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Links {
    /// By site; that of the company itself has none.
    companies: HashMap<Company, BTreeMap<Option<PartyKey>, Org>>,
}

/// Rows that are looked at together.
const PAGE: usize = 1_000;

impl Links {
    pub(super) fn new(links: Vec<CompanyLink>) -> Self {
        let mut companies = HashMap::<Company, BTreeMap<_, _>>::new();
        // Of companies whose tickets go elsewhere nothing is in iTop.
        let of_itop = links.into_iter().filter(|link| link.desk == DeskName::Itop);
        for CompanyLink { key, org, org_name, .. } in of_itop {
            let of_company = companies.entry((key.instance, key.company)).or_default();
            of_company.insert(key.site, (org.to_string(), org_name));
        }
        Self { companies }
    }

    /// The organization of an equipment: that of its site, by id or by name, else that of its company.
    pub(super) fn org(&self, key: &EquipmentKey, equipment: &Equipment) -> Option<&Org> {
        let of_company = self.companies.get(&(key.instance.clone(), key.company.clone()))?;
        let id = equipment.site_id.as_deref().and_then(|id| PartyKey::id(id).ok());
        let name = equipment.site.as_deref().and_then(|name| PartyKey::name(name).ok());
        let of_site = [id, name].into_iter().flatten().find_map(|site| of_company.get(&Some(site)));
        of_site.or_else(|| of_company.get(&None))
    }

    /// The companies of which other links say something else.
    fn different(&self, other: &Self) -> Vec<Company> {
        let all: HashSet<_> = self.companies.keys().chain(other.companies.keys()).collect();
        let differs =
            |company: &&&Company| self.companies.get(**company) != other.companies.get(**company);
        let mut different: Vec<_> =
            all.iter().filter(differs).map(|&company| company.clone()).collect();
        different.sort();
        different
    }

    /// What has changed since `known` sets off what waited for it, and has what iTop holds looked at that
    /// belongs elsewhere by now.
    pub(super) async fn follow(
        &self,
        known: &Self,
        store: &Store,
        term: &Term,
    ) -> Result<(), StoreError> {
        let different = self.different(known);
        if different.is_empty() {
            return Ok(());
        }
        for company in &different {
            term.relink_equipment(company).await?;
            self.find_moved(company, store, term).await?;
        }
        Ok(())
    }

    async fn find_moved(
        &self,
        company: &Company,
        store: &Store,
        term: &Term,
    ) -> Result<(), StoreError> {
        let (instance, party) = company;
        let mut after = String::new();
        loop {
            let page = store.equipment_in_place(instance, party, &after, PAGE).await?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = last.to_string();
            let moved = page.iter().filter_map(|(id, wanted, org_id)| {
                let key = EquipmentKey {
                    instance: instance.clone(),
                    company: party.clone(),
                    id: id.clone(),
                };
                let org = self.org(&key, wanted).map(|(org, _)| org);
                (org.is_some() && org != org_id.as_ref()).then_some(key)
            });
            let moved: Vec<_> = moved.collect();
            if !moved.is_empty() {
                term.look_at_equipment(moved).await?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{
        company_link::{LinkDefaults, LinkKey},
        keys::OrgId,
    };

    fn link(company: &str, site: Option<&str>, org: &str) -> CompanyLink {
        CompanyLink {
            key: LinkKey {
                instance: "default".parse().unwrap(),
                company: company.parse().unwrap(),
                site: site.map(|site| site.parse().unwrap()),
            },
            name: None,
            desk: DeskName::Itop,
            org: OrgId::new(org),
            org_name: format!("organization {org}"),
            tickets: true,
            defaults: LinkDefaults::default(),
            updated_at: Timestamp::UNIX_EPOCH,
            updated_by: None,
        }
    }

    #[test]
    fn a_site_has_its_own_organization_and_a_company_all_others() {
        let links = Links::new(vec![
            link("id:42", None, "3"),
            link("id:42", Some("name:lyon"), "4"),
            link("id:42", Some("id:7"), "5"),
            link("id:51", Some("name:lyon"), "6"),
        ]);
        let org = |company: &str, site: Option<&str>, site_id: Option<&str>| {
            let key = EquipmentKey {
                instance: "default".parse().unwrap(),
                company: company.parse().unwrap(),
                id: "1".parse().unwrap(),
            };
            let owned = |text: Option<&str>| text.map(str::to_owned);
            let equipment =
                Equipment { site: owned(site), site_id: owned(site_id), ..Equipment::named("srv") };
            links.org(&key, &equipment).map(|(org, _)| org.clone())
        };
        assert_eq!(org("id:42", None, None).as_deref(), Some("3"));
        assert_eq!(org("id:42", Some("Lyon"), Some("1")).as_deref(), Some("4"));
        assert_eq!(org("id:42", Some("Lyon"), Some("7")).as_deref(), Some("5"));
        assert_eq!(org("id:42", Some("Paris"), None).as_deref(), Some("3"));
        assert_eq!(org("id:51", Some("lyon"), None).as_deref(), Some("6"));
        assert_eq!(org("id:51", None, None), None);
        assert_eq!(org("id:1", None, None), None);
    }

    #[test]
    fn only_companies_whose_links_say_something_else_are_looked_at() {
        let before = Links::new(vec![link("id:1", None, "3"), link("id:2", None, "3")]);
        let after = Links::new(vec![
            link("id:1", None, "3"),
            link("id:2", Some("name:x"), "3"),
            link("id:3", None, "3"),
        ]);
        let different = after.different(&before);
        let shown: Vec<_> = different.iter().map(|(_, company)| company.to_string()).collect();
        assert_eq!(shown, ["id:2", "id:3"]);
        assert!(after.different(&after).is_empty());
    }
}
