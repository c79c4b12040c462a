//! How the provider is asked: bounded in time and length, and never on to another place.

use std::{pin::Pin, time::Duration};

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::Url;

use crate::{no_answer, outgoing};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a whole answer may take: somebody waits before their browser.
const WHOLE: Duration = Duration::from_secs(10);

/// The longest answer, in bytes: keys and groups are lists.
const MOST: usize = 1 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoAnswer(String);

/// The client for one provider.
#[derive(Debug)]
pub(super) struct Http {
    /// It cannot be made where no certificates are to be trusted, which is told when somebody signs in.
    client: Result<reqwest::Client, String>,
}

impl Http {
    pub(super) fn new(issuer: &str) -> Self {
        // A second call finds the provider installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("servicenav-itop-bridge/", env!("CARGO_PKG_VERSION")))
            // Whoever could lead it on could have it ask anything of any place.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(WHOLE);
        if issuer.parse::<Url>().is_ok_and(|issuer| outgoing::is_loopback(&issuer)) {
            builder = builder.no_proxy();
        }
        Self { client: builder.build().map_err(|error| no_answer::why(&error)) }
    }

    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let client = self.client.as_ref().map_err(|error| NoAnswer(error.clone()))?;
        let failed = |error: &reqwest::Error| NoAnswer(no_answer::why(error));
        let request = request.try_into().map_err(|error| failed(&error))?;
        let mut response = client.execute(request).await.map_err(|error| failed(&error))?;
        let status = response.status();
        // One that cannot answer now says so as it likes, or something in front of it does.
        if status.is_server_error() {
            return Err(NoAnswer(format!("it answered {}", status.as_u16())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
            if body.len() + chunk.len() > MOST {
                return Err(NoAnswer("its answer is longer than 1 MiB".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = status;
        *answer.headers_mut() = response.headers().clone();
        Ok(answer)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = NoAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, NoAnswer>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.answer(request))
    }
}
