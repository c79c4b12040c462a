//! What is in the org, as far as the user of the bridge sees it. Nothing is written.

use std::future::Future;

use serde::Serialize;

use crate::{
    migrate::mapping::AUDIT_FIELDS,
    salesforce::{Client, Described, DuplicateRule, Error, Field, Limit, Organization, RecordType},
};

/// The objects that a move makes records of.
const OBJECTS: [&str; 10] = [
    "Account",
    "Contact",
    "Case",
    "CaseComment",
    "CI__c",
    "Change_Request__c",
    "Asset",
    "Entitlement",
    "ContentVersion",
    "Knowledge__kav",
];

/// How names of objects of articles end; an org may have given its own another name.
const ARTICLES: &str = "__kav";

/// The limits that a move meets.
const LIMITS: [&str; 5] = [
    "DailyApiRequests",
    "DataStorageMB",
    "FileStorageMB",
    "DailyBulkV2QueryJobs",
    "DailyBulkApiBatches",
];

/// The lists whose values a mapping chooses.
const PICKLISTS: [(&str, &str); 6] = [
    ("Case", "Status"),
    ("Case", "Priority"),
    ("Case", "Origin"),
    ("Case", "Type"),
    ("Case", "Reason"),
    ("Account", "Type"),
];

/// What is in the org.
#[derive(Clone, Debug, Serialize)]
pub struct OrgSurvey {
    /// Where one logs in.
    pub url: String,
    /// The org itself.
    pub organization: Option<Organization>,
    /// Its limits: name, how much there is, how much of it is left.
    pub limits: Vec<(String, i64, i64)>,
    /// The objects that a move makes records of.
    pub objects: Vec<ObjectSurvey>,
    /// The lists whose values a mapping chooses.
    pub picklists: Vec<Picklist>,
    /// The states of Cases that are closed.
    pub closed: Vec<String>,
    /// The rules by which new records are compared with those that are there.
    pub duplicate_rules: Vec<DuplicateRule>,
    /// Whether Cases may be made with the dates that they had, as far as the description tells. Only a try
    /// proves it.
    pub audit: bool,
}

/// An object.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectSurvey {
    /// Its name.
    pub name: String,
    /// Whether the user sees it.
    pub is_there: bool,
    /// Whether the user may create records of it.
    pub may_create: bool,
    /// How many records it has, as far as the user sees them.
    pub records: Option<u64>,
    /// How many fields it has.
    pub fields: usize,
    /// Those of the customer.
    pub custom: Vec<String>,
    /// Those that a create must have.
    pub mandatory: Vec<String>,
    /// The record types that the user may use.
    pub record_types: Vec<String>,
}

/// The values of a list.
#[derive(Clone, Debug, Serialize)]
pub struct Picklist {
    /// The object.
    pub object: String,
    /// The field.
    pub field: String,
    /// Whether it refuses other values.
    pub restricted: bool,
    /// Its values.
    pub values: Vec<String>,
}

/// Looks at the org. What cannot be seen is added to `missing`, a sentence each.
///
/// # Errors
/// When Salesforce does not answer or does not let the bridge in.
pub async fn survey(
    client: &Client,
    url: &str,
    missing: &mut Vec<String>,
    tell: &impl Fn(&str),
) -> Result<OrgSurvey, Error> {
    tell("the org");
    let all = client.objects().await?;
    let organization = seen("The org's edition", client.organization(), missing).await?.flatten();
    let limits = seen("The org's limits", client.limits(), missing).await?.unwrap_or_default();
    let limit = |name: &str| {
        let Limit { max, remaining } = limits.get(name)?;
        Some((name.to_owned(), *max, *remaining))
    };
    let rules = seen("Duplicate rules", client.duplicate_rules(), missing).await?;
    let states = seen("The states of Cases", client.case_states(), missing).await?;
    let articles = all.iter().filter(|name| name.ends_with(ARTICLES)).map(String::as_str);
    let mut names = OBJECTS.to_vec();
    names.extend(articles.filter(|name| !OBJECTS.contains(name)));
    let mut survey = OrgSurvey {
        url: url.to_owned(),
        organization,
        limits: LIMITS.iter().filter_map(|name| limit(name)).collect(),
        objects: Vec::new(),
        picklists: Vec::new(),
        closed: states
            .unwrap_or_default()
            .into_iter()
            .filter(|state| state.is_closed)
            .map(|state| state.name)
            .collect(),
        duplicate_rules: rules.unwrap_or_default(),
        audit: false,
    };
    for name in names {
        if !all.iter().any(|object| object == name) {
            survey.objects.push(absent(name));
            continue;
        }
        tell(name);
        let described = client.describe(name).await?;
        let what = format!("How many records {name} has");
        let query = format!("SELECT COUNT() FROM {name}");
        let records = seen(&what, client.count(&query), missing).await?;
        survey.objects.push(object(name, &described, records));
        if name == "Case" {
            survey.audit = described.field(AUDIT_FIELDS[0]).is_some_and(|field| field.createable);
        }
        let lists = PICKLISTS.iter().filter(|(object, _)| *object == name);
        survey.picklists.extend(lists.filter_map(|(object, field)| {
            let field = described.field(field)?;
            Some(Picklist {
                object: (*object).to_owned(),
                field: field.name.clone(),
                restricted: field.restricted_picklist,
                values: field.values().map(ToOwned::to_owned).collect(),
            })
        }));
    }
    Ok(survey)
}

/// What was asked for; `None` where the user may not see it, which is said.
async fn seen<T>(
    what: &str,
    asked: impl Future<Output = Result<T, Error>>,
    missing: &mut Vec<String>,
) -> Result<Option<T>, Error> {
    match asked.await {
        Ok(found) => Ok(Some(found)),
        Err(error @ (Error::Refused(_) | Error::NotAllowed { .. })) => {
            missing.push(format!("{what}: not for the user of the bridge ({error})."));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn absent(name: &str) -> ObjectSurvey {
    ObjectSurvey {
        name: name.to_owned(),
        is_there: false,
        may_create: false,
        records: None,
        fields: 0,
        custom: Vec::new(),
        mandatory: Vec::new(),
        record_types: Vec::new(),
    }
}

fn object(name: &str, described: &Described, records: Option<u64>) -> ObjectSurvey {
    let names =
        |fields: &mut dyn Iterator<Item = &Field>| fields.map(|field| field.name.clone()).collect();
    let usable = described.record_types.iter().filter(|kind| kind.is_usable());
    ObjectSurvey {
        name: name.to_owned(),
        is_there: true,
        may_create: described.createable,
        records,
        fields: described.fields.len(),
        custom: names(&mut described.fields.iter().filter(|field| field.name.ends_with("__c"))),
        mandatory: names(&mut described.mandatory()),
        record_types: usable
            .map(|RecordType { developer_name, .. }| developer_name.clone())
            .collect(),
    }
}
