//! What a synchronization counts.

/// The counters of a run: how many objects, and how many of them came with a warning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Rows that the data source has in all.
    pub replicas: u64,
    /// Rows that count as seen in this run; with a periodicity of 0, and after `synchro_exec.php`, all.
    pub touched: u64,
    /// Objects deleted.
    pub deleted: u64,
    /// Objects that could not be deleted.
    pub deletion_errors: u64,
    /// Objects changed because their rows no longer came.
    pub obsoleted: u64,
    /// Objects of these that could not be changed.
    pub obsolescence_errors: u64,
    /// Objects created.
    pub created: u64,
    /// Objects created with a warning, such as an external key that was not found.
    pub created_warnings: u64,
    /// Objects that could not be created.
    pub creation_errors: u64,
    /// Objects of earlier runs that were changed.
    pub updated: u64,
    /// Objects changed with a warning.
    pub updated_warnings: u64,
    /// Objects that could not be changed.
    pub update_errors: u64,
    /// Objects that were there before, taken over and changed.
    pub reconciled_updated: u64,
    /// Objects taken over, changed, with a warning.
    pub reconciled_warnings: u64,
    /// Objects that were there before, taken over as they were.
    pub reconciled_unchanged: u64,
    /// Rows for which none or several objects were found.
    pub reconciliation_errors: u64,
    /// Rows that no longer came, whose objects stay as they are.
    pub disappeared: u64,
}

impl Counters {
    /// Rows that did not become what they should: all errors together.
    #[must_use]
    pub fn errors(&self) -> u64 {
        let Self { deletion_errors, obsolescence_errors, creation_errors, .. } = self;
        let rows = creation_errors + self.update_errors + self.reconciliation_errors;
        rows + deletion_errors + obsolescence_errors
    }

    /// Objects that became something with a warning.
    #[must_use]
    pub fn warnings(&self) -> u64 {
        self.created_warnings + self.updated_warnings + self.reconciled_warnings
    }

    /// Objects that this run has written: a run that writes more than was sent has made real what
    /// somebody else has loaded.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.created + self.updated + self.reconciled_updated + self.obsoleted + self.deleted
    }

    /// Objects that a run must never have: nothing of the bridge deletes, or retires by absence.
    #[must_use]
    pub fn destroyed(&self) -> u64 {
        self.deleted + self.deletion_errors + self.obsoleted + self.obsolescence_errors
    }
}
