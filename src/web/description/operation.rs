//! What is said of one call.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::web::{
    ALWAYS_ANSWERED,
    calls::{Access, Call},
    problem::PROBLEM,
    problem_type::{self as kinds, ProblemType},
};

/// The content type of JSON.
pub(super) const JSON: &str = "application/json";

/// What a call is for: the chapters of the reference, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chapter {
    Sending,
    Tickets,
    Listening,
    Inbox,
    Links,
    Lists,
    Equipment,
    Health,
    Signed,
    Pages,
}

impl Chapter {
    pub(super) const ALL: [Self; 10] = [
        Self::Sending,
        Self::Tickets,
        Self::Listening,
        Self::Inbox,
        Self::Links,
        Self::Lists,
        Self::Equipment,
        Self::Health,
        Self::Signed,
        Self::Pages,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sending => "Sending acknowledgements",
            Self::Tickets => "Tickets and controls",
            Self::Listening => "Listening instead of polling",
            Self::Inbox => "The inbox",
            Self::Links => "Company links",
            Self::Lists => "Lists of iTop",
            Self::Equipment => "Equipment",
            Self::Health => "Health and configuration",
            Self::Signed => "Signed links",
            Self::Pages => "Pages for browsers",
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Sending => "For monitoring: each acknowledgement becomes a ticket, exactly once.",
            Self::Tickets => "For dashboards: which control has which ticket, and its status.",
            Self::Listening => "Server-sent events tell what has changed.",
            Self::Inbox => "For operators: what came, what became of it, and the levers.",
            Self::Links => {
                "For administrators: which organization a company of ServiceNav is in iTop."
            }
            Self::Lists => "What iTop has, as the bridge knows it.",
            Self::Equipment => {
                "For inventories: what is monitored, as it is kept in iTop's CMDB. Off unless configured."
            }
            Self::Health => "For whoever is woken, and for load balancers.",
            Self::Signed => "For browsers without a token: an answer about a control gives them.",
            Self::Pages => "What people look at, and what that is made of.",
        }
    }
}

/// A call, described.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) chapter: Chapter,
    summary: &'static str,
    about: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: BTreeMap<u16, Value>,
    problems: Vec<&'static ProblemType>,
}

impl Operation {
    /// `id` names it in clients that are made of the description.
    pub(super) fn new(
        (method, path): (&'static str, &'static str),
        id: &'static str,
        chapter: Chapter,
        summary: &'static str,
    ) -> Self {
        Self {
            method,
            path,
            id,
            chapter,
            summary,
            about: "",
            parameters: path_parameters(path),
            body: None,
            answers: BTreeMap::new(),
            problems: problems_of_all(path),
        }
    }

    /// More than the summary says.
    pub(super) fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    pub(super) fn query(mut self, parameters: Vec<Value>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// A header that may be sent.
    pub(super) fn header(mut self, name: &str, about: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "header", "required": false, "description": about,
            "schema": {"type": "string"},
        }));
        self
    }

    /// A body of one of these types, with its schema.
    pub(super) fn body(mut self, contents: &[(&str, Value)]) -> Self {
        self.body = Some(json!({"required": true, "content": content(contents)}));
        self.fails(&[
            &kinds::UNREADABLE,
            &kinds::TOO_LARGE,
            &kinds::UNSUPPORTED_MEDIA_TYPE,
            &kinds::INVALID,
        ])
    }

    /// It can be signed instead of bearing a token.
    pub(super) fn signed(self) -> Self {
        self.header("webhook-id", "Of a signed message: the same each time it is sent.")
            .header("webhook-timestamp", "Of a signed message: seconds since 1970.")
            .header("webhook-signature", "`v1,` and base64 of the HMAC-SHA256; several by blanks.")
            .fails(&[&kinds::WRONG_SIGNATURE, &kinds::WRONG_TIME])
    }

    /// A body of JSON.
    pub(super) fn takes(self, schema: Value) -> Self {
        self.body(&[(JSON, schema)])
    }

    /// No body is needed; one that is sent along is JSON, and is not read.
    pub(super) fn takes_nothing(self) -> Self {
        self.fails(&[&kinds::UNSUPPORTED_MEDIA_TYPE])
    }

    /// An answer with a content of that type.
    pub(super) fn gives_as(mut self, status: u16, about: &str, contents: &[(&str, Value)]) -> Self {
        let mut answer = json!({"description": about});
        if !contents.is_empty() {
            answer["content"] = content(contents);
        }
        self.answers.insert(status, answer);
        self
    }

    /// An answer of JSON.
    pub(super) fn gives(self, status: u16, about: &str, schema: Value) -> Self {
        self.gives_as(status, about, &[(JSON, schema)])
    }

    /// An answer without a body.
    pub(super) fn gives_nothing(self, status: u16, about: &str) -> Self {
        self.gives_as(status, about, &[])
    }

    /// An answer has this header.
    pub(super) fn with_header(mut self, status: u16, name: &str, about: &str) -> Self {
        if let Some(answer) = self.answers.get_mut(&status) {
            answer["headers"][name] = json!({"description": about, "schema": {"type": "string"}});
        }
        self
    }

    /// Its answers have an `ETag`, and are not sent to whoever has them.
    pub(super) fn tagged(self) -> Self {
        self.header("If-None-Match", "The `ETag` of what the caller has: 304 if that still holds.")
            .gives_nothing(304, "What the caller has still holds.")
            .with_header(200, "ETag", "Changes with what the answer says, not with its age.")
    }

    /// It can be answered with these problems, beside those that every call has.
    pub(super) fn fails(mut self, problems: &[&'static ProblemType]) -> Self {
        self.problems.extend(problems);
        self
    }

    /// It asks the database.
    pub(super) fn reads_database(self) -> Self {
        self.fails(&[&kinds::STORE_UNAVAILABLE, &kinds::TOO_LONG])
    }

    /// As `OpenAPI` has it.
    pub(super) fn document(mut self, call: &Call) -> Value {
        let is_page = self.chapter == Chapter::Pages
            && !["/assets", "/language"].iter().any(|all| self.path.starts_with(all));
        if needs_token(call.access) {
            self.problems.extend([&kinds::UNAUTHORIZED, &kinds::FORBIDDEN]);
        }
        let mut of_status = BTreeMap::<u16, Vec<&ProblemType>>::new();
        self.problems.sort_by_key(|kind| (kind.status.as_u16(), kind.code));
        self.problems.dedup();
        for kind in &self.problems {
            of_status.entry(kind.status.as_u16()).or_default().push(kind);
        }
        for (status, kinds) in of_status {
            let answer = self.answers.entry(status).or_insert_with(|| json!({"description": ""}));
            let titles: Vec<_> = kinds.iter().map(|kind| kind.title).collect();
            let said = answer["description"].as_str().unwrap_or_default();
            let said = if said.is_empty() { Vec::new() } else { vec![said] };
            answer["description"] = json!([said, titles].concat().join("; "));
            let (kind, content) = if is_page && status != StatusCode::TOO_MANY_REQUESTS.as_u16() {
                ("text/html", json!({"schema": {"type": "string"}}))
            } else {
                (PROBLEM, problems(&kinds))
            };
            answer["content"][kind] = content;
            if status == StatusCode::TOO_MANY_REQUESTS.as_u16() {
                let about = "After how many seconds to send it again.";
                answer["headers"]["Retry-After"] =
                    json!({"description": about, "schema": {"type": "string"}});
            }
        }
        let answers: Map<_, _> =
            self.answers.into_iter().map(|(status, answer)| (status.to_string(), answer)).collect();
        let gap = if self.about.is_empty() { "" } else { "\n\n" };
        let mut document = json!({
            "operationId": self.id,
            "tags": [self.chapter.name()],
            "summary": self.summary,
            "description": format!("{}{gap}{}", self.about, who(call.access)),
            "security": security(call),
            "parameters": self.parameters,
            "responses": answers,
        });
        if let Some(body) = self.body {
            document["requestBody"] = body;
        }
        document
    }
}

/// What each call can be answered with. Who asks only whether the bridge lives is never told to come later.
fn problems_of_all(path: &str) -> Vec<&'static ProblemType> {
    let mut problems = vec![&kinds::BAD_PARAMETER, &kinds::FOREIGN_CALLER, &kinds::INTERNAL];
    if !ALWAYS_ANSWERED.contains(&path) {
        problems.push(&kinds::TOO_MANY_REQUESTS);
    }
    problems
}

/// The name of the schema of a problem.
pub(super) fn name_of(kind: &ProblemType) -> String {
    format!("problem-{}", kind.code)
}

fn problems(kinds: &[&ProblemType]) -> Value {
    let one =
        |kind: &&ProblemType| json!({"$ref": format!("#/components/schemas/{}", name_of(kind))});
    match kinds {
        [kind] => json!({"schema": one(kind)}),
        kinds => json!({"schema": {"oneOf": kinds.iter().map(one).collect::<Vec<_>>()}}),
    }
}

fn content(contents: &[(&str, Value)]) -> Value {
    let content = |(kind, schema): &(&str, Value)| ((*kind).to_owned(), json!({"schema": schema}));
    Value::Object(contents.iter().map(content).collect())
}

fn needs_token(access: Access) -> bool {
    !matches!(access, Access::Everyone | Access::Signed)
}

/// Who may make a call, in words.
pub(super) fn who(access: Access) -> String {
    match access {
        Access::Everyone => "For everyone: no token is needed.".to_owned(),
        Access::Signed => "For whoever has a link that this bridge has signed.".to_owned(),
        Access::Known => "For every token, whatever its scopes.".to_owned(),
        Access::Token(scope) => format!("For tokens with the scope `{}`.", scope.as_str()),
        Access::Linker => {
            "For tokens with the scope `admin` that are not limited to companies.".to_owned()
        }
        Access::Overseer => {
            "For tokens with the scope `admin` that are limited to nothing.".to_owned()
        }
        Access::Steward => {
            "For tokens with the scope `operate` that are limited to nothing.".to_owned()
        }
        Access::InPath => {
            "For tokens that may stand in an address, the one in this address.".to_owned()
        }
        Access::Watcher => {
            "For tokens with the scope `metrics` that are limited to nothing.".to_owned()
        }
        Access::PageOfOverseers => {
            "For people who are signed in by a token with the scope `admin` that is limited to nothing; \
             strangers are led to the sign-in."
                .to_owned()
        }
        Access::Page(scope) => format!(
            "For people who are signed in by a token with the scope `{}`; strangers are led to the \
             sign-in.",
            scope.as_str()
        ),
    }
}

fn security(call: &Call) -> Value {
    let by = |scope: &[&str]| json!([{"token": scope}, {"session": scope}]);
    match call.access {
        // It tells more to whoever has one.
        Access::Everyone if call.path == "/readyz" => json!([{}, {"token": ["read"]}]),
        // The address itself has the token.
        Access::Everyone | Access::InPath => json!([]),
        Access::Signed => json!([{"signature": []}]),
        Access::Known => by(&[]),
        Access::Token(scope) | Access::Page(scope) => by(&[scope.as_str()]),
        Access::Linker | Access::Overseer | Access::PageOfOverseers => by(&["admin"]),
        Access::Steward => by(&["operate"]),
        Access::Watcher => by(&["metrics"]),
    }
}

/// The variable parts of a path.
fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str| {
        json!({
            "name": name, "in": "path", "required": true, "description": part_of_path(name), "example": example_of(name),
            "schema": {"type": "string", "minLength": 1},
        })
    };
    names.map(parameter).collect()
}

/// As in the examples of bodies.
fn example_of(name: &str) -> &'static str {
    match name {
        "company" => "id:42",
        "site" => "id:7",
        "control" => "svc-48213",
        "equipment" => "1207",
        "number" => "I-004109",
        "org" => "3",
        "language" => "en",
        "name" => "style.css",
        _ => "1",
    }
}

fn part_of_path(name: &str) -> &'static str {
    match name {
        "company" => "ServiceNav's company: `42` or `id:42`, or `name:Demo` where it has no id.",
        "site" => "ServiceNav's site: `7` or `id:7`, or `name:…`.",
        "control" => "The id of a control.",
        "id" => "The number of a row of the inbox.",
        "equipment" => "The id of an equipment in its company.",
        "number" => "The number of a ticket, such as `I-000042`.",
        "org" => "iTop's key of an organization.",
        "version" => "Of all files together.",
        "name" => "Of a file.",
        "token" => "The token itself; nothing else tells who posts.",
        "language" => "`en` or `fr`.",
        _ => "",
    }
}
