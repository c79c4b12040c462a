//! The org that all requests share, and how it answers one.

use std::{
    cell::RefCell,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use rusqlite::OptionalExtension as _;
use serde_json::{Value, json};

use crate::{
    deploy::secure,
    fault::{Faults, Step, steps},
    ids,
    login::{App, Sessions, org_id},
    options::Options,
    record::{Asked, Work, stamp},
    refusal::Refusal,
    schema::Entry,
    seen::Seen,
    soql::Cursors,
    store::State,
    web::{Answer, Call, Usage},
};

pub(crate) struct Org {
    pub(crate) options: Options,
    pub(crate) state: Mutex<State>,
    pub(crate) faults: Faults,
    pub(crate) sessions: Sessions,
    pub(crate) app: Mutex<App>,
    pub(crate) seen: Seen,
    pages: Mutex<Cursors>,
    /// Held by who works on bulk jobs.
    pub(crate) worker: Mutex<()>,
    /// Requests of today.
    pub(crate) used: AtomicU64,
    /// How many are allowed.
    pub(crate) most: AtomicU64,
    /// Requests that are worked on now.
    pub(crate) under_way: AtomicUsize,
}

impl Org {
    pub(crate) fn new(options: Options, state: State) -> Self {
        let most = options.daily_requests.into();
        Self {
            options,
            state: Mutex::new(state),
            faults: Faults::default(),
            sessions: Sessions::default(),
            app: Mutex::default(),
            seen: Seen::default(),
            pages: Mutex::default(),
            worker: Mutex::default(),
            used: AtomicU64::new(0),
            most,
            under_way: AtomicUsize::new(0),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn app(&self) -> App {
        self.app.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The user of this name: its id and whether it is active.
    pub(crate) fn user_named(&self, name: &str) -> Option<(String, bool)> {
        let state = self.state();
        let sql = "SELECT \"Id\", \"IsActive\" FROM \"User\" WHERE \"Username\" = ?";
        let found = state.db.query_row(sql, [name], |row| Ok((row.get(0)?, row.get(1)?)));
        found.optional().ok().flatten()
    }

    /// Does something with the records as this user.
    pub(crate) fn work<T>(
        &self,
        user: &str,
        version: &str,
        call: Option<&Call>,
        work: impl FnOnce(&Work<'_>) -> T,
    ) -> T {
        self.work_with(&self.faults, user, version, call.map(Call::asked).unwrap_or_default(), work)
    }

    /// The same without faults and rules: what an administrator or an agent does.
    pub(crate) fn quietly<T>(&self, work: impl FnOnce(&Work<'_>) -> T) -> T {
        let user = ids::make("005", 1);
        let version = self.options.versions.last().map_or("67.0", String::as_str);
        let asked = Asked { auto_assign: false, allow_save: true, ..Asked::default() };
        self.work_with(&Faults::default(), &user, version, asked, work)
    }

    fn work_with<T>(
        &self,
        faults: &Faults,
        user: &str,
        version: &str,
        asked: Asked,
        work: impl FnOnce(&Work<'_>) -> T,
    ) -> T {
        let mut state = self.state();
        let grown = RefCell::default();
        let done = work(&Work {
            state: &state,
            options: &self.options,
            faults,
            user,
            version: version.to_owned(),
            now: stamp(self.options.now.get()),
            asked,
            grown: &grown,
            pages: &self.pages,
            usage: self.usage(),
        });
        for (object, field, value) in grown.into_inner() {
            grow(&mut state, &object, &field, value);
        }
        done
    }

    pub(crate) fn usage(&self) -> Usage {
        let (used, most) = (&self.used, &self.most);
        Usage { used: used.load(Ordering::Relaxed), most: most.load(Ordering::Relaxed) }
    }

    /// Answers a request. It may take a while: not for a thread that serves others.
    pub(crate) fn answer(&self, call: &Call) -> Answer {
        match call.parts().as_slice() {
            ["services", "oauth2", "token"] => self.token(call),
            ["services", "oauth2", "userinfo"] | ["id", _, _] => self.user_info(call).into(),
            ["services", "data"] => Answer::json(200, self.versions()),
            ["services", "data", version, rest @ ..] => {
                let answer = Answer::from(self.data(call, version, rest));
                let Usage { used, most } = self.usage();
                let mut info = format!("api-usage={used}/{most}");
                if self.options.switches.limits_per_app {
                    info.push_str("; per-app-api-usage=17/250(appName=sample-app)");
                }
                answer.header("Sforce-Limit-Info", info)
            }
            ["sandbox", rest @ ..] => self.inspect(call, rest),
            [] => self.cases_page(),
            [id] if call.is_page() => self.case_page(call, id),
            _ => {
                Answer::other(404, "text/html; charset=UTF-8", "<html>URL No Longer Exists</html>")
            }
        }
    }

    fn data(&self, call: &Call, version: &str, rest: &[&str]) -> Result<Answer, Refusal> {
        let number = version.strip_prefix('v').ok_or_else(Refusal::not_found)?;
        if !self.options.versions.iter().any(|own| own == number) {
            let parsed = |text: &str| text.parse::<f64>().ok();
            let oldest = self.options.versions.first().and_then(|first| parsed(first));
            if parsed(number).zip(oldest).is_some_and(|(asked, oldest)| asked < oldest) {
                let message = format!("The requested API version {number} is no longer supported");
                return Err(Refusal::new(410, "UNSUPPORTED_API_VERSION", message));
            }
            return Err(Refusal::not_found());
        }
        let user = self.user(call)?;
        let count = self.used.fetch_add(1, Ordering::Relaxed) + 1;
        if count > self.most.load(Ordering::Relaxed) {
            let message = "TotalRequests Limit exceeded.";
            return Err(Refusal::new(403, "REQUEST_LIMIT_EXCEEDED", message));
        }
        if let ["metadata", "deployRequest", rest @ ..] = rest {
            return self.deployments(call, rest);
        }
        let answer = self.work(&user, number, Some(call), |work| work.resource(call, rest))?;
        // Who is given a permission set sees more from then on.
        if call.method != "GET" && String::from_utf8_lossy(&call.body).contains("PermissionSetId") {
            secure(&mut self.state())?;
        }
        Ok(answer)
    }

    /// Who asks.
    pub(crate) fn user(&self, call: &Call) -> Result<String, Refusal> {
        let now = self.options.now.get().as_second();
        self.sessions.user(call.get("authorization"), now, self.options.session_secs)
    }

    fn versions(&self) -> Value {
        let show = |version: &String| {
            let major: u32 =
                version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
            // Three releases a year: 65 was Winter '26, 66 Spring '26.
            let season = ["Spring", "Summer", "Winter"][(major % 3) as usize];
            let year = major / 3 + 4 + u32::from(major % 3 == 2);
            json!({
                "label": format!("{season} '{year}"),
                "url": format!("/services/data/v{version}"),
                "version": version,
            })
        };
        self.options.versions.iter().map(show).collect()
    }

    fn user_info(&self, call: &Call) -> Result<Answer, Refusal> {
        let id = self.user(call)?;
        let state = self.state();
        let users = state.schema.object("User").ok_or_else(Refusal::not_found)?;
        let user = state.row(users, &id)?.ok_or_else(Refusal::not_found)?;
        let base = self.base(call);
        Ok(Answer::json(
            200,
            json!({
                "sub": format!("{base}/id/{}/{id}", org_id()),
                "user_id": id,
                "organization_id": org_id(),
                "preferred_username": user["Username"],
                "name": user["Name"],
                "email": user["Email"],
                "active": user["IsActive"],
                "urls": {"rest": format!("{base}/services/data/v{{version}}/")},
            }),
        ))
    }

    /// What faults may strike in this request.
    pub(crate) fn steps(&self, call: &Call) -> Vec<Step> {
        let state = self.state();
        steps(call, |id| {
            let id = ids::long(id)?;
            Some(state.schema.of_id(&id)?.name.clone())
        })
    }
}

/// A picklist that is not restricted keeps a value that it did not know, as one that is not active.
fn grow(state: &mut State, object: &str, field: &str, value: String) {
    let Some(own) = state.schema.object_mut(object) else { return };
    let Some(field) = own.fields.iter_mut().find(|own| own.name == field) else { return };
    if !field.values.iter().any(|entry| entry.value == value) {
        field.values.push(Entry { value, active: false, default: false, closed: false });
    }
}
