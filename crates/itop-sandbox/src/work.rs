//! One request at work: evaluated, held where it is to be held, and done.
//!
//! Nothing is locked while a request waits: each piece of its work is a transaction of its own.
//! Where nothing holds it, it is one piece, and nobody comes between.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{
    Itop,
    faults::{FaultKind, Strike},
    locks::Lock,
    login::{self, User},
    operations::{self, Begun, Evaluated},
    refusal::Refusal,
    session::Session,
};

/// What a request asks for, its sender known.
pub(super) struct Order {
    pub(super) user: &'static User,
    pub(super) version: String,
    pub(super) parameters: Map<String, Value>,
}

impl Order {
    /// Reads the parameters of a request, in the order in which iTop finds fault with them.
    pub(super) fn read(
        strike: &Strike,
        user: impl FnOnce() -> Result<&'static User, Refusal>,
        parameter: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Refusal> {
        if strike.has(&FaultKind::WrongPassword) {
            return Err(login::invalid());
        }
        let user = user()?;
        if strike.has(&FaultKind::ProfileMissing) {
            return Err(login::no_profile());
        }
        let missing =
            |code, what| move || Refusal::Thrown(code, format!("Missing parameter {what}"));
        let version = parameter("version").ok_or_else(missing(2, "'version' (e.g. '1.0')"))?;
        let data = parameter("json_data").ok_or_else(missing(3, "'json_data'"))?;
        let parameters = serde_json::from_str(&data).map_err(|_| {
            Refusal::Thrown(4, "Parameter json_data is not a valid JSON structure".to_owned())
        })?;
        Ok(Self { user, version, parameters })
    }
}

/// How far it has come.
enum Stage {
    Ordered(Box<Order>),
    /// Its conditions have held.
    Evaluated(Box<Evaluated>),
    /// Before the ticket counter.
    AtCounter(Box<Evaluated>),
    /// A new object is complete and checked; a ticket has its number.
    Complete(Box<Evaluated>),
    Answered(Result<Value, Refusal>),
}

/// Does the work of a request, whatever it has to wait for.
pub(super) async fn done(
    itop: &Arc<Itop>,
    order: Order,
    strike: &Strike,
    inside: Duration,
) -> Result<Value, Refusal> {
    let user = order.user;
    let mut stage = Stage::Ordered(Box::new(order));
    loop {
        let piece = tokio::task::spawn_blocking({
            let (itop, strike) = (Arc::clone(itop), strike.clone());
            move || itop.go_on(stage, user, &strike, inside)
        });
        let wait;
        (stage, wait) = piece.await.map_err(|_| Refusal::Crashed)??;
        if !wait.is_zero() {
            let _held = itop.load.hold();
            itop.clock.sleep(wait).await;
        }
        if let Stage::Answered(answer) = stage {
            return answer;
        }
    }
}

impl Itop {
    /// Goes on until there is an answer, or something to wait for.
    fn go_on(
        &self,
        mut stage: Stage,
        user: &'static User,
        strike: &Strike,
        inside: Duration,
    ) -> Result<(Stage, Duration), Refusal> {
        self.in_transaction(user, strike, |session| {
            let mut wait = Duration::ZERO;
            while wait.is_zero() && !matches!(stage, Stage::Answered(_)) {
                (stage, wait) = self.step(session, stage, inside);
            }
            (stage, wait)
        })
        .map_err(Refusal::from)
    }

    /// One step, and how long to wait after it.
    fn step(&self, session: &Session<'_>, stage: Stage, inside: Duration) -> (Stage, Duration) {
        let refused = |refusal| (Stage::Answered(Err(refusal)), Duration::ZERO);
        let wait_at = |lock, write: &Evaluated, take| {
            if !write.pending.is_new_ticket() {
                return Duration::ZERO;
            }
            self.locks.wait(lock, self.clock.moment(), take)
        };
        match stage {
            Stage::Ordered(order) => {
                match operations::begin(session, &order.version, &order.parameters) {
                    Ok(Begun::Evaluated(write)) => (Stage::Evaluated(Box::new(write)), inside),
                    // What was read is old when it is answered.
                    Ok(Begun::Answered(answer)) => (Stage::Answered(Ok(answer)), inside),
                    Err(refusal) => refused(refusal),
                }
            }
            Stage::Evaluated(write) => {
                let wait = wait_at(Lock::Counter, &write, session.strike.takes_counter);
                (Stage::AtCounter(write), wait)
            }
            Stage::AtCounter(mut write) => match write.pending.complete(session) {
                Ok(()) => {
                    let wait = wait_at(Lock::Table, &write, session.strike.takes_table);
                    (Stage::Complete(write), wait)
                }
                Err(refusal) => refused(refusal),
            },
            Stage::Complete(write) => (Stage::Answered(write.finish(session)), Duration::ZERO),
            answered @ Stage::Answered(_) => (answered, Duration::ZERO),
        }
    }
}
