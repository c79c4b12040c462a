//! In which order classes are loaded: what is referred to first.

use crate::migrate::mapping::{ClassMapping, Mapping};

/// Classes refer to one another in a circle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the classes {} refer to one another in a circle: set one of their references later (later = true)", .0.join(", ")
)]
pub struct Cycle(pub Vec<String>);

/// Among what may go at any time, people first and tickets last.
const OBJECTS: [&str; 6] = ["Account", "Contact", "CI__c", "Asset", "Change_Request__c", CASE];

use super::CASE;

/// The classes that are moved, each after all that it refers to.
///
/// # Errors
/// When that cannot be.
pub fn in_order(mapping: &Mapping) -> Result<Vec<&ClassMapping>, Cycle> {
    let mut left: Vec<_> = mapping.moved().collect();
    left.sort_by_key(|(class, object)| {
        let place = OBJECTS.iter().position(|known| known == object).unwrap_or(OBJECTS.len());
        (place, class.class.clone())
    });
    let mut order: Vec<&ClassMapping> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_free = |class: &ClassMapping| {
            class.needs().all(|need| {
                need != class.class && !left.iter().any(|(other, _)| other.class == need)
            })
        };
        let Some(next) = left.iter().position(|(class, _)| is_free(class)) else {
            return Err(Cycle(left.iter().map(|(class, _)| class.class.clone()).collect()));
        };
        order.push(left.remove(next).0);
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(classes: &[(&str, &str, &str)]) -> Mapping {
        let mut text = "[source]\nurl = 'x'\nzone = 'UTC'\n".to_owned();
        for (class, object, fields) in classes {
            let class = format!("[[classes]]\nclass = '{class}'\nobject = '{object}'\n");
            text += &(class + "key = 'K__c'\n[classes.fields]\n" + fields + "\n");
        }
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn what_is_referred_to_goes_first() {
        let org = "AccountId = { from = 'org_id', refers_to = ['Organization'] }";
        let caller = "ContactId = { from = 'caller_id', refers_to = ['Person'] }\n\
                      ParentId = { from = 'parent_id', refers_to = ['Incident'], later = true }";
        let mapping = mapping(&[
            ("Incident", "Case", caller),
            ("FAQ", "Knowledge__kav", ""),
            ("Server", "CI__c", org),
            ("Person", "Contact", org),
            ("Organization", "Account", ""),
        ]);
        let order = in_order(&mapping).unwrap();
        let order: Vec<_> = order.iter().map(|class| class.class.as_str()).collect();
        assert_eq!(order, ["Organization", "Person", "Server", "Incident", "FAQ"]);
    }

    #[test]
    fn a_circle_is_told() {
        let mapping = mapping(&[
            ("A", "CI__c", "X = { from = 'b', refers_to = ['B'] }"),
            ("B", "CI__c", "X = { from = 'a', refers_to = ['A'] }"),
            ("C", "Account", ""),
        ]);
        assert_eq!(in_order(&mapping), Err(Cycle(vec!["A".to_owned(), "B".to_owned()])));
        let alone = self::mapping(&[("A", "CI__c", "X = { from = 'a', refers_to = ['A'] }")]);
        assert!(in_order(&alone).unwrap_err().to_string().contains("later = true"));
    }
}
