//! What the demo says, once there is something to see.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::simulated::Simulated;
use crate::cli::print;

/// Tells where everything is, and what to try.
pub(super) fn print(base: &str, token: Option<&str>, simulated: &Simulated, now: Timestamp) {
    let Simulated { itop, salesforce } = simulated;
    let mut guide = format!("The console: {base}/\n");
    if let Some(itop) = itop {
        let tickets = itop.url();
        let failed = if salesforce.is_some() { "one piece has" } else { "two pieces have" };
        let _ = write!(
            guide,
            "The tickets in a simulated iTop, to be assigned and resolved: {tickets}/\n\
             The equipment in its CMDB, of which {failed} failed: {base}/equipment\n"
        );
    }
    if let Some(salesforce) = salesforce {
        let cases = salesforce.url();
        let _ = writeln!(
            guide,
            "The Cases in a simulated Salesforce, to be worked on and closed: {cases}/"
        );
    }
    guide.push('\n');
    if let Some(token) = token {
        let _ = write!(
            guide,
            "This is a demo, and others can reach it: it is no place for real data.\n\
             Sign in with the token {token}\n\n"
        );
    }
    let login =
        token.map(|token| format!(" -H 'Authorization: Bearer {token}'")).unwrap_or_default();
    let post = |event: &Value| {
        format!(
            "curl -i {base}/api/v1/acknowledgements{login} -H 'Content-Type: application/json' -d '{event}'"
        )
    };
    // Where there is no iTop, the same company is one of Salesforce.
    let ci = match (itop, salesforce) {
        (None, Some(salesforce)) => salesforce.ci("Server4"),
        _ => Some("4".to_owned()),
    };
    let _ = write!(
        guide,
        "Post an acknowledgement (again, and it is the same ticket):\n\n{}\n\n",
        post(&of_demo(ci.as_deref(), now))
    );
    if itop.is_some() && salesforce.is_some() {
        let _ = write!(
            guide,
            "One of a company whose tickets are in Salesforce:\n\n{}\n\n",
            post(&of_logistics(now))
        );
    }
    let _ = write!(
        guide,
        "What its control's ticket is now:\n  \
         curl{login} {base}/api/v1/controls/svc-48213/ticket\n\
         All tickets, and who waits for a link:\n  \
         curl{login} {base}/api/v1/tickets\n  \
         curl{login} {base}/api/v1/links/unlinked\n\n\
         Ctrl-C ends the demo; nothing of it is kept."
    );
    print::line(guide);
}

fn of_demo(ci: Option<&str>, now: Timestamp) -> Value {
    json!({
        "event_id": "demo:curl:1", "created_at": now,
        "company": {"id": 42, "name": "Demo"}, "contact": {"email": "agatha.christie@demo.com"},
        "service": "Telecom and connectivity",
        "equipment": {"id": 1207, "name": "Server4", "itsm_id": ci},
        "control": {"id": "svc-48213", "element_type": "service", "name": "Disk C:",
                    "criticality": "high", "state": "CRITICAL", "status_changed_at": now,
                    "output": "C: 97% used"},
        "acknowledgement": {"author": {"login": "jdupont", "name": "Jean Dupont"},
                            "comment": "Purge in progress"}
    })
}

fn of_logistics(now: Timestamp) -> Value {
    json!({
        "event_id": "demo:curl:2", "created_at": now,
        "company": {"id": 51, "name": "ACME Logistics"},
        "equipment": {"id": 5101, "name": "web01.acme.example"},
        "control": {"id": "svc-5125", "element_type": "service", "name": "Response time",
                    "criticality": "medium", "state": "WARNING", "status_changed_at": now,
                    "output": "HTTP WARNING - 3.2 s"},
        "acknowledgement": {"author": {"login": "mdurand", "name": "Marie Durand"},
                            "comment": "More memory is ordered"}
    })
}
