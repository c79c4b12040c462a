//! The users of the sandbox, and how a request says who sends it.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{classes::Class, session::Refusal};

/// A user and what it may do. All passwords are [`PASSWORD`](super::PASSWORD).
#[derive(Debug)]
pub(super) struct User {
    pub(super) login: &'static str,
    /// The id that log entries show.
    pub(super) id: i64,
    access: Access,
    writes_tickets: bool,
    writes_configuration: bool,
    /// The companies that it may see; none means all.
    pub(super) companies: Option<&'static [i64]>,
}

/// Whether a user may use the web services.
#[derive(Debug)]
enum Access {
    /// Has the profile *REST Services User*.
    Rest,
    /// Lacks it.
    NoProfile,
    /// May use the portal alone, whatever profiles it has.
    Portal,
}

const USERS: &[User] = &[
    User {
        login: "admin",
        id: 1,
        access: Access::NoProfile,
        writes_tickets: true,
        writes_configuration: true,
        companies: None,
    },
    User {
        login: "bridge",
        id: 2,
        access: Access::Rest,
        writes_tickets: true,
        writes_configuration: true,
        companies: None,
    },
    User {
        login: "limited",
        id: 3,
        access: Access::Rest,
        writes_tickets: true,
        writes_configuration: false,
        companies: Some(&[3]),
    },
    User {
        login: "reader",
        id: 4,
        access: Access::Rest,
        writes_tickets: false,
        writes_configuration: false,
        companies: None,
    },
    User {
        login: "portal",
        id: 5,
        access: Access::Portal,
        writes_tickets: true,
        writes_configuration: false,
        companies: None,
    },
];

impl User {
    pub(super) fn may_write(&self, class: &Class) -> bool {
        if class.is_ticket() { self.writes_tickets } else { self.writes_configuration }
    }
}

/// The user of that name and password.
pub(super) fn authorized(login: &str, password: &str) -> Option<&'static User> {
    USERS.iter().find(|user| user.login == login && password == super::PASSWORD)
}

/// The user who clicks on the ticket pages.
pub(super) fn clerk() -> &'static User {
    &USERS[0]
}

/// The user that a request names, by form fields, by token, or by basic login if it asks for it.
pub(super) fn user(
    headers: &HeaderMap,
    parameter: impl Fn(&str) -> Option<String>,
) -> Result<&'static User, Refusal> {
    let named = if let Some(token) = headers.get("auth-token") {
        USERS.iter().find(|user| user.login == "bridge" && token == super::TOKEN)
    } else if parameter("login_mode").as_deref() == Some("basic") {
        basic(headers).and_then(|(login, password)| authorized(&login, &password))
    } else {
        match (parameter("auth_user"), parameter("auth_pwd")) {
            (Some(login), Some(password)) => authorized(&login, &password),
            _ => None,
        }
    };
    let user = named.ok_or_else(invalid)?;
    match user.access {
        Access::Rest => Ok(user),
        Access::NoProfile => Err(no_profile()),
        Access::Portal => Err(Refusal::Thrown(1, "Portal user is not allowed".to_owned())),
    }
}

pub(super) fn invalid() -> Refusal {
    Refusal::Thrown(1, "Invalid login".to_owned())
}

pub(super) fn no_profile() -> Refusal {
    Refusal::Thrown(
        1,
        "This user is not authorized to use the web services. (The profile REST Services User is \
         required to access the REST web services)"
            .to_owned(),
    )
}

/// User and password of a basic login. iTop splits at every colon and keeps two pieces.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let decoded = credentials(headers)?;
    let mut pieces = decoded.split(':');
    Some((pieces.next()?.to_owned(), pieces.next()?.to_owned()))
}

/// What a basic login says: `user:password`.
pub(super) fn credentials(headers: &HeaderMap) -> Option<String> {
    let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basic_password_ends_at_its_colon() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Basic YnJpZGdlOnNhbmQ6Ym94".parse().unwrap());
        assert_eq!(basic(&headers), Some(("bridge".to_owned(), "sand".to_owned())));
    }
}
