//! The survey as a page.

use serde::Serialize;
use serde_json::json;

use super::{Group, Survey};
use crate::migrate::report::{PageError, page};

const TEMPLATE: &str = include_str!("../report/survey.html");

/// How many classes the plot shows.
const BARS: usize = 16;

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    survey: &'a Survey,
    date: String,
    totals: serde_json::Value,
    bars: Vec<(&'a str, u64)>,
    work: Vec<(&'a str, u64)>,
}

impl Survey {
    /// The page.
    ///
    /// # Errors
    /// When the template does not fit: a defect.
    pub fn page(&self) -> Result<String, PageError> {
        let classes = &self.itop.classes;
        let of_group = |group| -> u64 {
            classes.iter().filter(|class| class.group == group).map(|class| class.objects).sum()
        };
        let of_class = |name: &str| {
            classes.iter().find(|class| class.class == name).map_or(0, |class| class.objects)
        };
        let mut bars: Vec<_> = classes
            .iter()
            .filter(|class| class.objects > 0)
            .map(|class| (class.class.as_str(), class.objects))
            .collect();
        bars.sort_by_key(|(_, objects)| std::cmp::Reverse(*objects));
        bars.truncate(BARS);
        let rows = self.estimate.work.iter().filter(|work| work.what != "Comparison");
        page(
            TEMPLATE,
            &Shown {
                survey: self,
                date: self.made_at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
                totals: json!({
                    "tickets": of_group(Group::Tickets), "cis": of_group(Group::Cis),
                    "persons": of_class("Person"), "organizations": of_class("Organization"),
                }),
                bars,
                work: rows.map(|work| (work.what, work.rows)).collect(),
            },
        )
    }
}
