//! The provider, by the crate for it.

mod claims;
mod http;
mod known;
mod token;

use openidconnect::{
    AuthType, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields, LanguageTag, LogoutRequest,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadataWithLogout,
    RedirectUrl, RequestTokenError, Scope, StandardErrorResponse, StandardTokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod,
        CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm, CoreRevocableToken, CoreRevocationErrorResponse,
        CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use reqwest::Url;
use tokio::sync::Semaphore;

use super::{Attempt, Examined, Identity, OidcError};
use crate::{
    clock::Clock,
    config,
    domain::text::{cut_chars, one_line},
    outgoing::{Redactor, is_loopback},
    secret::Secret,
};
use claims::Extra;
use http::Http;
use known::Known;

/// How much of foreign text is shown, in characters.
const SHOWN: usize = 300;

/// How many codes the provider is asked about at once: anybody can come back with an invented one.
const CODES_AT_ONCE: usize = 16;

type Metadata = ProviderMetadataWithLogout;

/// What the provider gives for a code.
type Tokens = StandardTokenResponse<
    IdTokenFields<
        Extra,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

/// The bridge as the provider sees it.
type AsClient = Client<
    Extra,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The provider of a configuration.
#[derive(Debug)]
pub struct Provider {
    config: config::Oidc,
    clock: Clock,
    http: Http,
    known: Known,
    redactor: Redactor,
    codes: Semaphore,
}

impl Provider {
    /// That of a checked configuration. Nothing is asked yet.
    #[must_use]
    pub fn new(config: &config::Oidc, clock: Clock) -> Self {
        let secrets = config.client_secret.iter().map(Secret::expose);
        Self {
            http: Http::new(&config.issuer),
            known: Known::new(clock.clone()),
            redactor: Redactor::new(secrets),
            codes: Semaphore::new(CODES_AT_ONCE),
            config: config.clone(),
            clock,
        }
    }

    /// Where a browser goes to sign in; `callback` is where it is led back to.
    ///
    /// # Errors
    /// The provider is away.
    pub async fn begin(
        &self,
        attempt: &Attempt,
        callback: &str,
        language: &str,
    ) -> Result<String, OidcError> {
        let client = self.client(&*self.metadata().await?, callback)?;
        let verifier = PkceCodeVerifier::new(attempt.verifier.expose().to_owned());
        let (state, nonce) = (attempt.state.clone(), attempt.nonce.clone());
        let (url, _, _) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scopes(self.config.scopes.iter().cloned().map(Scope::new))
            .add_ui_locale(LanguageTag::new(language.to_owned()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(url.into())
    }

    /// Who has come back with this code.
    ///
    /// # Errors
    /// The provider is away, refuses the code, or says something that is not valid.
    pub async fn finish(
        &self,
        code: Secret,
        attempt: Attempt,
        callback: &str,
    ) -> Result<Identity, OidcError> {
        // It is never closed.
        let _place = self.codes.acquire().await;
        let metadata = self.metadata().await?;
        let client = self.client(&metadata, callback)?;
        let tokens = client
            .exchange_code(AuthorizationCode::new(code.expose().to_owned()))
            .map_err(|error| self.away(&error))?
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.expose().to_owned()))
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(error) => {
                    OidcError::Refused(self.shown(&error.to_string(), &code))
                }
                RequestTokenError::Request(error) => OidcError::Away(error.to_string()),
                error => OidcError::Away(self.shown(&chain(&error), &code)),
            })?;
        self.identity(&client, metadata, &tokens, Nonce::new(attempt.nonce)).await
    }

    /// Where somebody signs out there, too; `None` where they cannot, or nobody can tell now.
    pub async fn sign_out_address(&self, callback: &str) -> Option<String> {
        let metadata = self.metadata().await.ok()?;
        let address = metadata.additional_metadata().end_session_endpoint.clone()?;
        let back = PostLogoutRedirectUrl::new(callback.to_owned()).ok()?;
        let request = LogoutRequest::from(address)
            .set_client_id(ClientId::new(self.config.client_id.clone()))
            .set_post_logout_redirect_uri(back);
        Some(request.http_get_url().into())
    }

    /// Whether it is a provider with which people could sign in.
    ///
    /// # Errors
    /// It is none.
    pub async fn examine(&self) -> Result<Examined, OidcError> {
        let metadata = self.metadata().await?;
        let mut doubts = Vec::new();
        let signed = metadata.id_token_signing_alg_values_supported();
        if !signed.iter().any(|algorithm| token::ALGORITHMS.contains(algorithm)) {
            return Err(OidcError::Refused(
                "it signs with no algorithm that is safe here: RS256, PS256, ES256, EdDSA or their \
                 longer ones"
                    .to_owned(),
            ));
        }
        if let Some(known) = metadata.scopes_supported() {
            let is_unknown = |scope: &&String| !known.iter().any(|known| known.as_str() == **scope);
            let unknown: Vec<_> = self.config.scopes.iter().filter(is_unknown).collect();
            if !unknown.is_empty() {
                doubts.push(format!("it does not name these of auth.oidc.scopes: {unknown:?}"));
            }
        }
        let has_sign_out = metadata.additional_metadata().end_session_endpoint.is_some();
        Ok(Examined { doubts, has_sign_out })
    }

    fn client(&self, metadata: &Metadata, callback: &str) -> Result<AsClient, OidcError> {
        let id = ClientId::new(self.config.client_id.clone());
        let secret = self.config.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose().to_owned()));
        let callback = RedirectUrl::new(callback.to_owned()).map_err(|error| self.away(&error))?;
        let client = AsClient::from_provider_metadata(metadata.clone(), id, secret);
        Ok(client.set_redirect_uri(callback).set_auth_type(proof_of_client(metadata)))
    }

    fn away(&self, error: &dyn std::error::Error) -> OidcError {
        OidcError::Away(self.shown(&chain(error), &Secret::new(String::new())))
    }

    /// Foreign text as the log may show it.
    fn shown(&self, text: &str, code: &Secret) -> String {
        let text = self.redactor.text(text);
        let text = Redactor::new([code.expose()]).text(&text).into_owned();
        cut_chars(&one_line(&text), SHOWN).into_owned()
    }
}

/// How the secret of the client is sent: in the header unless the provider names the body alone.
fn proof_of_client(metadata: &Metadata) -> AuthType {
    let named = metadata.token_endpoint_auth_methods_supported();
    let takes = |method| named.is_some_and(|named| named.contains(&method));
    if takes(CoreClientAuthMethod::ClientSecretPost)
        && !takes(CoreClientAuthMethod::ClientSecretBasic)
    {
        AuthType::RequestBody
    } else {
        AuthType::BasicAuth
    }
}

/// An error with all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = [&text, ": ", &inner.to_string()].concat();
        cause = inner.source();
    }
    text
}

/// Whether nobody on the way can say something else in its place.
fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}
