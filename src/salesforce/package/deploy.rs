//! Deploying a package, or trying it: then Salesforce says what it would refuse, and changes nothing.

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::super::{
    Client, Error,
    call::{Body, Call},
    soql,
};
use crate::outgoing::Use;

/// How often a deployment is asked for.
const EVERY: Duration = Duration::from_secs(2);

/// How often at most: most take less than a minute, and they stand in a queue.
const MOST: usize = 300;

/// What came of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// Whether all of it would do.
    pub success: bool,
    /// Its last state, such as `Succeeded`.
    pub status: String,
    /// What would be refused.
    pub problems: Vec<Problem>,
}

/// A part of the package that is refused.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Its name, such as `Case.Bridge_Ack__c`.
    #[serde(default)]
    pub full_name: String,
    /// Salesforce's words.
    #[serde(default)]
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    id: String,
    deploy_result: Outcome,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    #[serde(default)]
    done: bool,
    #[serde(default)]
    success: bool,
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    #[serde(default)]
    component_failures: Vec<Problem>,
}

impl Client {
    /// Has Salesforce examine a package without deploying it, and waits until it has.
    pub async fn try_package(&self, zip: &[u8]) -> Result<Deployed, Error> {
        self.deploy(zip, true).await
    }

    /// Deploys a package, whole or not at all, and waits until it is there.
    pub async fn deploy_package(&self, zip: &[u8]) -> Result<Deployed, Error> {
        self.deploy(zip, false).await
    }

    async fn deploy(&self, zip: &[u8], check_only: bool) -> Result<Deployed, Error> {
        let options = json!({"deployOptions": {
            "checkOnly": check_only, "singlePackage": true, "rollbackOnError": true,
            "testLevel": "NoTestRun",
        }});
        let (kind, bytes) = multipart(&options.to_string(), zip);
        let body = Body::Bytes(kind, bytes.into());
        let call = Call::of(Method::POST, "/metadata/deployRequest", body);
        let mut answer = read(self.call(Use::Write, call).await?)?;
        let path =
            format!("/metadata/deployRequest/{}?includeDetails=true", soql::in_path(&answer.id));
        for _ in 0..MOST {
            if answer.deploy_result.done {
                let Outcome { success, status, details, .. } = answer.deploy_result;
                let problems = details.unwrap_or_default().component_failures;
                return Ok(Deployed { success, status, problems });
            }
            self.clock.sleep(EVERY).await;
            answer = read(self.call(Use::Read, Call::get(&path)).await?)?;
        }
        Err(Error::NoClearAnswer {
            reason: "the deployment is still waiting to be examined".to_owned(),
        })
    }
}

fn read(json: serde_json::Value) -> Result<Answer, Error> {
    Answer::deserialize(json).map_err(|error| Error::NotSalesforce {
        reason: format!("the answer to a deployment has another form: {error}"),
    })
}

/// The body of a deployment, and its type.
fn multipart(options: &str, zip: &[u8]) -> (String, Vec<u8>) {
    let boundary = format!("bridge-{:032x}", rand::random::<u128>());
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: \
         application/json\r\n\r\n{options}\r\n--{boundary}\r\nContent-Disposition: form-data; \
         name=\"file\"; filename=\"deploy.zip\"\r\nContent-Type: application/zip\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(zip);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::{answer, examples};

    #[test]
    fn a_deployment_is_sent_and_read_as_in_the_examples() {
        let example = examples::file("56-deploy-request");
        let options = r#"{"deployOptions":{"checkOnly":true,"singlePackage":true,"rollbackOnError":true,"testLevel":"NoTestRun"}}"#;
        let (kind, body) = multipart(options, b"<zip>");
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let sent = String::from_utf8(body).unwrap().replace(boundary, "b");
        assert_eq!(sent, example["request"]["body"].as_str().unwrap());
        let of = |name: &str| {
            read(answer::read(&examples::example(name), answer::Known::default()).unwrap()).unwrap()
        };
        let begun = of("56-deploy-request");
        assert!(!begun.deploy_result.done && begun.id == "0Afxx0000000001CAA");
        let ended = of("57-deploy-status-failed").deploy_result;
        assert!(ended.done && !ended.success);
        let problems = ended.details.unwrap().component_failures;
        assert_eq!(problems[0].full_name, "CI__c.CI_Type__c");
    }
}
