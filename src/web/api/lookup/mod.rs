//! Many tickets at once.

mod read;

use std::collections::HashMap;

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{acknowledgements::parsed, tickets::CONTROLS_A_NUMBER};
use crate::{
    board::Board,
    domain::{keys::Instance, visible::Visible},
    store::BoardFilter,
    web::{
        Addresses, ControlAnswers, auth::Reader, body::ListBody, parameters::Params,
        problem::ApiError, view,
    },
};
use read::Asked;

/// Items of one lookup at most.
const MAX_ITEMS: usize = 10_000;

/// Controls that are looked for by number at most: many of them can share one.
const MAX_OF_NUMBERS: usize = 20_000;

/// The longest answer, in bytes: some three times what the most items take.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

#[derive(Deserialize, JsonSchema)]
pub(in crate::web) struct LookupParams {
    instance: Option<String>,
}

/// `POST /api/v1/tickets/lookup`: `{"items": [{"control": …} | {"ref": …}]}`, an answer each, in
/// order; one bad item never spoils the rest.
pub(in crate::web) async fn lookup(
    Reader(caller): Reader,
    State(board): State<Board>,
    State(answers): State<ControlAnswers>,
    State(addresses): State<Addresses>,
    Params(params): Params<LookupParams>,
    ListBody(body): ListBody,
) -> Result<Response, ApiError> {
    let named: Option<Instance> = parsed("instance", params.instance)?;
    let instance = caller.instance(named.as_ref())?;
    let asked = read::items(&body.text)?;
    drop(body);
    // Each is looked up once, however often it is asked for.
    let (mut controls, mut numbers) = (Vec::new(), Vec::new());
    let mut seen = HashMap::with_capacity(asked.len());
    let mut places = Vec::with_capacity(asked.len());
    for asked in &asked {
        places.push(asked.as_ref().map(|asked| {
            *seen.entry(asked).or_insert_with(|| match asked {
                Asked::Control(control) => {
                    controls.push(control.clone());
                    Place::Control(controls.len() - 1)
                }
                Asked::Number(number) => {
                    numbers.push(number.clone());
                    Place::Number(numbers.len() - 1)
                }
            })
        }));
    }
    let of_controls = answers.of(caller.visible(), &instance, &controls).await?;
    let of_numbers = of_numbers(&board, &addresses, caller.visible(), numbers).await?;
    // What is known of a control is serialised already.
    let mut answer = b"{\"items\":[".to_vec();
    for (at, place) in places.into_iter().enumerate() {
        if at > 0 {
            answer.push(b',');
        }
        let made;
        let item = match place {
            Ok(Place::Number(number)) => of_numbers[number].as_bytes(),
            Ok(Place::Control(control)) => {
                if let Some(found) = &of_controls[control] {
                    &found.body
                } else {
                    let id = &controls[control];
                    made = json!({"control": {"id": id}, "ticket": null}).to_string();
                    made.as_bytes()
                }
            }
            Err(message) => {
                made = error("invalid", message);
                made.as_bytes()
            }
        };
        if answer.len() + item.len() > MAX_ANSWER {
            let message = "the answer to this lookup has become too long; ask for this item again";
            answer.extend_from_slice(error("too-long", message).as_bytes());
        } else {
            answer.extend_from_slice(item);
        }
    }
    answer.extend_from_slice(b"]}");
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((json, answer).into_response())
}

/// Where what is known of an item stands.
#[derive(Clone, Copy)]
enum Place {
    Control(usize),
    Number(usize),
}

fn error(code: &str, message: &str) -> String {
    json!({"error": {"code": code, "message": message}}).to_string()
}

/// The item of each of some numbers, all found and refreshed at once.
async fn of_numbers(
    board: &Board,
    addresses: &Addresses,
    visible: &Visible,
    numbers: Vec<String>,
) -> Result<Vec<String>, ApiError> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let limit = (CONTROLS_A_NUMBER * numbers.len()).min(MAX_OF_NUMBERS + 1);
    let filter =
        BoardFilter { numbers: Some(numbers.clone()), ..BoardFilter::of(visible.clone(), limit) };
    let found = board.page(filter).await?;
    if found.len() > MAX_OF_NUMBERS {
        // Of which number there would be more is not known.
        let message = format!(
            "the tickets of this lookup are those of more than {MAX_OF_NUMBERS} controls; ask for \
             fewer at once"
        );
        return Ok(vec![error("too-many", &message); numbers.len()]);
    }
    let mut by_number = HashMap::<_, Vec<_>>::new();
    for ticket in &found {
        by_number.entry(ticket.ticket.status.number.as_str()).or_default().push(ticket);
    }
    let item = |number: &String| {
        let tickets = by_number.get(number.as_str()).map_or(&[][..], Vec::as_slice).iter();
        let tickets: Vec<_> = tickets
            .take(CONTROLS_A_NUMBER)
            .map(|ticket| view::control(ticket, board, addresses))
            .collect();
        json!({"ref": number, "items": tickets}).to_string()
    };
    Ok(numbers.iter().map(item).collect())
}
