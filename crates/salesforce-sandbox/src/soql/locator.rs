//! Where queries go on with their next page.

use std::collections::VecDeque;

use super::ast::Query;

/// The newest are kept; who asks for an older one starts anew.
const KEPT: usize = 50;

/// A query that has more pages: what was found, as ids, in their order.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    pub(super) id: String,
    pub(super) query: Query,
    pub(super) ids: std::sync::Arc<Vec<String>>,
    pub(super) page: usize,
}

/// Cursors that are open.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    open: VecDeque<Cursor>,
    made: u64,
}

impl Cursors {
    pub(super) fn open(
        &mut self,
        query: &Query,
        ids: std::sync::Arc<Vec<String>>,
        page: usize,
    ) -> String {
        self.made += 1;
        let id = crate::ids::make("01g", self.made);
        if self.open.len() == KEPT {
            self.open.pop_front();
        }
        self.open.push_back(Cursor { id: id.clone(), query: query.clone(), ids, page });
        id
    }

    pub(super) fn get(&self, id: &str) -> Option<Cursor> {
        self.open.iter().find(|cursor| cursor.id == id).cloned()
    }
}
