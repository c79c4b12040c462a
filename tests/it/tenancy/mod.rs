//! Companies share a bridge, and none is told of another.

mod foreign_pages;
mod headers;
mod matrix;
mod moved_tickets;
mod nothing_told;
mod own_instance;
mod requests;

use std::collections::BTreeMap;

use itop_sandbox as sandbox;
use reqwest::Method;
use serde_json::{Value, json};
use servicenav_itop_bridge::{
    config::{Cmdb, Config, OidcGroup, Scope, Token},
    secret::Secret,
    web::{Access, hash_token},
};

use crate::{
    oidc::stand_in::{StandIn, session_of},
    session,
    world::{ACKNOWLEDGEMENTS, Answer, World, event, token, with},
};

/// A kind of token.
pub struct Kind {
    pub name: &'static str,
    pub scopes: &'static [Scope],
    /// The one of its companies; `None` for all companies and instances.
    pub own: Option<&'static str>,
}

/// Of no company in particular.
pub const UNLIMITED: [Kind; 6] = [
    Kind { name: "ingest", scopes: &[Scope::Ingest], own: None },
    Kind { name: "read", scopes: &[Scope::Read], own: None },
    Kind { name: "operate", scopes: &[Scope::Operate], own: None },
    Kind { name: "changes", scopes: &[Scope::Changes], own: None },
    Kind { name: "metrics", scopes: &[Scope::Metrics], own: None },
    Kind { name: "admin", scopes: &[Scope::Admin], own: None },
];

/// Of company 42 alone: in the instance that all share, where they only read, and in one of its own.
pub const LIMITED: [Kind; 3] = [
    Kind { name: "reader", scopes: &[Scope::Read], own: Some("amber") },
    Kind {
        name: "tenant",
        scopes: &[Scope::Ingest, Scope::Read, Scope::Operate],
        own: Some("cobalt"),
    },
    Kind { name: "tenant-admin", scopes: &[Scope::Admin], own: Some("cobalt") },
];

impl Kind {
    /// Whether it may make such a call at all.
    pub fn may(&self, access: Access) -> bool {
        match access {
            Access::Everyone | Access::Known => true,
            Access::Signed | Access::InPath => false,
            Access::Token(scope) | Access::Page(scope) => {
                self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
            }
            Access::Watcher => {
                self.own.is_none()
                    && [Scope::Metrics, Scope::Admin]
                        .iter()
                        .any(|scope| self.scopes.contains(scope))
            }
            Access::Steward => {
                self.own.is_none()
                    && [Scope::Operate, Scope::Admin]
                        .iter()
                        .any(|scope| self.scopes.contains(scope))
            }
            Access::Linker | Access::Overseer | Access::PageOfOverseers => {
                self.own.is_none() && self.scopes.contains(&Scope::Admin)
            }
        }
    }

    pub fn token(&self) -> Token {
        let limited = self.own.is_some();
        let instance = self.own.map(|own| object(own).instance.to_owned());
        Token {
            hash: hash_token(&secret(self.name)),
            instance: instance.filter(|instance| instance != "default"),
            companies: limited.then(|| vec!["id:42".to_owned()]),
            ..token(self.name, self.scopes)
        }
    }

    /// The group that gives the same.
    fn group(&self) -> OidcGroup {
        let Token { name, scopes, instance, companies, .. } = self.token();
        OidcGroup { name, scopes, instance, companies }
    }
}

/// The token of this name.
pub fn secret(name: &str) -> String {
    format!("{name}-5f1d7c9e0b3a4e6f8a2c")
}

/// A company with one control, its acknowledgement, ticket and links.
#[derive(Clone, Debug)]
pub struct Object {
    /// Stands in all that is sent of it, and nowhere else.
    pub key: &'static str,
    pub instance: &'static str,
    /// ServiceNav's id.
    pub company: &'static str,
    /// The organization, by its key in iTop.
    pub org: &'static str,
    /// Its acknowledgement; the number of what there is not is told from all others.
    pub id: String,
    /// Of its ticket.
    pub number: String,
    /// The signed link.
    pub open: String,
}

fn object(key: &'static str) -> Object {
    let (instance, company, org) = match key {
        "amber" => ("default", "42", "3"),
        "birch" => ("default", "43", "5002"),
        "cobalt" => ("tenant", "42", "5003"),
        other => panic!("no company {other}"),
    };
    let (id, number, open) = (String::new(), String::new(), String::new());
    Object { key, instance, company, org, id, number, open }
}

impl Object {
    /// Something in the same instance that is not there.
    pub fn missing(instance: &'static str) -> Self {
        Self {
            key: "missing",
            instance,
            company: "98765",
            org: "987654",
            id: "987654321".to_owned(),
            number: "I-98765432".to_owned(),
            open: String::new(),
        }
    }

    /// An answer about what is not there, as it would be about this.
    pub fn renamed(&self, text: &str) -> String {
        let missing = Self::missing(self.instance);
        // The longest first: each begins with the next.
        [
            (missing.number.as_str(), self.number.as_str()),
            (&missing.id, &self.id),
            (missing.org, self.org),
            (missing.company, self.company),
            (missing.key, self.key),
        ]
        .into_iter()
        .fold(text.to_owned(), |text, (missing, own)| text.replace(missing, own))
    }

    pub fn control(&self) -> String {
        format!("control-{}", self.key)
    }

    /// The id of its equipment.
    pub fn equipment(&self) -> String {
        format!("equipment-{}", self.key)
    }

    pub fn event(&self) -> Value {
        let key = self.key;
        let company = json!({"id": self.company, "name": format!("Company {key}")});
        let event = with(event(key), "/company", company);
        let event = with(event, "/source", json!({"instance": self.instance}));
        let event = with(event, "/control/name", json!(format!("Disk {key}")));
        with(event, "/acknowledgement/comment", json!(format!("Comment {key}")))
    }

    /// What nobody else may be told.
    pub fn words(&self) -> [&str; 2] {
        [self.key, &self.number]
    }
}

/// The world of all these tokens, and what there is in it.
pub struct Tenants {
    pub world: World,
    pub objects: Vec<Object>,
    /// The cookies of those that are signed in, who then send no token.
    sessions: BTreeMap<&'static str, String>,
}

impl Tenants {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let tokens = |config: &mut Config| {
            let kinds = UNLIMITED.iter().chain(&LIMITED);
            config.auth.tokens = kinds.map(Kind::token).collect();
            // Equipment is taken, and no class is set up for any of it.
            config.cmdb = Some(Cmdb {
                user: "cmdb".to_owned(),
                password: Some(Secret::new(sandbox::PASSWORD.to_owned())),
                ..Cmdb::default()
            });
            change(config);
        };
        let mut world = World::with(sandbox::Options::default(), tokens).await;
        world.token = Some(secret("admin"));
        let mut objects = Vec::new();
        for key in ["amber", "birch", "cobalt"] {
            let mut object = object(key);
            let Object { company, instance, org, .. } = object;
            let link = json!({
                "organization": {"id": org}, "team": "Helpdesk", "name": format!("Company {key}"),
            });
            for place in [company.to_owned(), format!("{company}/sites/7")] {
                world.link(format!("{place}?instance={instance}"), link.clone()).await;
            }
            // So that no delivery reads them later.
            for list in ["contacts", "teams", "services", "cis"] {
                world.get(&format!("/api/v1/companies/{org}/{list}")).await.expect(200);
            }
            let row = json!([{"id": object.equipment(), "name": format!("Server {key}")}]);
            let path = format!("/api/v1/equipment?company={company}&instance={instance}");
            world.put(&path, &row).await.expect(200);
            let made = world.acknowledge(&object.event()).await.expect(201);
            object.id = made["id"].to_string();
            made["ticket"]["ref"].as_str().unwrap().clone_into(&mut object.number);
            let open = made["links"]["open"].as_str().unwrap();
            open[open.find("/controls").unwrap()..].clone_into(&mut object.open);
            objects.push(object);
        }
        world.token = None;
        Self { world, objects, sessions: BTreeMap::new() }
    }

    /// The same with each token that may read pages signed in as people are.
    pub async fn in_sessions(mut self) -> Self {
        let readers = |kind: &&Kind| kind.may(Access::Page(Scope::Read));
        for kind in UNLIMITED.iter().chain(&LIMITED).filter(readers) {
            let cookie = session::sign_in(&self.world, &secret(kind.name)).await;
            self.sessions.insert(kind.name, cookie);
        }
        self
    }

    /// The same with those people signed in at a provider, each in a group that gives what the token does.
    pub async fn by_provider(mut self, provider: &StandIn) -> Self {
        let kinds = || UNLIMITED.iter().chain(&LIMITED);
        let mut oidc = provider.config();
        oidc.groups = kinds().map(Kind::group).collect();
        self.world.config.auth.oidc = Some(oidc);
        self.world.reload().await.unwrap();
        let readers = |kind: &&Kind| kind.may(Access::Page(Scope::Read));
        for kind in kinds().filter(readers) {
            let cookie = session_of(&self.world, provider, kind.name, &[kind.name]).await;
            self.sessions.insert(kind.name, cookie);
        }
        self
    }

    /// Whether a provider has signed them in.
    pub fn are_by_provider(&self) -> bool {
        self.world.config.auth.oidc.is_some()
    }

    pub fn object(&self, key: &str) -> &Object {
        self.objects.iter().find(|object| object.key == key).unwrap()
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.ask(token, "get", path, &Value::Null).await
    }

    pub async fn post(&self, token: &str, body: &Value) -> Answer {
        self.ask(token, "post", ACKNOWLEDGEMENTS, body).await
    }

    pub async fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let authorization = format!("Bearer {}", secret(token));
        let mut headers = vec![("prefer", "wait=20")];
        if let Some(session) = self.sessions.get(token) {
            headers.extend([
                ("cookie", session.as_str()),
                ("sec-fetch-site", "same-origin"),
                ("content-type", "application/json"),
            ]);
        } else if !token.is_empty() {
            headers.push(("authorization", &authorization));
        }
        let method: Method = method.to_uppercase().parse().unwrap();
        if path.split('?').next() == Some(STREAM) {
            // What it tells comes without an end.
            let mut request = self.world.http.request(method, format!("{}{path}", self.world.base));
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let response = request.send().await.unwrap();
            let status = response.status().as_u16();
            if status == 200 {
                let headers = response.headers().clone();
                return Answer { status, headers, text: String::new(), body: Value::Null };
            }
            return Answer::read(response).await;
        }
        let body = (!body.is_null()).then(|| body.to_string());
        self.world.send(method, path, &headers, body).await
    }

    pub async fn finish(self) {
        self.world.finish().await;
    }
}

pub const STREAM: &str = "/api/v1/tickets/stream";

/// An answer without what says only when it was given.
pub fn content(answer: &Answer) -> (u16, Vec<String>, String) {
    const OF_THE_MOMENT: [&str; 4] = ["date", "x-request-id", "content-length", "set-cookie"];
    let headers = answer.headers.iter();
    let headers = headers.filter(|(name, _)| !OF_THE_MOMENT.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    (answer.status, headers, without_age(&answer.text))
}

/// A page without what its times say: what happened how long ago.
fn without_times(page: &str) -> String {
    let mut parts = page.split("<time ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |page, part| page + part.split_once("</time>").map_or(part, |(_, rest)| rest))
}

fn without_age(text: &str) -> String {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                // An address is signed for its moment too.
                for of_the_moment in ["as_of", "address", "expires_at"] {
                    members.remove(of_the_moment);
                }
                members.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let Ok(mut value) = serde_json::from_str(text) else { return without_times(text) };
    strip(&mut value);
    value.to_string()
}
