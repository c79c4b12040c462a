//! Data sources, and what belongs to them.

use super::{Attribute, Kind, NAME, attribute, computed, mandatory, text};

const ON_ZERO: Kind = Kind::Choice(&["create", "error"]);
const ON_ONE: Kind = Kind::Choice(&["update", "error"]);
const ON_MULTIPLE: Kind = Kind::Choice(&["take_first", "create", "error"]);

pub(super) const SOURCE: &[Attribute] = &[
    NAME,
    text("description", "Description"),
    mandatory("status", "Status", Kind::Choice(&["implementation", "production", "obsolete"])),
    attribute("user_id", "User", Kind::Reference("User")),
    computed("user_id_friendlyname"),
    mandatory("scope_class", "Target class", Kind::Text(255)),
    computed("database_table_name"),
    text("full_load_periodicity", "Full load interval"),
    mandatory(
        "reconciliation_policy",
        "Reconciliation policy",
        Kind::Choice(&["use_attributes", "use_primary_key"]),
    ),
    attribute("action_on_zero", "Action on zero", ON_ZERO),
    attribute("action_on_one", "Action on one", ON_ONE),
    attribute("action_on_multiple", "Action on many", ON_MULTIPLE),
    attribute(
        "delete_policy",
        "Delete policy",
        Kind::Choice(&["ignore", "delete", "update", "update_then_delete"]),
    ),
    text("delete_policy_update", "Update rules"),
    text("delete_policy_retention", "Retention Duration"),
    attribute(
        "user_delete_policy",
        "Users allowed",
        Kind::Choice(&["everybody", "administrators", "nobody"]),
    ),
    attribute("attribute_list", "Attributes", Kind::SourceAttributes),
];
pub(super) const SOURCE_ATTRIBUTE: &[Attribute] = &[
    attribute("sync_source_id", "Synchro Data Source", Kind::Reference("SynchroDataSource")),
    mandatory("attcode", "Attribute code", Kind::Text(255)),
    attribute("update", "Update?", Kind::Switch),
    attribute("reconcile", "Reconcile?", Kind::Switch),
    attribute(
        "update_policy",
        "Update Policy",
        Kind::Choice(&["master_locked", "master_unlocked", "write_if_empty"]),
    ),
];
pub(super) const SOURCE_KEY: &[Attribute] =
    &[text("reconciliation_attcode", "Reconciliation Attribute")];
/// The key of a row is not among them: REST does not show it (seen).
pub(super) const REPLICA: &[Attribute] = &[
    attribute("sync_source_id", "Synchro Data Source", Kind::Reference("SynchroDataSource")),
    attribute("dest_id", "Destination object", Kind::Computed),
    attribute("dest_class", "Destination type", Kind::Computed),
    computed("status_last_seen"),
    computed("status"),
    attribute("status_dest_creator", "Object created ?", Kind::Flag),
    computed("status_last_error"),
    computed("status_last_warning"),
    computed("info_creation_date"),
];
pub(super) const LOG: &[Attribute] = &[
    attribute("sync_source_id", "Synchro Data Source", Kind::Reference("SynchroDataSource")),
    computed("start_date"),
    computed("end_date"),
    computed("status"),
    computed("last_error"),
    computed("stats_nb_replica_seen"),
    computed("stats_nb_replica_total"),
    computed("stats_nb_obj_deleted"),
    computed("stats_nb_obj_deleted_errors"),
    computed("stats_nb_obj_obsoleted"),
    computed("stats_nb_obj_obsoleted_errors"),
    computed("stats_nb_obj_created"),
    computed("stats_nb_obj_created_errors"),
    computed("stats_nb_obj_updated"),
    computed("stats_nb_obj_updated_errors"),
    computed("stats_nb_replica_reconciled_errors"),
    computed("stats_nb_replica_disappeared_no_action"),
];
pub(super) const USER: &[Attribute] = &[text("login", "Login")];
