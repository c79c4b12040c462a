//! What tests see of a sandbox without asking rest.php, and switch over HTTP.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, patch, post},
};
use serde::Serialize;
use serde_json::Value;

use super::{Fault, FaultId, Itop, RequestsSeen, SandboxError};

/// A ticket as it lies in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TicketSeen {
    /// `Incident` or `UserRequest`.
    pub class: String,
    /// The id, not to be confused with the number in `ref`.
    pub id: i64,
    /// The number that people use, such as `I-000109`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The company.
    pub org_id: i64,
    /// The title, plain text.
    pub title: String,
    /// The description, sanitised HTML.
    pub description: String,
    /// The status in the life cycle.
    pub status: String,
    /// ongoing, resolved or closed.
    pub operational_status: String,
    /// 1 to 3.
    pub impact: String,
    /// 1 to 4.
    pub urgency: String,
    /// Computed from impact and urgency.
    pub priority: String,
    /// Where the ticket came from.
    pub origin: String,
    /// `incident` or `service_request`; empty where the class has none.
    pub request_type: String,
    /// `Y-m-d H:i:s` in the sandbox's time zone.
    pub start_date: String,
    /// `Y-m-d H:i:s` in the sandbox's time zone.
    pub last_update: String,
    /// The contact; 0 is none.
    pub caller_id: i64,
    /// The team; 0 is none.
    pub team_id: i64,
    /// The service; 0 is none.
    pub service_id: i64,
    /// The service element; 0 is none.
    pub servicesubcategory_id: i64,
    /// The messages of the private log, oldest first.
    pub private_log: Vec<String>,
    /// The CIs that were linked by hand.
    pub ci_ids: Vec<i64>,
    /// The CIs that impact analysis added.
    pub computed_ci_ids: Vec<i64>,
}

impl Itop {
    pub(super) fn tickets(&self) -> Result<Vec<TicketSeen>, SandboxError> {
        let database = self.database.lock();
        let mut links = database.prepare_cached(
            "SELECT functionalci_id FROM base_ticket_ci
             WHERE ticket_id = ? AND (impact_code = 'computed') = ? ORDER BY id",
        )?;
        let mut linked = |id: i64, computed: bool| {
            links.query_map((id, computed), |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()
        };
        let mut statement = database.prepare_cached("SELECT * FROM base_ticket ORDER BY id")?;
        let mut rows = statement.query([])?;
        let mut tickets = Vec::new();
        while let Some(row) = rows.next()? {
            let id = row.get("id")?;
            let entries: String = row.get("private_log_entries")?;
            let entries: Vec<serde_json::Value> =
                serde_json::from_str(&entries).unwrap_or_default();
            tickets.push(TicketSeen {
                class: row.get("finalclass")?,
                id,
                reference: row.get("ref")?,
                org_id: row.get("org_id")?,
                title: row.get("title")?,
                description: row.get("description")?,
                status: row.get("status")?,
                operational_status: row.get("operational_status")?,
                impact: row.get("impact")?,
                urgency: row.get("urgency")?,
                priority: row.get("priority")?,
                origin: row.get("origin")?,
                request_type: row.get("request_type")?,
                start_date: row.get::<_, Option<String>>("start_date")?.unwrap_or_default(),
                last_update: row.get::<_, Option<String>>("last_update")?.unwrap_or_default(),
                caller_id: row.get("caller_id")?,
                team_id: row.get("team_id")?,
                service_id: row.get("service_id")?,
                servicesubcategory_id: row.get("servicesubcategory_id")?,
                private_log: entries
                    .iter()
                    .filter_map(|entry| entry["message"].as_str().map(ToOwned::to_owned))
                    .collect(),
                ci_ids: linked(id, false)?,
                computed_ci_ids: linked(id, true)?,
            });
        }
        Ok(tickets)
    }
}

/// Runs `work` on the data, away from the threads that serve.
pub(super) async fn aside<T: Send + 'static>(
    itop: &Arc<Itop>,
    work: impl FnOnce(&Itop) -> Result<T, SandboxError> + Send + 'static,
) -> Result<T, SandboxError> {
    let itop = Arc::clone(itop);
    tokio::task::spawn_blocking(move || work(&itop))
        .await
        .map_err(|panicked| SandboxError::Refused(panicked.to_string()))?
}

pub(super) fn routes() -> Router<Arc<Itop>> {
    Router::new()
        .route("/sandbox/faults", get(faults).post(switch_on).delete(clear))
        .route("/sandbox/faults/{id}", delete(switch_off))
        .route("/sandbox/stats", get(stats))
        .route("/sandbox/tickets", get(tickets))
        .route("/sandbox/objects/{class}", post(create))
        .route("/sandbox/objects/{class}/{id}", patch(change).delete(remove))
        .route("/sandbox/restore/{above}", post(restore))
}

async fn faults(State(itop): State<Arc<Itop>>) -> Response {
    Json(itop.faults.list()).into_response()
}

async fn switch_on(State(itop): State<Arc<Itop>>, Json(fault): Json<Fault>) -> Json<FaultId> {
    Json(itop.faults.switch_on(fault))
}

async fn switch_off(State(itop): State<Arc<Itop>>, Path(id): Path<FaultId>) -> StatusCode {
    itop.faults.switch_off(id);
    StatusCode::NO_CONTENT
}

async fn clear(State(itop): State<Arc<Itop>>) -> StatusCode {
    itop.faults.clear();
    StatusCode::NO_CONTENT
}

async fn stats(State(itop): State<Arc<Itop>>) -> Json<RequestsSeen> {
    Json(itop.load.seen())
}

async fn tickets(State(itop): State<Arc<Itop>>) -> Response {
    done(aside(&itop, Itop::tickets).await)
}

async fn create(
    State(itop): State<Arc<Itop>>,
    Path(class): Path<String>,
    Json(fields): Json<Value>,
) -> Response {
    done(aside(&itop, move |itop| itop.create(&class, fields)).await)
}

async fn change(
    State(itop): State<Arc<Itop>>,
    Path((class, id)): Path<(String, i64)>,
    Json(fields): Json<Value>,
) -> Response {
    done(aside(&itop, move |itop| itop.change(&class, id, fields)).await)
}

async fn remove(State(itop): State<Arc<Itop>>, Path((class, id)): Path<(String, i64)>) -> Response {
    done(aside(&itop, move |itop| itop.delete(&class, id)).await)
}

async fn restore(State(itop): State<Arc<Itop>>, Path(above): Path<i64>) -> Response {
    done(aside(&itop, move |itop| itop.restore(above)).await)
}

fn done<T: Serialize>(result: Result<T, SandboxError>) -> Response {
    match result {
        Ok(result) => Json(result).into_response(),
        Err(error) => {
            let status = match error {
                SandboxError::NoSuchObject(..) => StatusCode::NOT_FOUND,
                SandboxError::Refused(_) => StatusCode::CONFLICT,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            (status, error.to_string()).into_response()
        }
    }
}
