//! What an administrator deploys before the first Case: the field that holds markers, the object for CIs,
//! and a permission set for the user of the bridge. As a zip of the Metadata API.

mod archive;
mod deploy;
mod metadata;

pub(crate) use archive::archive;
pub use deploy::{Deployed, Problem};
pub use metadata::PERMISSION_SET;
pub(crate) use metadata::{document, element};

use super::Mapping;

/// The zip for a mapping, in a version of the API. The same always has the same bytes.
#[must_use]
pub fn package(mapping: &Mapping, version: &str) -> Vec<u8> {
    archive(&metadata::files(mapping, version))
}
