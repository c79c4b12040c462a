//! Many CIs in little memory, searched without looking at each.

use memchr::memmem::Finder;
use schemars::JsonSchema;
use serde::Serialize;

/// A configuration item of a [`CiList`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ci<'l> {
    /// Its key, see [`ObjectId`](crate::domain::keys::ObjectId).
    pub id: &'l str,
    /// Its name.
    pub name: &'l str,
    /// Its concrete class, such as `Server`.
    pub class: &'l str,
}

/// CIs in the order of the ticket system.
///
/// All keys stand in one text and all names in another, so that an item costs 14 bytes with its key
/// and its name, and the name twice where it has capitals: 1.5 MB for 50,000 names such as
/// `srv-000001`, 2.0 MB for `SRV-000001`.
#[derive(Clone, Debug, Default)]
pub struct CiList {
    ids: String,
    /// Where in `ids` each key ends.
    id_ends: Vec<u32>,
    /// Positions in `classes`: fifty thousand CIs have a dozen classes.
    class_of: Vec<u16>,
    classes: Vec<Box<str>>,
    /// Each name, and right after it the same in lower case unless it is that already.
    text: String,
    /// Where in `text` each name ends.
    name_ends: Vec<u32>,
    /// Where in `text` each item ends, and the next one begins.
    ends: Vec<u32>,
}

impl CiList {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = Ci<'_>> + Clone {
        (0..self.len()).map(|index| self.at(index))
    }

    /// Those whose name contains a text, whatever its case; all for an empty one.
    #[must_use]
    pub fn search(&self, wanted: &str) -> Matches<'_> {
        let wanted = wanted.to_lowercase();
        Matches { list: self, finder: Finder::new(&wanted).into_owned(), next: 0 }
    }

    /// Adds one at the end.
    pub(crate) fn push(&mut self, Ci { id, name, class }: Ci<'_>) {
        let start = self.text.len();
        self.text.push_str(name);
        let name_end = self.text.len();
        self.push_folded(name);
        let known = self.classes.iter().position(|known| **known == *class);
        let (Ok(class_at), Ok(id_end), Ok(name_end), Ok(end)) = (
            u16::try_from(known.unwrap_or(self.classes.len())),
            u32::try_from(self.ids.len() + id.len()),
            u32::try_from(name_end),
            u32::try_from(self.text.len()),
        ) else {
            // Four gigabytes of names, or as many classes as no data model has: it is not listed.
            self.text.truncate(start);
            return;
        };
        if known.is_none() {
            self.classes.push(class.into());
        }
        self.ids.push_str(id);
        self.id_ends.push(id_end);
        self.class_of.push(class_at);
        self.name_ends.push(name_end);
        self.ends.push(end);
    }

    fn push_folded(&mut self, name: &str) {
        if name.is_ascii() {
            if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                self.text.extend(name.chars().map(|c| c.to_ascii_lowercase()));
            }
        } else {
            let folded = name.to_lowercase();
            if folded != name {
                self.text.push_str(&folded);
            }
        }
    }

    /// Gives back the room that was kept for more.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.ids.shrink_to_fit();
        self.id_ends.shrink_to_fit();
        self.class_of.shrink_to_fit();
        self.classes.shrink_to_fit();
        self.text.shrink_to_fit();
        self.name_ends.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    fn at(&self, index: usize) -> Ci<'_> {
        Ci {
            id: &self.ids[start_of(&self.id_ends, index)..self.id_ends[index] as usize],
            name: &self.text[self.start(index)..self.name_ends[index] as usize],
            class: &self.classes[usize::from(self.class_of[index])],
        }
    }

    fn start(&self, index: usize) -> usize {
        start_of(&self.ends, index)
    }

    /// Where the name of an item stands in lower case.
    fn folded(&self, index: usize) -> std::ops::Range<usize> {
        let (name_end, end) = (self.name_ends[index] as usize, self.ends[index] as usize);
        if name_end == end { self.start(index)..end } else { name_end..end }
    }
}

/// Where an item begins of which only the ends are kept.
fn start_of(ends: &[u32], index: usize) -> usize {
    index.checked_sub(1).map_or(0, |before| ends[before] as usize)
}

/// The items of a [`CiList`] that a search finds, in order.
#[derive(Clone, Debug)]
pub struct Matches<'l> {
    list: &'l CiList,
    finder: Finder<'static>,
    /// The first item that has not been looked at.
    next: usize,
}

impl<'l> Iterator for Matches<'l> {
    type Item = Ci<'l>;

    fn next(&mut self) -> Option<Ci<'l>> {
        let Self { list, finder, next } = self;
        let wanted = finder.needle().len();
        if wanted == 0 {
            let index = Some(*next).filter(|index| *index < list.len())?;
            *next += 1;
            return Some(list.at(index));
        }
        let mut from = list.start(*next);
        loop {
            let at = from + finder.find(&list.text.as_bytes()[from..])?;
            *next += list.ends[*next..].partition_point(|end| *end as usize <= at);
            let index = *next;
            let folded = list.folded(index);
            if at < folded.start {
                // The name as it is written does not count, only the one in lower case.
                from = folded.start;
                continue;
            }
            *next += 1;
            if at + wanted <= folded.end {
                return Some(list.at(index));
            }
            // It runs into the next name, and so would each later one that begins in this name.
            from = folded.end;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(names: &[impl AsRef<str>]) -> CiList {
        let mut list = CiList::default();
        for (id, name) in (1_u64..).zip(names) {
            let class = if id % 3 == 0 { "PC" } else { "Server" };
            let id = id.to_string();
            list.push(Ci { id: &id, name: name.as_ref(), class });
        }
        list
    }

    fn found(list: &CiList, wanted: &str) -> Vec<u64> {
        list.search(wanted).map(|ci| ci.id.parse().unwrap()).collect()
    }

    #[test]
    fn a_search_is_about_one_name_whatever_its_case() {
        let names = ["SRV-Paris", "srv", "-paris", "", "ÉCOLE", "İZMİR", "ΟΔΟΣ", "aaa", "aaaa"];
        let list = list(&names);
        for (wanted, expected) in [
            ("srv", vec![1, 2]),
            ("SRV-PARIS", vec![1]),
            ("-p", vec![1, 3]),
            // Not across two names, nor from a name into its own lower case.
            ("srv-", vec![1]),
            ("paris-", vec![]),
            ("parissrv", vec![]),
            ("école", vec![5]),
            ("i\u{307}z", vec![6]),
            ("οδος", vec![7]),
            ("AAAA", vec![9]),
            ("aaaaa", vec![]),
            ("", (1..=9).collect()),
            ("nowhere", vec![]),
        ] {
            assert_eq!(found(&list, wanted), expected, "{wanted}");
        }
        assert_eq!(found(&CiList::default(), ""), [0; 0]);
        assert_eq!(found(&CiList::default(), "x"), [0; 0]);
    }

    #[test]
    fn an_item_is_serialised_with_key_name_and_class() {
        let json = serde_json::to_string(&list(&["Ü\"1"]).iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(json, r#"[{"id":"1","name":"Ü\"1","class":"Server"}]"#);
    }

    #[test]
    fn fifty_thousand_cis_take_less_than_two_megabytes() {
        for (prefix, most) in [("srv", 1_450_000), ("SRV", 1_950_000)] {
            let mut list =
                list(&(0..50_000).map(|n| format!("{prefix}-{n:06}")).collect::<Vec<_>>());
            list.shrink_to_fit();
            let ends = [&list.id_ends, &list.name_ends, &list.ends];
            let numbers = list.class_of.capacity() * 2
                + ends.into_iter().map(|ends| ends.capacity() * 4).sum::<usize>();
            let bytes = numbers + list.ids.capacity() + list.text.capacity();
            assert!(bytes <= most, "{prefix}: {bytes}");
        }
    }

    proptest! {
        #[test]
        fn it_finds_what_looking_at_each_name_finds(
            names in proptest::collection::vec("[aAbBéÉßẞσςΣİıK1 -]{0,6}|\\PC{0,8}", 0..30),
            wanted in "[aAbBéÉßẞσςΣİıK1 -]{0,3}|\\PC{0,2}",
            from in 0_usize..30,
            length in 1_usize..8,
        ) {
            let list = list(&names);
            let listed: Vec<_> = list.iter().map(|ci| ci.name.to_owned()).collect();
            prop_assert_eq!(&listed, &names);
            // A part of a name that is there, so that something is often found.
            let part: String = names
                .get(from)
                .map(|name| name.chars().skip(from % 3).take(length).collect())
                .unwrap_or_default();
            for wanted in [wanted, part] {
                let naive: Vec<_> = list
                    .iter()
                    .filter(|ci| ci.name.to_lowercase().contains(&wanted.to_lowercase()))
                    .collect();
                prop_assert_eq!(list.search(&wanted).collect::<Vec<_>>(), naive);
            }
        }
    }
}
