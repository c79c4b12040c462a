//! How much is left of what the org may use.

use super::Examination;
use crate::salesforce::{Error, Limit};

/// Above this part of a limit, in percent, somebody should look.
const FULL: i64 = 80;

impl Examination<'_, '_> {
    pub(super) async fn limits(&mut self) {
        let what = "salesforce limits";
        let limits = match self.client.limits().await {
            Ok(limits) => limits,
            // Answers tell the most important one without that right.
            Err(Error::NotAllowed { .. } | Error::Refused(_)) => return self.usage(),
            Err(error) => return self.failed(what, &error),
        };
        let mut seen = Vec::new();
        for (name, word) in
            [("DailyApiRequests", "requests of 24 hours"), ("DataStorageMB", "MB of data storage")]
        {
            let Some(limit) = limits.get(name) else { continue };
            let Limit { max, remaining } = *limit;
            let text = format!("{} of {max} {word}", max - remaining);
            if max > 0 && (max - remaining).saturating_mul(100) / max >= FULL {
                let mend = match name {
                    "DataStorageMB" => "Free data storage: full storage stops all deliveries.",
                    _ => "See in Setup what uses them; above 80 % the bridge reads more slowly.",
                };
                self.report.warning(what, format!("{text} are used"), mend);
            } else {
                seen.push(text);
            }
        }
        if seen.is_empty() {
            self.usage();
        } else {
            self.report.ok(what, format!("{} used", seen.join(", ")));
        }
    }

    fn usage(&mut self) {
        if let Some((used, most)) = self.client.usage() {
            let seen = format!("{used} of {most} requests of 24 hours used; more may not be seen");
            self.report.ok("salesforce limits", seen);
        }
    }
}
