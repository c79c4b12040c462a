//! What an address takes: of query parameters those that its type has, and no others.

use axum::{
    extract::{FromRequestParts, Query, path},
    http::{Uri, request::Parts},
};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, Visitor, value},
    forward_to_deserialize_any,
};

use super::problem::ApiError;
use crate::domain::text::{cut_bytes, one_line};

/// What an address takes that takes no parameters.
#[derive(Deserialize, JsonSchema)]
pub(super) struct NoParams {}

/// Query parameters, refused in words: unknown ones too.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        refuse_unknown::<T>(&parts.uri)?;
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => {
                // The framework's own beginning says nothing to a caller.
                let text = rejection.body_text();
                let reason = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, r)| r);
                Err(ApiError::BadParameter(format!("{reason}.")))
            }
        }
    }
}

/// The variable parts of the path, refused in words.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match path::Path::from_request_parts(parts, state).await {
            Ok(path::Path(part)) => Ok(Self(part)),
            Err(rejection) => Err(ApiError::BadParameter(rejection.body_text())),
        }
    }
}

/// How much of an unknown name is shown, in bytes.
const SHOWN: usize = 64;

/// Refuses the parameters that `T` does not have, and says which it has: one that is overlooked would
/// show everything to somebody who has asked for a part.
fn refuse_unknown<T: DeserializeOwned>(uri: &Uri) -> Result<(), ApiError> {
    let Some(query) = uri.query().filter(|query| !query.is_empty()) else { return Ok(()) };
    let known = names_of::<T>();
    let names = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    for name in names.filter(|name| !name.is_empty()) {
        // Every known name is written as it is: none of their characters has to be encoded.
        if !known.contains(&name) {
            let name = one_line(cut_bytes(name, SHOWN));
            return Err(ApiError::BadParameter(if known.is_empty() {
                format!("This address takes no parameters, and the request has '{name}'.")
            } else {
                let known: Vec<_> = known.iter().map(|name| format!("'{name}'")).collect();
                format!("There is no parameter '{name}' here; there are {}.", known.join(", "))
            }));
        }
    }
    Ok(())
}

/// The names of the members of a struct: they are what it tells whoever it is read from.
fn names_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // It always fails, and has told by then.
    let _ = T::deserialize(Asked(&mut names));
    names
}

struct Asked<'n>(&'n mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, value::Error> {
        *self.0 = fields;
        Err(value::Error::custom("only asked for its names"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, value::Error> {
        Err(value::Error::custom("not a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its names count")]
    struct Some {
        state: Option<String>,
        limit: Option<usize>,
    }

    #[test]
    fn unknown_names_are_refused_with_the_known_ones() {
        let refused = |query: &str| {
            let uri = format!("/list?{query}").parse().unwrap();
            match refuse_unknown::<Some>(&uri) {
                Ok(()) => None,
                Err(ApiError::BadParameter(detail)) => Option::Some(detail),
                Err(other) => panic!("{other:?}"),
            }
        };
        for fine in ["", "state=a", "limit=1&state=b", "&&limit=2&"] {
            assert_eq!(refused(fine), None, "{fine}");
        }
        let detail = "There is no parameter 'stat' here; there are 'state', 'limit'.";
        assert_eq!(refused("limit=1&stat=new").as_deref(), Option::Some(detail));
        for wrong in ["State=a", "state%20=a", "x", "state.x=1"] {
            assert!(refused(wrong).is_some(), "{wrong}");
        }
        let none = refuse_unknown::<NoParams>(&"/list?a=secret".parse().unwrap());
        assert!(matches!(none, Err(ApiError::BadParameter(detail))
            if detail == "This address takes no parameters, and the request has 'a'."));
    }
}
