//! The objects that every org of the sandbox has, and those of the bridge's package.

mod cases;
mod content;
mod package;
mod people;
mod services;
mod setup;

use super::Schema;

/// All objects; with `package` also the fields and objects that the bridge has an administrator
/// deploy.
pub(crate) fn standard(package: bool, knowledge: bool) -> Schema {
    let mut objects = people::objects();
    objects.extend(cases::objects());
    objects.extend(services::objects());
    objects.extend(content::objects(knowledge));
    objects.extend(setup::objects());
    let mut schema = Schema { objects };
    if package {
        package::add(&mut schema);
    }
    schema
}
