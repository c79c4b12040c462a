//! The token endpoint, and the sessions that it opens.

mod key;
mod session;
mod token;

pub(crate) use self::{
    key::public_key,
    session::{Sessions, org_id},
};

/// The application that logs in: what Salesforce calls a connected app or an external client app.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box that an administrator ticks")]
pub struct App {
    /// The consumer key.
    pub client_id: String,
    /// The consumer secret.
    pub client_secret: String,
    /// The key whose signatures count, as PEM: `PUBLIC KEY`, or a private one of which the public
    /// half is taken.
    pub key: String,
    /// The user as whom client credentials log in, by name; none is not set.
    pub run_as: Option<String>,
    /// Whether the user has approved it, or an administrator beforehand.
    pub approved: bool,
    /// Whether an administrator lets this user use it.
    pub admin_approved: bool,
    /// Whether JWT is allowed.
    pub jwt: bool,
    /// Whether client credentials are allowed.
    pub client_credentials: bool,
}

impl Default for App {
    fn default() -> Self {
        Self {
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            key: PRIVATE_KEY.to_owned(),
            run_as: Some(USERNAME.to_owned()),
            approved: true,
            admin_approved: true,
            jwt: true,
            client_credentials: true,
        }
    }
}

/// The consumer key of the application of a new sandbox.
pub const CLIENT_ID: &str = "sandbox-consumer-key";
/// Its secret.
pub const CLIENT_SECRET: &str = "sandbox-consumer-secret";
/// The integration user of a new sandbox.
pub const USERNAME: &str = "bridge@sandbox.example";
/// A private key (PKCS#8, PEM) whose signatures a new sandbox takes. It opens nothing else: anybody
/// can read it here.
pub const PRIVATE_KEY: &str = include_str!("private_key.txt");
