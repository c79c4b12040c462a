//! A sandbox that is served, and short words for asking it.

use std::{collections::BTreeMap, sync::Once};

use reqwest::{Client, Method, Response, StatusCode};
use salesforce_sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The version that is asked.
pub const BASE: &str = "/services/data/v67.0";

/// A served sandbox; it ends when it is dropped.
pub struct Org {
    pub sandbox: Sandbox,
    pub url: String,
    pub client: Client,
    pub token: String,
    server: JoinHandle<std::io::Result<()>>,
    _stop: DropGuard,
}

/// An answer that was read.
#[derive(Clone, Debug)]
pub struct Said {
    pub status: StatusCode,
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Said {
    pub async fn of(answer: Response) -> Self {
        Self::read(answer).await.unwrap()
    }

    async fn read(answer: Response) -> reqwest::Result<Self> {
        let headers = answer.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()))
            .collect();
        Ok(Self { status: answer.status(), headers, text: answer.text().await? })
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The first code of an error.
    pub fn code(&self) -> String {
        self.json()[0]["errorCode"].as_str().unwrap_or_default().to_owned()
    }

    pub fn message(&self) -> String {
        self.json()[0]["message"].as_str().unwrap_or_default().to_owned()
    }
}

impl Org {
    /// Ends it as `kill -9` would; what has begun is done when this returns.
    pub async fn killed(self) {
        self.server.abort();
        let _ = self.server.await;
        while !self.sandbox.is_idle() {
            pause().await;
        }
    }

    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            rustls::crypto::ring::default_provider().install_default().unwrap();
        });
        let sandbox = Sandbox::new(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let server = tokio::spawn(sandbox.clone().serve(listener, stop.clone()));
        let client = Client::builder().no_proxy().build().unwrap();
        let token = sandbox.session();
        Self { sandbox, url, client, token, server, _stop: stop.drop_guard() }
    }

    /// Asks what lies below the version, with these headers.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Said {
        self.try_ask(method, path, headers, body).await.unwrap()
    }

    pub async fn try_ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> reqwest::Result<Said> {
        let path =
            if path.starts_with("/services") { path.to_owned() } else { format!("{BASE}{path}") };
        let method: Method = method.parse().unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if !headers.iter().any(|(name, _)| *name == "Authorization") {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        Said::read(request.send().await?).await
    }

    pub async fn get(&self, path: &str) -> Said {
        self.ask("GET", path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Said {
        self.ask("POST", path, &[], Some(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Said {
        self.ask("PATCH", path, &[], Some(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Said {
        self.ask("DELETE", path, &[], None).await
    }

    /// The id of a new record.
    pub async fn made(&self, object: &str, body: Value) -> String {
        let said = self.post(&format!("/sobjects/{object}"), body).await;
        assert_eq!(said.status, 201, "{}", said.text);
        said.json()["id"].as_str().unwrap().to_owned()
    }

    pub async fn query(&self, text: &str) -> Said {
        let text: String = url_encoded(text);
        self.get(&format!("/query?q={text}")).await
    }

    /// The rows of a query, without their attributes.
    pub async fn rows(&self, text: &str) -> Vec<Value> {
        let said = self.query(text).await;
        assert_eq!(said.status, 200, "{text}: {}", said.text);
        let mut rows = said.json()["records"].as_array().unwrap().clone();
        for row in &mut rows {
            row.as_object_mut().unwrap().shift_remove("attributes");
        }
        rows
    }

    /// The id of the record of this name.
    pub fn id(&self, object: &str, name: &str) -> String {
        let records = self.sandbox.records(object);
        let found = records.iter().find(|record| record["Name"] == json!(name));
        found.unwrap_or_else(|| panic!("no {object} {name}"))["Id"].as_str().unwrap().to_owned()
    }
}

/// Between two looks at something that takes a moment.
pub async fn pause() {
    #[expect(clippy::disallowed_methods, reason = "the sandbox would be asked without end")]
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
}

pub fn url_encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
