//! What a caller may see of all that is stored.

use std::sync::Arc;

use super::keys::{Instance, PartyKey};

/// Everything, what belongs to one instance, or what belongs to some companies of one instance.
///
/// Whatever reads rows for a caller takes this: a call that does not say for whom it reads does not
/// compile. Keys of companies are those of their instance, so some companies are always of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visible {
    instance: Option<Instance>,
    /// Keys as they are stored; `None` for all.
    companies: Option<Arc<[String]>>,
    /// All that the caller is limited to, whatever of it is asked for.
    limits: Option<Arc<[String]>>,
}

impl Visible {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self { instance: None, companies: None, limits: None }
    }

    /// What belongs to an instance.
    #[must_use]
    pub fn of_instance(instance: Instance) -> Self {
        Self { instance: Some(instance), companies: None, limits: None }
    }

    /// What belongs to these companies of an instance.
    #[must_use]
    pub fn of_companies<'k>(
        instance: Instance,
        companies: impl IntoIterator<Item = &'k PartyKey>,
    ) -> Self {
        let companies: Arc<[String]> = companies.into_iter().map(ToString::to_string).collect();
        Self {
            instance: Some(instance),
            limits: Some(companies.clone()),
            companies: Some(companies),
        }
    }

    /// What of this belongs to an instance: nothing where this is another's.
    #[must_use]
    pub fn in_instance(&self, instance: &Instance) -> Self {
        if self.instance.as_ref().is_none_or(|own| own == instance) {
            return Self { instance: Some(instance.clone()), ..self.clone() };
        }
        Self::of_companies(instance.clone(), [])
    }

    /// What of this belongs to a company.
    #[must_use]
    pub fn of_company(&self, company: &PartyKey) -> Self {
        let key = company.to_string();
        let companies = if self.includes(Some(&key)) { vec![key] } else { Vec::new() };
        Self { companies: Some(companies.into()), ..self.clone() }
    }

    /// Whether something of this instance and company, as they are stored, is among it. What belongs
    /// to no company that could be read is seen by whoever sees all of them.
    #[must_use]
    pub fn contains(&self, instance: &str, company: Option<&str>) -> bool {
        self.instance.as_ref().is_none_or(|own| own.as_str() == instance) && self.includes(company)
    }

    /// Whether something of this company is among it, in the instance that it is limited to.
    #[must_use]
    pub fn has_company(&self, company: &PartyKey) -> bool {
        self.companies.is_none() || self.includes(Some(&company.to_string()))
    }

    fn includes(&self, company: Option<&str>) -> bool {
        let Some(companies) = &self.companies else { return true };
        company.is_some_and(|key| companies.iter().any(|own| own == key))
    }

    /// The instance that it is limited to, if it is.
    #[must_use]
    pub fn instance(&self) -> Option<&Instance> {
        self.instance.as_ref()
    }

    /// The keys of the companies that it is limited to, or narrowed to, if it is.
    #[must_use]
    pub fn companies(&self) -> Option<&[String]> {
        self.companies.as_deref()
    }

    /// The keys of all companies of which the caller may see anything, if that is not all of them; those of
    /// the instance that it is limited to.
    #[must_use]
    pub fn limits(&self) -> Option<&[String]> {
        self.limits.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_only_shrinks() {
        let (a, b): (Instance, Instance) = ("a".parse().unwrap(), "b".parse().unwrap());
        let (one, two) = (PartyKey::id("1").unwrap(), PartyKey::id("2").unwrap());
        let seen = |visible: &Visible| {
            let mut seen = Vec::new();
            for (instance, company) in
                [("a", Some("id:1")), ("a", Some("id:2")), ("a", None), ("b", Some("id:1"))]
            {
                if visible.contains(instance, company) {
                    seen.push((instance, company));
                }
            }
            seen
        };
        let all = Visible::all();
        assert_eq!(seen(&all).len(), 4);
        assert_eq!(seen(&all.in_instance(&a)).len(), 3);
        assert_eq!(seen(&all.of_company(&one)), [("a", Some("id:1")), ("b", Some("id:1"))]);
        let limited = Visible::of_companies(a.clone(), [&one]);
        assert_eq!(seen(&limited), [("a", Some("id:1"))]);
        assert_eq!(seen(&limited.in_instance(&a)), [("a", Some("id:1"))]);
        assert_eq!(seen(&limited.of_company(&one)), [("a", Some("id:1"))]);
        assert_eq!(seen(&limited.in_instance(&b)), []);
        assert_eq!(seen(&limited.of_company(&two)), []);
        assert_eq!(seen(&Visible::of_instance(b).in_instance(&a)), []);
        assert!(limited.has_company(&one) && !limited.has_company(&two));
        // Whoever looks at one company only may still see all others.
        assert_eq!(all.of_company(&one).limits(), None);
        let both = Visible::of_companies(a.clone(), [&one, &two]);
        assert_eq!(both.of_company(&one).in_instance(&a).limits(), both.companies());
    }
}
