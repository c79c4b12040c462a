//! Cases: reading them, and finding them again.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Client, Error, call::Call, ids::is_id, soql};
use crate::{
    domain::{
        keys::{OrgId, TicketId, TicketKey},
        marker::Marker,
        ticket_status::TicketStatus,
    },
    outgoing::Use,
};

/// The class of tickets in Salesforce.
pub const CASE: &str = "Case";

/// How many Cases are read at once.
pub const STATUSES_AT_ONCE: usize = 2_000;

/// What is read of a Case to know its status.
pub(super) const FIELDS: [&str; 10] = [
    "Id",
    "CaseNumber",
    "AccountId",
    "Status",
    "IsClosed",
    "Priority",
    "Subject",
    "CreatedDate",
    "LastModifiedDate",
    "OwnerId",
];

/// A Case as it is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Case {
    pub(super) id: String,
    #[serde(rename = "CaseNumber")]
    number: String,
    account_id: Option<String>,
    status: Option<String>,
    is_closed: bool,
    priority: Option<String>,
    subject: Option<String>,
    created_date: Option<String>,
    last_modified_date: Option<String>,
    owner_id: Option<String>,
}

impl Client {
    /// The Case that bears a marker.
    ///
    /// # Errors
    /// [`Error::Several`] where the field that holds markers is not unique.
    pub async fn by_ack(&self, marker: &Marker) -> Result<Option<TicketStatus>, Error> {
        let field = self.line().settings.mapping.external_id_field.clone();
        let path = format!(
            "/sobjects/{CASE}/{}/{}?fields={}",
            soql::in_path(&field),
            soql::in_path(marker.digits()),
            FIELDS.join(",")
        );
        match self.call(Use::Read, Call::get(path)).await {
            Ok(json) => Ok(Some(self.status(case(json)?).await)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The status of Cases, in the order of their ids; `None` for one that is gone or not visible: both
    /// read the same. One call for each [`STATUSES_AT_ONCE`], and once an hour what owners are called.
    pub async fn statuses(&self, ids: &[TicketId]) -> Result<Vec<Option<TicketStatus>>, Error> {
        self.hold_back().await;
        self.read_now(ids).await
    }

    /// The status of one, at once, however many requests of the day are left: a delivery waits for it.
    pub async fn current(&self, id: &TicketId) -> Result<Option<TicketStatus>, Error> {
        Ok(self.read_now(std::slice::from_ref(id)).await?.into_iter().flatten().next())
    }

    async fn read_now(&self, ids: &[TicketId]) -> Result<Vec<Option<TicketStatus>>, Error> {
        let mut statuses = Vec::with_capacity(ids.len());
        for ids in ids.chunks(STATUSES_AT_ONCE) {
            // One id of another form would have the whole refused.
            let asked: Vec<_> = ids.iter().map(TicketId::as_str).filter(|id| is_id(id)).collect();
            let found = if asked.is_empty() { Vec::new() } else { self.retrieved(&asked).await? };
            let mut found = found.into_iter();
            for id in ids {
                let case = if is_id(id.as_str()) { found.next().flatten() } else { None };
                statuses.push(case);
            }
        }
        let owners = statuses.iter().flatten().filter_map(|case| case.owner_id.as_deref());
        self.name_owners(owners).await;
        Ok(statuses.into_iter().map(|case| case.map(|case| self.named(case))).collect())
    }

    async fn retrieved(&self, ids: &[&str]) -> Result<Vec<Option<Case>>, Error> {
        let body = json!({"ids": ids, "fields": FIELDS});
        let call = Call::post(format!("/composite/sobjects/{CASE}"), body);
        let cases = retrieved(self.call(Use::Read, call).await?)?;
        if cases.len() == ids.len() {
            return Ok(cases);
        }
        let reason = format!("{} Cases were asked for, and {} answered", ids.len(), cases.len());
        Err(Error::NoClearAnswer { reason })
    }

    /// The Cases that bear a number: one, unless the org has been merged with another.
    pub async fn by_number(&self, number: &str) -> Result<Vec<TicketStatus>, Error> {
        let query = format!(
            "SELECT {} FROM {CASE} WHERE CaseNumber = {}",
            FIELDS.join(","),
            soql::quote(number)
        );
        let cases: Vec<Case> = self.query(Use::Read, &query).await?;
        self.name_owners(cases.iter().filter_map(|case| case.owner_id.as_deref())).await;
        Ok(cases.into_iter().map(|case| self.named(case)).collect())
    }

    /// The same of one that was just read.
    pub(super) async fn status(&self, case: Case) -> TicketStatus {
        self.name_owners(case.owner_id.as_deref().into_iter()).await;
        self.named(case)
    }

    /// As the bridge knows tickets.
    fn named(&self, case: Case) -> TicketStatus {
        let owner = case.owner_id.as_deref().map(|id| self.owners.of(id)).unwrap_or_default();
        let priorities = &self.line().settings.mapping.priorities;
        TicketStatus {
            key: TicketKey { class: CASE.to_owned(), id: TicketId::new(case.id) },
            number: case.number,
            org: case.account_id.map(OrgId::new).unwrap_or_default(),
            status: case.status.unwrap_or_default(),
            operational_status: if case.is_closed { "closed" } else { "ongoing" }.to_owned(),
            priority: case.priority.and_then(|value| priorities.read(&value)),
            title: case.subject.unwrap_or_default(),
            started: case.created_date.as_deref().and_then(time),
            last_update: case.last_modified_date.as_deref().and_then(time),
            team: owner.team,
            agent: owner.agent,
        }
    }

    /// The page of a ticket, for people; below `root` where one is configured for them.
    #[must_use]
    pub fn address(&self, key: &TicketKey) -> String {
        let root = self.line().settings.public_url.clone().or_else(|| self.instance());
        let root = root.unwrap_or_else(|| self.login_url());
        address(root.as_str(), key)
    }
}

/// The page of a ticket below an address of the org, for people; it leads on to what they use.
#[must_use]
pub fn address(root: &str, key: &TicketKey) -> String {
    format!("{}/{}", root.trim_end_matches('/'), soql::in_path(key.id.as_str()))
}

/// A Case of an answer.
pub(super) fn case(json: Value) -> Result<Case, Error> {
    Case::deserialize(json).map_err(|error| Error::NotSalesforce {
        reason: format!("a Case has another form: {error}"),
    })
}

/// The Cases of an answer, `None` for those that are not there.
fn retrieved(json: Value) -> Result<Vec<Option<Case>>, Error> {
    Vec::<Option<Case>>::deserialize(json).map_err(|error| Error::NotSalesforce {
        reason: format!("the Cases that were asked for have another form: {error}"),
    })
}

/// A time as Salesforce writes it: `2026-11-26T08:00:00.000+0000`, always UTC.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let form = if text.contains('.') { "%Y-%m-%dT%H:%M:%S%.f%z" } else { "%Y-%m-%dT%H:%M:%S%z" };
    text.parse().ok().or_else(|| Timestamp::strptime(form, text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::{answer, examples::example};

    #[test]
    fn times_are_read_as_salesforce_writes_them() {
        let expected = "2026-11-26T08:00:00Z".parse().ok();
        for text in
            ["2026-11-26T08:00:00.000+0000", "2026-11-26T08:00:00Z", "2026-11-26T09:00:00.000+0100"]
        {
            assert_eq!(time(text), expected, "{text}");
        }
        assert_eq!(time(""), None);
    }

    #[test]
    fn what_is_gone_keeps_its_place() {
        let full = json!({
            "Id": "500xx000000aB1CAAU", "CaseNumber": "00001042", "AccountId": null, "Status": "Working",
            "IsClosed": false, "Priority": null, "Subject": null, "OwnerId": "00Gxx0000000001",
            "CreatedDate": "2026-11-26T08:00:00.000+0000", "LastModifiedDate": null,
        });
        let cases = retrieved(json!([full, null])).unwrap();
        assert_eq!(cases[0].as_ref().unwrap().number, "00001042");
        assert!(cases[1].is_none());
        let json = answer::read(&example("37-collections-retrieve"), answer::Known::default());
        assert!(retrieved(json.unwrap()).is_err(), "an answer without what was asked for");
    }

    #[test]
    fn people_find_a_case_by_its_id() {
        let key = TicketKey { class: CASE.to_owned(), id: TicketId::new("500xx000000aB1CAAU") };
        assert_eq!(
            address("https://acme.my.salesforce.com/", &key),
            "https://acme.my.salesforce.com/500xx000000aB1CAAU"
        );
    }
}
