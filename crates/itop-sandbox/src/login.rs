//! The users of the sandbox, and how a request says who sends it.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{classes::Class, refusal::Refusal};

/// A user and what it may do. All passwords are [`PASSWORD`](super::PASSWORD).
#[derive(Debug)]
pub(super) struct User {
    pub(super) login: &'static str,
    /// The id that log entries show.
    pub(super) id: i64,
    access: Access,
    rights: &'static [Right],
    /// The companies that it may see; none means all.
    pub(super) companies: Option<&'static [i64]>,
}

/// What a user may beyond reading.
#[derive(Debug, PartialEq, Eq)]
enum Right {
    /// Write tickets.
    Tickets,
    /// Write configuration: everything that is no ticket, and not for administrators alone.
    Configuration,
    /// Write in bulk (`import.php`) what it may write at all.
    Bulk,
    /// Everything about data sources and accounts.
    Administrator,
}

use Right::{Administrator, Bulk, Configuration, Tickets};

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

// `bridge` is recorded not to write in bulk; what it may write one by one is more than it was
// recorded to need. The id of `cmdb` is the recorded one.
pub(super) const USERS: &[User] = &[
    user_of("admin", 1, Access::NoProfile, &[Tickets, Configuration, Bulk, Administrator]),
    user_of("bridge", 2, Access::Rest, &[Tickets, Configuration]),
    User { companies: Some(&[3]), ..user_of("limited", 3, Access::Rest, &[Tickets]) },
    user_of("cmdb", 4, Access::Rest, &[Configuration, Bulk]),
    user_of("portal", 5, Access::Portal, &[Tickets]),
    user_of("reader", 6, Access::Rest, &[]),
    user_of("labadmin", 7, Access::Rest, &[Tickets, Configuration, Bulk, Administrator]),
    user_of("restonly", 8, Access::Rest, &[]),
    User {
        companies: Some(&[3]),
        ..user_of("limitedcmdb", 9, Access::Rest, &[Tickets, Configuration, Bulk])
    },
];

const fn user_of(login: &'static str, id: i64, access: Access, rights: &'static [Right]) -> User {
    User { login, id, access, rights, companies: None }
}

impl User {
    /// Whether it has the profile *Administrator*.
    pub(super) fn is_administrator(&self) -> bool {
        self.rights.contains(&Administrator)
    }

    pub(super) fn may_read(&self, class: &Class) -> bool {
        self.is_administrator() || !class.is_administrative()
    }

    pub(super) fn may_write(&self, class: &Class) -> bool {
        let right = if class.is_administrative() {
            Administrator
        } else if class.is_ticket() {
            Tickets
        } else {
            Configuration
        };
        self.rights.contains(&right)
    }

    pub(super) fn may_write_in_bulk(&self, class: &Class) -> bool {
        self.rights.contains(&Bulk) && self.may_write(class)
    }

    /// May use the portal alone.
    pub(super) fn is_of_the_portal(&self) -> bool {
        matches!(self.access, Access::Portal)
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

/// The user that a request names, by form fields, by token, or by basic login if it asks for it;
/// whether it may use the page is another question.
pub(super) fn named(
    headers: &HeaderMap,
    parameter: impl Fn(&str) -> Option<String>,
) -> Option<&'static User> {
    if let Some(token) = headers.get("auth-token") {
        USERS.iter().find(|user| user.login == "bridge" && token == super::TOKEN)
    } else if parameter("login_mode").as_deref() == Some("basic") {
        basic(headers).and_then(|(login, password)| authorized(&login, &password))
    } else {
        match (parameter("auth_user"), parameter("auth_pwd")) {
            (Some(login), Some(password)) => authorized(&login, &password),
            _ => None,
        }
    }
}

/// The user that a request to REST names.
pub(super) fn user(
    headers: &HeaderMap,
    parameter: impl Fn(&str) -> Option<String>,
) -> Result<&'static User, Refusal> {
    let user = named(headers, parameter).ok_or_else(invalid)?;
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
