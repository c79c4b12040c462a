//! What a message says: how it was when it was written, and what its acknowledgement was posted with.

use serde_json::{Map, Value, json};

use crate::{
    domain::{
        acknowledgement::{Receipt, read},
        desk_name::DeskName,
        hook_body::{Message, members},
        keys::{TicketId, TicketKey},
        text::{clean, cut_chars},
    },
    store::{HookMessage, SentBody},
};

/// The longest text of a message, in characters: outputs and problems can be longer.
const LONGEST: usize = 2_000;

/// The longest reference, in characters.
const LONGEST_REFERENCE: usize = 200;

/// A message as templates and receivers have it; `address` tells where a ticket is, for people.
pub(super) fn message(
    written: &HookMessage,
    address: impl FnOnce(&TicketKey) -> Option<String>,
) -> Message {
    let mut data = serde_json::from_str(&written.data).unwrap_or_else(|_| json!({}));
    if let Some(body) = &written.body {
        add_body(&mut data, body);
    }
    add_address(&mut data, address);
    let mut whole = members();
    fill(&mut whole, data);
    // Where nobody had another ticket system than iTop, receivers have never seen this member.
    for member in ["ticket", "gate"] {
        if let Some(of_desk) = whole[member].as_object_mut()
            && of_desk.get("desk").is_some_and(Value::is_null)
        {
            of_desk.remove("desk");
        }
    }
    Message {
        event: written.event,
        id: written.message_id.clone(),
        timestamp: written.occurred_at.to_string(),
        data: whole,
    }
}

/// What a sender has said of the control, and when it acknowledged. What was refused says it no more.
fn add_body(data: &mut Value, SentBody { text, received_at, instance }: &SentBody) {
    let reference = serde_json::from_str::<Value>(text).ok();
    let reference = reference.as_ref().and_then(|body| match &body["source"]["reference"] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    data["reference"] = json!(reference.map(|text| short(&text, LONGEST_REFERENCE)));
    let receipt = Receipt { at: *received_at, instance: instance.clone() };
    let Ok(event) = read(text, &receipt) else { return };
    let text = |text: &Option<String>| text.as_deref().map(|text| short(text, LONGEST));
    if data["control"].is_object() {
        data["control"]["state"] = json!(event.control.state.as_str());
        data["control"]["output"] = json!(text(&event.control.output));
        data["control"]["url"] = json!(event.control.url);
    }
    data["equipment"] = match &event.equipment {
        Some(equipment) => json!({"name": short(&equipment.name, LONGEST)}),
        None => Value::Null,
    };
    // Of a ticket's status nobody has acknowledged anything.
    if data["acknowledgement"].is_object() {
        data["acknowledgement"]["author"] = json!(short(event.author(), LONGEST));
        data["acknowledgement"]["comment"] = json!(text(&event.acknowledgement.comment));
    }
}

fn short(text: &str, most: usize) -> String {
    cut_chars(&clean(text), most).into_owned()
}

/// Where the ticket is, for people.
fn add_address(data: &mut Value, address: impl FnOnce(&TicketKey) -> Option<String>) {
    let ticket = &mut data["ticket"];
    let (Some(class), Some(id)) = (ticket["class"].as_str(), ticket["id"].as_str()) else { return };
    let key = TicketKey { class: class.to_owned(), id: TicketId::new(id) };
    ticket["desk"] = json!(DeskName::of_class(class).unless_itop());
    ticket["url"] = json!(address(&key));
}

/// Puts what there is into a whole of which each member may be missing: an object that is missing is null.
fn fill(whole: &mut Value, with: Value) {
    match (whole, with) {
        (Value::Object(members), Value::Object(mut with)) => fill_members(members, &mut with),
        (whole, Value::String(text)) if text.chars().count() > LONGEST => {
            *whole = Value::String(short(&text, LONGEST));
        }
        (whole, with) => *whole = with,
    }
}

fn fill_members(members: &mut Map<String, Value>, with: &mut Map<String, Value>) {
    for (name, member) in members {
        fill(member, with.remove(name).unwrap_or(Value::Null));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::hook_event::HookEvent;

    fn told(data: &Value, body: Option<&Value>) -> Value {
        let body = body.map(|body| SentBody {
            text: body.to_string(),
            received_at: Timestamp::UNIX_EPOCH,
            instance: "default".parse().unwrap(),
        });
        let written = HookMessage {
            id: 1,
            message_id: "msg_1".to_owned(),
            event: HookEvent::TicketCreated,
            occurred_at: Timestamp::UNIX_EPOCH,
            attempts: 0,
            first_failed_at: None,
            data: data.to_string(),
            body,
        };
        let address =
            |key: &TicketKey| Some(format!("https://itop.example/{}/{}", key.class, key.id));
        message(&written, address).data
    }

    #[test]
    fn all_members_are_there_and_no_others() {
        let gate = told(&json!({"gate": {"state": "open"}, "more": 1}), None);
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&gate), names(&members()));
        assert_eq!(gate["gate"], json!({"state": "open", "reason": null, "message": null}));
        assert_eq!(gate["ticket"], Value::Null);
        let gate = told(&json!({"gate": {"state": "open", "desk": "salesforce"}}), None);
        assert_eq!(gate["gate"]["desk"], "salesforce");
    }

    #[test]
    fn what_was_posted_is_told_with_the_address_of_the_ticket() {
        let body = json!({
            "source": {"reference": 90417}, "company": "Demo", "equipment": "srv-1",
            "control": {"id": "a", "name": "Disk", "element_type": "service", "state": "DOWN",
                "output": "x".repeat(5_000)},
            "acknowledgement": {"author": "Zoé"},
        });
        let data = json!({
            "control": {"id": "a", "name": "Disk"}, "acknowledgement": {"id": 1},
            "ticket": {"class": "Incident", "id": "7"},
        });
        let all = told(&data, Some(&body));
        assert_eq!(all["reference"], "90417");
        assert_eq!(all["control"]["state"], "DOWN");
        assert_eq!(all["control"]["output"].as_str().unwrap().chars().count(), LONGEST);
        assert_eq!(all["acknowledgement"]["author"], "Zoé");
        assert_eq!(all["equipment"]["name"], "srv-1");
        assert_eq!(all["ticket"]["url"], "https://itop.example/Incident/7");
        assert!(all["ticket"].get("desk").is_none(), "{all}");
        let case = told(&json!({"ticket": {"class": "Case", "id": "500xx0000000001AAA"}}), None);
        assert_eq!(case["ticket"]["desk"], "salesforce");
    }
}
