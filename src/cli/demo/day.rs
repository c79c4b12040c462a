//! A day of an operations team, lived through before the demo begins: time is made to pass for the bridge
//! and its ticket systems alike, and everything is done as it would be, through the API and by agents there.

use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    equipment,
    shown::Shown,
    simulated::{Act, Simulated, Ticket},
    story::{ALERTS, Alert, COMPANIES, Fate},
};
use crate::{clock::Clock, itop::Settings};

/// How long before the demo the day begins.
pub(super) const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What happens, in the order in which it does.
enum Step {
    Acknowledged(&'static Alert),
    /// An agent does something with its ticket.
    Done(&'static Alert, Act),
}

/// Lives through it. The time of day of `clock` was put back by [`DAY`]; it is right when this ends. With the
/// `account` of an iTop there is equipment too.
pub(super) async fn live(
    (base, token): (&str, Option<&str>),
    (simulated, shown): (&Simulated, Shown),
    account: Option<Settings>,
    clock: &Clock,
) -> anyhow::Result<()> {
    let team = Team::new(base, token)?;
    let now = clock.now() + DAY;
    for (company, link) in COMPANIES.iter().filter_map(|company| company.link(shown)) {
        team.send("put", &format!("/api/v1/links/{company}"), &link).await?;
    }
    let work = work(&team, simulated, clock, now);
    match account {
        Some(account) => {
            tokio::try_join!(work, equipment::list(&team, shown, account))?;
            equipment::settled(&team).await
        }
        None => work.await,
    }
}

/// What operators and agents do.
async fn work(
    team: &Team<'_>,
    simulated: &Simulated,
    clock: &Clock,
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut tickets = std::collections::HashMap::new();
    for (minutes_ago, step) in steps() {
        pass_until(clock, now - SignedDuration::from_mins(minutes_ago)).await;
        match step {
            Step::Acknowledged(alert) => {
                let event = alert.event(clock.now());
                let row = team.send("post", "/api/v1/acknowledgements", &event).await?;
                if let Ok(ticket) = serde_json::from_value::<Ticket>(row["ticket"].clone()) {
                    tickets.insert(alert.control, ticket);
                }
            }
            Step::Done(alert, act) => {
                let ticket = tickets.get(alert.control).context("an alert has no ticket")?;
                let chance = alert.control.bytes().fold(0_u8, u8::wrapping_add);
                simulated.act(ticket, act, chance).await?;
            }
        }
    }
    pass_until(clock, now).await;
    Ok(())
}

/// What happens to each alert, by how many minutes ago it did.
fn steps() -> Vec<(i64, Step)> {
    let mut steps = Vec::new();
    for alert in ALERTS {
        let ago = alert.minutes_ago;
        steps.push((ago, Step::Acknowledged(alert)));
        let acts: &[(i64, Act)] = match alert.fate {
            Fate::New => &[],
            Fate::Assigned => &[(4, Act::Assign)],
            Fate::Pending => &[(4, Act::Assign), (15, Act::Wait)],
            Fate::Resolved => &[(4, Act::Assign), (35, Act::Resolve)],
            Fate::Closed => &[(4, Act::Assign), (35, Act::Resolve), (50, Act::Close)],
            Fate::Deleted => &[(20, Act::Delete)],
        };
        let done =
            |&(later, act): &(i64, Act)| (ago.saturating_sub(later).max(0), Step::Done(alert, act));
        steps.extend(acts.iter().map(done));
    }
    // A stable order: what is acknowledged in the same minute stays before what is done about it.
    steps.sort_by_key(|(ago, _)| std::cmp::Reverse(*ago));
    steps
}

/// Lets time pass in steps, after each of which the board has a moment to look at its tickets.
async fn pass_until(clock: &Clock, at: Timestamp) {
    const STEP: Duration = Duration::from_mins(10);
    let real = Clock::system();
    while let Ok(by) = Duration::try_from(at.duration_since(clock.now())) {
        if by.is_zero() {
            return;
        }
        clock.advance(by.min(STEP));
        real.sleep(Duration::from_millis(5)).await;
    }
}

/// Whoever calls the bridge.
pub(super) struct Team<'t> {
    http: reqwest::Client,
    base: &'t str,
    token: Option<&'t str>,
}

impl<'t> Team<'t> {
    fn new(base: &'t str, token: Option<&'t str>) -> anyhow::Result<Self> {
        // It is on this machine, which no proxy reaches; and what is kept open while hours pass is closed.
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build()?;
        Ok(Self { http, base, token })
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.answered(self.http.get(format!("{}{path}", self.base))).await
    }

    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.base);
        let request = if method == "put" { self.http.put(url) } else { self.http.post(url) };
        let request = request
            .header("content-type", "application/json")
            .header("prefer", "wait=10")
            .body(body.to_string());
        self.answered(request).await
    }

    async fn answered(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let request = match self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await?;
        let is_done = answer.status().is_success();
        let text = answer.text().await?;
        if !is_done {
            bail!("the demo could not be prepared: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_happens_within_the_day_and_in_order() {
        let mut steps = steps();
        assert!(steps.iter().all(|(ago, _)| (0..24 * 60).contains(ago)));
        assert!(steps.is_sorted_by_key(|(ago, _)| std::cmp::Reverse(*ago)));
        steps.retain(|(_, step)| matches!(step, Step::Acknowledged(_)));
        assert_eq!(steps.len(), ALERTS.len());
        // Something happened in most hours.
        let hours: std::collections::BTreeSet<_> = steps.iter().map(|(ago, _)| ago / 60).collect();
        assert!(hours.len() >= 15, "{hours:?}");
    }
}
