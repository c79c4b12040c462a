//! One Case first, with a contact who is on our side: whether anybody gets an e-mail of it is the one thing that
//! nothing but a try can tell (SALESFORCE, not to be known without an org).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Load;
use crate::{
    migrate::{
        mapping::Turn,
        target::{CASE, COMMENT, TargetError},
    },
    salesforce::loading::{Fields, quoted},
};

/// Under this name it is written down what the trial has made.
const TRIAL: &str = "trial";

/// Under this one, when somebody said that nobody got an e-mail.
const SILENT: &str = "silent";

/// How many objects are looked at for a closed Case.
const LOOKED_AT: usize = 2_000;

/// What a trial has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The Case.
    pub case: String,
    /// Its number, for people.
    pub number: String,
    /// The name of its contact.
    pub contact: String,
}

impl Load<'_> {
    /// Whether Cases are loaded at all.
    fn has_cases(&self) -> bool {
        self.plan.mapping.moved().any(|(_, object)| object == CASE)
    }

    /// A load with Cases begins after a trial that was silent.
    pub(super) async fn expect_silence(&self) -> Result<(), TargetError> {
        if !self.has_cases() {
            return Ok(());
        }
        let (trial, silent) =
            self.staging.ledger(|ledger| Ok((ledger.about(TRIAL)?, ledger.about(SILENT)?))).await?;
        match (trial, silent) {
            (_, Some(_)) => Ok(()),
            (Some(_), None) => Err(TargetError::Trial(
                "the trial Case is there. Look into the mailbox of its contact, and ask whoever watches the org: \
                 if no e-mail went out, go on with 'migrate load --silent-confirmed'; if one did, switch off \
                 auto-response rules, flows and notifications first, and try again with --trial"
                    .to_owned(),
            )),
            (None, None) => Err(TargetError::Trial(
                "first one closed Case with a contact of your own: 'migrate load --trial --contact \
                 your.name@company.example'. Nobody's customers shall get an e-mail of each ticket of ten years"
                    .to_owned(),
            )),
        }
    }

    /// Makes one closed Case, with the contact who has this address, and a public comment on it.
    ///
    /// # Errors
    /// When there is no such contact, or the Case is refused.
    pub async fn trial(&self, email: &str) -> Result<Trial, TargetError> {
        let wrong = |reason: String| TargetError::Trial(reason);
        self.take_back_trial().await?;
        let query = format!(
            "SELECT Id, Name, AccountId FROM Contact WHERE Email = {} LIMIT 2",
            quoted(email)
        );
        let contacts =
            self.patience().ask("the contact", async || self.client.records(&query).await).await?;
        let [contact] = contacts.as_slice() else {
            let found = if contacts.is_empty() { "no contact" } else { "several contacts" };
            return Err(wrong(format!(
                "{found} in the org with that address: make one Contact of your own for the trial"
            )));
        };
        let mut fields = self.closed_case().await?.ok_or_else(|| {
            wrong("nothing that was read becomes a Case: run 'migrate extract' first".to_owned())
        })?;
        fields.insert("ContactId".to_owned(), contact["Id"].clone());
        if let Some(account) = contact.get("AccountId").filter(|account| !account.is_null()) {
            fields.insert("AccountId".to_owned(), account.clone());
        }
        let case = self.make(CASE, fields).await?;
        let mut trial = Trial {
            case: case.clone(),
            number: String::new(),
            contact: contact.get("Name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        };
        self.keep_trial(&trial).await?;
        let comment = json!({"ParentId": case, "CommentBody": "A trial of the migration", "IsPublished": true});
        let comment = comment.as_object().cloned().unwrap_or_default();
        self.make(COMMENT, comment).await?;
        let (ids, asked) = ([case], ["CaseNumber".to_owned()]);
        let read = self
            .patience()
            .ask("the trial", async || self.client.read_many(CASE, &ids, &asked).await)
            .await?;
        let number = read.first().and_then(|case| case.as_ref()?.get("CaseNumber")?.as_str());
        number.unwrap_or_default().clone_into(&mut trial.number);
        self.keep_trial(&trial).await?;
        Ok(trial)
    }

    async fn keep_trial(&self, trial: &Trial) -> Result<(), TargetError> {
        let text = json!(trial).to_string();
        self.staging
            .ledger(move |ledger| {
                ledger.forget(SILENT)?;
                ledger.note(TRIAL, &text)
            })
            .await?;
        Ok(())
    }

    /// Makes one record. The trial's have no key: what gets lost of them somebody sees.
    async fn make(&self, object: &str, fields: Fields) -> Result<String, TargetError> {
        self.patience().gate().await?;
        let made = self.client.create_many(object, &[fields]).await;
        let verdict = made.map(|verdicts| verdicts.into_iter().next());
        match verdict {
            Ok(Some(Ok(id))) => Ok(id),
            Ok(Some(Err(error))) | Err(error) => {
                Err(TargetError::Org { what: format!("the trial {object}"), error })
            }
            Ok(None) => Err(TargetError::Trial("nothing was said of the trial".to_owned())),
        }
    }

    /// What the first closed ticket would be, without what it refers to and without its key.
    async fn closed_case(&self) -> Result<Option<Fields>, TargetError> {
        let known =
            self.patience().ask("the states", async || self.client.case_states().await).await?;
        let closed: Vec<_> =
            known.into_iter().filter(|state| state.is_closed).map(|state| state.name).collect();
        let classes: Vec<_> = self.plan.order.iter().rev().cloned().collect();
        let plan = Arc::clone(self.plan);
        let found = self.staging.ledger(move |ledger| {
            let mut any = None;
            for class in classes
                .iter()
                .filter(|class| plan.class(class).is_some_and(|(_, object)| object == CASE))
            {
                let Some((mapping, _)) = plan.class(class) else { continue };
                for object in ledger.objects(class, 0, LOOKED_AT)? {
                    let mut fields = plan.as_far_as_it_goes(ledger, &object, Turn::First);
                    fields.remove(&mapping.key);
                    for reference in plan.references(class) {
                        fields.remove(&reference);
                    }
                    let status = fields.get("Status").and_then(Value::as_str).unwrap_or_default();
                    if closed.iter().any(|closed| closed == status) {
                        return Ok(Some(fields));
                    }
                    any.get_or_insert(fields);
                }
            }
            // None is closed by now: the first one is, for the trial.
            Ok(any.map(|mut fields| {
                if let Some(closed) = closed.first() {
                    fields.insert("Status".to_owned(), json!(closed));
                }
                fields
            }))
        });
        Ok(found.await?)
    }

    /// Somebody says that no e-mail went out: the trial is taken back, and the load may begin.
    ///
    /// # Errors
    /// When there was no trial.
    pub async fn confirm_silence(&self) -> Result<(), TargetError> {
        let trial = self.staging.ledger(|ledger| ledger.about(TRIAL)).await?;
        let silent = self.staging.ledger(|ledger| ledger.about(SILENT)).await?;
        if trial.is_none() && silent.is_none() && self.has_cases() {
            return Err(TargetError::Trial(
                "there was no trial yet: 'migrate load --trial --contact …' makes one".to_owned(),
            ));
        }
        self.take_back_trial().await?;
        let at = self.now();
        Ok(self.staging.ledger(move |ledger| ledger.note(SILENT, &at)).await?)
    }

    /// The Case of a trial is deleted.
    pub(in crate::migrate::target) async fn take_back_trial(&self) -> Result<(), TargetError> {
        let Some(text) = self.staging.ledger(|ledger| ledger.about(TRIAL)).await? else {
            return Ok(());
        };
        if let Ok(Trial { case, .. }) = serde_json::from_str(&text) {
            let ids = [case];
            self.patience().ask("the trial", async || self.client.delete_many(&ids).await).await?;
        }
        Ok(self.staging.ledger(|ledger| ledger.forget(TRIAL)).await?)
    }
}
