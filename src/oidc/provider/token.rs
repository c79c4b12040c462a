//! What the provider says of somebody, and whether it can be believed.

use std::{sync::Arc, time::SystemTime};

use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, ClientId, IdToken, IdTokenClaims,
    IdTokenVerifier, Nonce, OAuth2TokenResponse as _, SignatureVerificationError,
    TokenResponse as _, UserInfoClaims, UserInfoError,
    core::{
        CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    },
};
use reqwest::header::HeaderValue;

use super::{
    AsClient, Identity, Metadata, OidcError, Provider, Tokens,
    claims::{Extra, Told},
};
use crate::clock::{earlier, later};

/// What it may sign with: keys of its own, whose other half everybody may know. What is signed with the
/// secret of the client, or with nothing, anybody could have made who knows that.
pub(super) const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// How far its clock may be off.
const LEEWAY: std::time::Duration = std::time::Duration::from_mins(1);

type Token =
    IdToken<Extra, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
type Claims = IdTokenClaims<Extra, CoreGenderClaim>;

impl Provider {
    /// Whom these tokens are of.
    pub(super) async fn identity(
        &self,
        client: &AsClient,
        metadata: Arc<Metadata>,
        tokens: &Tokens,
        nonce: Nonce,
    ) -> Result<Identity, OidcError> {
        let token = tokens.id_token();
        let token = token.ok_or_else(|| OidcError::NotValid("there is no ID token".to_owned()))?;
        let access = tokens.access_token();
        let claims = match self.verified(&metadata, token, access, &nonce) {
            // It may sign with a key that it has not had before.
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                let renewed = self.metadata_after(&metadata).await?;
                self.verified(&renewed, token, access, &nonce)
            }
            claims => claims,
        };
        let claims = claims.map_err(|error| OidcError::NotValid(super::chain(&error)))?;
        let mut told = Told::of_token(claims, &self.config.groups_claim);
        if !told.is_whole() && metadata.userinfo_endpoint().is_some() {
            let more = self.userinfo(client, access, claims).await?;
            told = told.or(Told::of_userinfo(&more, &self.config.groups_claim));
        }
        Ok(told.identity(claims.subject().as_str()))
    }

    fn verified<'t>(
        &self,
        metadata: &Metadata,
        token: &'t Token,
        access: &AccessToken,
        nonce: &Nonce,
    ) -> Result<&'t Claims, ClaimsVerificationError> {
        let own = ClientId::new(self.config.client_id.clone());
        let now = self.clock.now();
        // As for a client without a secret: none is ever taken for a key.
        let verifier: IdTokenVerifier<'_, CoreJsonWebKey> = IdTokenVerifier::new_public_client(
            own.clone(),
            metadata.issuer().clone(),
            metadata.jwks().clone(),
        )
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || SystemTime::from(earlier(now, LEEWAY)).into())
        .set_issue_time_verifier_fn(move |issued| {
            if issued.timestamp() > later(now, LEEWAY).as_second() {
                return Err("it was issued in the future".to_owned());
            }
            Ok(())
        });
        let claims = token.claims(&verifier, nonce)?;
        // The library leaves this to us.
        if claims.authorized_party().is_some_and(|party| *party != own) {
            return Err(ClaimsVerificationError::InvalidAudience(
                "it was issued for another client (azp)".to_owned(),
            ));
        }
        if let Some(hash) = claims.access_token_hash() {
            let signature = ClaimsVerificationError::SignatureVerification;
            let key = token.signing_key(&verifier).map_err(signature)?;
            let algorithm = token.signing_alg().map_err(signature)?;
            let own = AccessTokenHash::from_token(access, algorithm, key)
                .map_err(|error| ClaimsVerificationError::Other(error.to_string()))?;
            if own != *hash {
                return Err(ClaimsVerificationError::Other(
                    "it belongs to another access token".to_owned(),
                ));
            }
        }
        Ok(claims)
    }

    /// What it tells of them there: some providers put little into what they sign.
    async fn userinfo(
        &self,
        client: &AsClient,
        access: &AccessToken,
        claims: &Claims,
    ) -> Result<UserInfoClaims<Extra, CoreGenderClaim>, OidcError> {
        // The library takes for granted that a header can hold it.
        if HeaderValue::from_str(access.secret()).is_err() {
            return Err(OidcError::NotValid("its access token can be none".to_owned()));
        }
        let request = client
            .user_info(access.clone(), Some(claims.subject().clone()))
            .map_err(|error| self.away(&error))?;
        request.request_async(&self.http).await.map_err(|error| match error {
            UserInfoError::Request(error) => OidcError::Away(error.to_string()),
            UserInfoError::ClaimsVerification(error) => OidcError::NotValid(super::chain(&error)),
            error => self.away(&error),
        })
    }
}
