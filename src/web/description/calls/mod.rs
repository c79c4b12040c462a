//! The calls, a list for each family. A call of the table without an entry here fails a test.

mod cmdb;
mod equipment;
mod health;
mod inbox;
mod links;
mod lists;
mod pages;
mod sending;
mod switch;
mod tickets;

use super::{operation::Operation, schemas::Schemas};

/// All of them.
pub(super) fn all(schemas: &mut Schemas) -> Vec<Operation> {
    let lists = [
        sending::calls,
        tickets::calls,
        inbox::calls,
        links::calls,
        switch::calls,
        lists::calls,
        health::calls,
        cmdb::calls,
        equipment::calls,
        pages::calls,
    ];
    lists.into_iter().flat_map(|calls| calls(schemas)).collect()
}
