//! What must hold at the end.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    desks::{COMPANIES, Ticket, control_of, event_id},
    operation::EVENTS,
    run::{Model, expect},
};

impl Model {
    pub(super) async fn judge(&self) -> Result<(), String> {
        let rows: BTreeMap<_, _> = self
            .rows()
            .await
            .into_iter()
            .map(|row| (row["event_id"].as_str().unwrap_or_default().to_owned(), row))
            .collect();
        let tickets = self.tickets().await;
        for number in &self.accepted {
            self.judge_event(*number, &rows, &tickets)?;
        }
        self.judge_controls(&rows).await
    }

    fn judge_event(
        &self,
        number: usize,
        rows: &BTreeMap<String, Value>,
        tickets: &[Ticket],
    ) -> Result<(), String> {
        let key = event_id(number);
        let row = rows.get(&key).ok_or_else(|| format!("{key} is not in the inbox"))?;
        let named: Vec<_> = tickets.iter().filter(|ticket| ticket.names(number)).collect();
        let marked: Vec<_> = tickets.iter().filter(|ticket| ticket.markers(number) > 0).collect();
        let times: usize = tickets.iter().map(|ticket| ticket.markers(number)).sum();
        let shown = format!("{key}: {row:#}, named in {named:?}, marked in {marked:?}");
        expect(named.len() <= 1 && times <= 1, &format!("twice: {shown}"))?;
        let company = number % 2;
        let is_strange = |ticket: &&Ticket| {
            let is_of_company = ticket.org == COMPANIES[company].org(ticket.desk);
            let is_of_desk = ticket.desk == self.at[company] || self.moved.contains(&company);
            !is_of_company || !is_of_desk
        };
        let strange = named.iter().chain(&marked).copied().find(is_strange);
        expect(strange.is_none(), &format!("of another company or desk: {shown}"))?;
        // A line may have been added between the look at a ticket and its deletion.
        let is_gone = row["ticket"]["id"].as_str().is_some_and(|id| self.deleted.contains(id));
        if is_gone || self.gone.contains(&key) || self.discarded.contains(&key) {
            return Ok(());
        }
        let state = row["state"].as_str().unwrap_or_default();
        expect(matches!(state, "created" | "reused"), &format!("not delivered: {shown}"))?;
        let swallowed = row["warnings"].to_string().contains("three times; it is not there");
        if times == 0 && (swallowed || self.overwritten.contains(&key)) {
            return Ok(());
        }
        expect(times == 1, &format!("without its marker: {shown}"))?;
        expect(row["ticket"]["id"] == json!(marked[0].id), &format!("another ticket: {shown}"))
    }

    /// Each control shows the newest of its tickets.
    async fn judge_controls(&self, rows: &BTreeMap<String, Value>) -> Result<(), String> {
        let controls: BTreeSet<_> =
            self.accepted.iter().map(|number| control_of(*number)).collect();
        for control in controls {
            let its = (0..EVENTS).filter(|number| control_of(*number) == control);
            let its = its.filter_map(|number| rows.get(&event_id(number)));
            let delivered = its.filter(|row| row["state"] == "created" || row["state"] == "reused");
            let mut tickets: Vec<_> = delivered.map(|row| row["ticket"].clone()).collect();
            let answer = self.world.get(&format!("/api/v1/controls/{control}/ticket")).await;
            let shown = &answer.body["ticket"]["id"];
            let told = format!("{control} shows {}, of {tickets:#?}", answer.text);
            if tickets.is_empty() {
                expect(shown.is_null(), &told)?;
                continue;
            }
            expect(tickets.iter().any(|ticket| ticket["id"] == *shown), &told)?;
            let company = usize::from(control.ends_with(['1', '3', '5']));
            // Posted again in another order, the older of two may be found last; and of two desks
            // nobody gives numbers to both.
            if self.restored || self.moved.contains(&company) {
                continue;
            }
            tickets.sort_by_key(|ticket| {
                let id = ticket["id"].as_str().unwrap_or_default();
                (id.len(), id.to_owned())
            });
            let newest = tickets.last().map(|ticket| &ticket["id"]);
            expect(newest == Some(shown), &format!("not the newest: {told}"))?;
        }
        Ok(())
    }
}
