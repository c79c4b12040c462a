-- One base table a hierarchy of iTop classes, and one wide view over each ("every_..."), from
-- which classes.rs cuts one view a class. Text compares as in MySQL (collation.rs); the names of
-- classes are ASCII and read with every row, so that the collation of SQLite itself does.

CREATE TABLE base_organization (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    code TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    status TEXT NOT NULL DEFAULT 'active' COLLATE utf8mb4_unicode_ci,
    parent_id INTEGER NOT NULL DEFAULT 0,
    deliverymodel_id INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX organization_by_name ON base_organization (name);

-- Persons and teams share their ids, as in iTop.
CREATE TABLE base_contact (
    id INTEGER PRIMARY KEY,
    finalclass TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    first_name TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    status TEXT NOT NULL DEFAULT 'active' COLLATE utf8mb4_unicode_ci,
    org_id INTEGER NOT NULL,
    email TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    phone TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    notify TEXT NOT NULL DEFAULT 'yes' COLLATE utf8mb4_unicode_ci,
    function TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    employee_number TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    mobile_phone TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    manager_id INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX contact_by_org ON base_contact (org_id);

CREATE TABLE base_delivery_model (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    org_id INTEGER NOT NULL,
    description TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci
);

CREATE TABLE base_delivery_contact (
    id INTEGER PRIMARY KEY,
    deliverymodel_id INTEGER NOT NULL,
    contact_id INTEGER NOT NULL
);

CREATE TABLE base_customer_contract (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    org_id INTEGER NOT NULL,
    provider_id INTEGER NOT NULL DEFAULT 2,
    status TEXT NOT NULL DEFAULT 'production' COLLATE utf8mb4_unicode_ci
);

CREATE TABLE base_contract_service (
    id INTEGER PRIMARY KEY,
    customercontract_id INTEGER NOT NULL,
    service_id INTEGER NOT NULL
);

CREATE TABLE base_service (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    org_id INTEGER NOT NULL DEFAULT 2,
    servicefamily_name TEXT NOT NULL DEFAULT 'IT Services' COLLATE utf8mb4_unicode_ci,
    status TEXT NOT NULL DEFAULT 'production' COLLATE utf8mb4_unicode_ci,
    description TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci
);

CREATE TABLE base_service_element (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    service_id INTEGER NOT NULL,
    request_type TEXT NOT NULL DEFAULT 'service_request' COLLATE utf8mb4_unicode_ci,
    status TEXT NOT NULL DEFAULT 'production' COLLATE utf8mb4_unicode_ci,
    description TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci
);

CREATE TABLE base_ci (
    id INTEGER PRIMARY KEY,
    finalclass TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    org_id INTEGER NOT NULL,
    business_criticity TEXT NOT NULL DEFAULT 'low' COLLATE utf8mb4_unicode_ci,
    status TEXT NOT NULL DEFAULT 'production' COLLATE utf8mb4_unicode_ci,
    description TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    system_name TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    serialnumber TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    location_id INTEGER NOT NULL DEFAULT 0,
    brand_id INTEGER NOT NULL DEFAULT 0,
    model_id INTEGER NOT NULL DEFAULT 0,
    asset_number TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    move2production TEXT,
    purchase_date TEXT,
    end_of_warranty TEXT,
    managementip TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    nb_u TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    networkdevicetype_id INTEGER NOT NULL DEFAULT 0,
    osfamily_id INTEGER NOT NULL DEFAULT 0,
    osversion_id INTEGER NOT NULL DEFAULT 0,
    cpu TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    ram TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    -- The provider's own, of access points.
    ssid TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci
);
CREATE INDEX ci_by_org ON base_ci (org_id, name);

CREATE TABLE base_location (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    status TEXT NOT NULL DEFAULT 'active' COLLATE utf8mb4_unicode_ci,
    org_id INTEGER NOT NULL,
    address TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    postal_code TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    city TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    country TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci
);

-- Files that hang on tickets.
-- What the setup has installed: the application, and below it each module.
CREATE TABLE base_module (
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    version   TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    parent_id INTEGER NOT NULL DEFAULT 0
);

INSERT INTO base_module (id, name, version, parent_id) VALUES
    (1, 'datamodel', '3.2.0', 0), (2, 'iTop', '3.2.0-2', 0), (3, 'itop-config-mgmt', '3.2.0', 2),
    (4, 'itop-tickets', '3.2.0', 2), (5, 'itop-attachments', '3.2.0', 2);

CREATE TABLE base_attachment (
    id INTEGER PRIMARY KEY,
    item_class TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    item_id INTEGER NOT NULL,
    item_org_id INTEGER NOT NULL DEFAULT 0,
    creation_date TEXT,
    contents TEXT
);

-- The lists that equipment names, such as brands.
CREATE TABLE base_typology (
    id INTEGER PRIMARY KEY,
    finalclass TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    brand_id INTEGER NOT NULL DEFAULT 0,
    type TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    osfamily_id INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE base_user (id INTEGER PRIMARY KEY, login TEXT NOT NULL COLLATE utf8mb4_unicode_ci);

-- Data sources. What MySQL counts up stays counted up.
CREATE TABLE base_sync_source (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    description TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'implementation' COLLATE utf8mb4_unicode_ci,
    user_id INTEGER NOT NULL DEFAULT 0,
    scope_class TEXT NOT NULL COLLATE NOCASE,
    full_load_periodicity TEXT NOT NULL DEFAULT '0',
    reconciliation_policy TEXT NOT NULL DEFAULT 'use_attributes',
    action_on_zero TEXT NOT NULL DEFAULT 'create',
    action_on_one TEXT NOT NULL DEFAULT 'update',
    action_on_multiple TEXT NOT NULL DEFAULT 'error',
    delete_policy TEXT NOT NULL DEFAULT 'ignore',
    delete_policy_update TEXT NOT NULL DEFAULT '',
    delete_policy_retention TEXT NOT NULL DEFAULT '0',
    user_delete_policy TEXT NOT NULL DEFAULT 'nobody'
);
CREATE TABLE base_sync_attribute (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    finalclass TEXT NOT NULL COLLATE NOCASE,
    sync_source_id INTEGER NOT NULL,
    attcode TEXT NOT NULL,
    "update" INTEGER NOT NULL DEFAULT 1,
    reconcile INTEGER NOT NULL DEFAULT 0,
    update_policy TEXT NOT NULL DEFAULT 'master_locked',
    reconciliation_attcode TEXT NOT NULL DEFAULT ''
);
CREATE INDEX attribute_by_source ON base_sync_attribute (sync_source_id);
-- A replica, and with it its row of the source's own table. Two keys that compare as equal are one.
CREATE TABLE base_sync_replica (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sync_source_id INTEGER NOT NULL,
    primary_key TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    -- The columns as a JSON object; one that is missing or null was never sent.
    columns TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'new',
    status_last_seen TEXT NOT NULL,
    status_last_error TEXT NOT NULL DEFAULT '',
    status_last_warning TEXT NOT NULL DEFAULT '',
    status_dest_creator INTEGER NOT NULL DEFAULT 0,
    dest_class TEXT NOT NULL DEFAULT '',
    dest_id INTEGER NOT NULL DEFAULT 0,
    info_creation_date TEXT NOT NULL,
    -- The sets of links that were written last: the sandbox has no such links beside this text.
    linked TEXT NOT NULL DEFAULT '',
    UNIQUE (sync_source_id, primary_key)
);
CREATE INDEX replica_by_status ON base_sync_replica (sync_source_id, status);
CREATE INDEX replica_by_seen ON base_sync_replica (sync_source_id, status_last_seen);
CREATE INDEX replica_with_warning ON base_sync_replica (sync_source_id)
    WHERE status_last_warning != '';
CREATE INDEX replica_by_object ON base_sync_replica (dest_id);
CREATE TABLE base_sync_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sync_source_id INTEGER NOT NULL,
    start_date TEXT NOT NULL,
    end_date TEXT,
    status TEXT NOT NULL DEFAULT 'running',
    last_error TEXT NOT NULL DEFAULT '',
    stats_nb_replica_seen INTEGER NOT NULL DEFAULT 0,
    stats_nb_replica_total INTEGER NOT NULL DEFAULT 0,
    stats_nb_obj_deleted INTEGER NOT NULL DEFAULT 0,
    stats_nb_obj_deleted_errors INTEGER NOT NULL DEFAULT 0,
    stats_nb_obj_obsoleted INTEGER NOT NULL DEFAULT 0,
    stats_nb_obj_obsoleted_errors INTEGER NOT NULL DEFAULT 0,
    stats_nb_obj_created INTEGER NOT NULL DEFAULT 0,
    stats_nb_obj_created_errors INTEGER NOT NULL DEFAULT 0,
    stats_nb_obj_updated INTEGER NOT NULL DEFAULT 0,
    stats_nb_obj_updated_errors INTEGER NOT NULL DEFAULT 0,
    stats_nb_replica_reconciled_errors INTEGER NOT NULL DEFAULT 0,
    stats_nb_replica_disappeared_no_action INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX log_by_source ON base_sync_log (sync_source_id);

-- What iTop's impact analysis adds to a ticket by itself.
CREATE TABLE ci_impact (source_id INTEGER NOT NULL, impacted_id INTEGER NOT NULL);

CREATE TABLE base_ticket (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    finalclass TEXT NOT NULL COLLATE NOCASE,
    ref TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    org_id INTEGER NOT NULL,
    title TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    description TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    status TEXT NOT NULL DEFAULT 'new' COLLATE utf8mb4_unicode_ci,
    operational_status TEXT NOT NULL DEFAULT 'ongoing' COLLATE utf8mb4_unicode_ci,
    impact TEXT NOT NULL DEFAULT '1' COLLATE utf8mb4_unicode_ci,
    urgency TEXT NOT NULL DEFAULT '4' COLLATE utf8mb4_unicode_ci,
    priority TEXT NOT NULL DEFAULT '4' COLLATE utf8mb4_unicode_ci,
    origin TEXT NOT NULL DEFAULT 'phone' COLLATE utf8mb4_unicode_ci,
    request_type TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    caller_id INTEGER NOT NULL DEFAULT 0,
    team_id INTEGER NOT NULL DEFAULT 0,
    agent_id INTEGER NOT NULL DEFAULT 0,
    service_id INTEGER NOT NULL DEFAULT 0,
    servicesubcategory_id INTEGER NOT NULL DEFAULT 0,
    start_date TEXT,
    end_date TEXT,
    last_update TEXT,
    assignment_date TEXT,
    last_pending_date TEXT,
    resolution_date TEXT,
    close_date TEXT,
    pending_reason TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    resolution_code TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    solution TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    user_satisfaction TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    parent_incident_id INTEGER NOT NULL DEFAULT 0,
    -- Of changes.
    reason TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    requestor_id INTEGER NOT NULL DEFAULT 0,
    creation_date TEXT,
    outage TEXT NOT NULL DEFAULT 'no' COLLATE utf8mb4_unicode_ci,
    fallback TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    -- The provider's own, of security incidents.
    severity TEXT NOT NULL DEFAULT 'low' COLLATE utf8mb4_unicode_ci,
    -- A log is kept twice: as the text that a query searches, and as the entries of an answer.
    private_log TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    private_log_entries TEXT NOT NULL DEFAULT '[]',
    public_log TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    public_log_entries TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX ticket_by_ref ON base_ticket (ref);

CREATE TABLE base_ticket_ci (
    id INTEGER PRIMARY KEY,
    ticket_id INTEGER NOT NULL,
    functionalci_id INTEGER NOT NULL,
    impact TEXT NOT NULL DEFAULT '',
    impact_code TEXT NOT NULL DEFAULT 'manual'
);
CREATE INDEX ticket_ci_by_ticket ON base_ticket_ci (ticket_id);

CREATE TABLE base_ticket_contact (
    id INTEGER PRIMARY KEY,
    ticket_id INTEGER NOT NULL,
    contact_id INTEGER NOT NULL,
    role TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    role_code TEXT NOT NULL DEFAULT 'manual' COLLATE utf8mb4_unicode_ci
);

-- What is known of how things are done, and of what goes wrong.
CREATE TABLE base_faq_category (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE utf8mb4_unicode_ci);
CREATE TABLE base_faq (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    summary TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    description TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    category_id INTEGER NOT NULL,
    error_code TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    key_words TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci
);
CREATE TABLE base_known_error (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    org_id INTEGER NOT NULL,
    symptom TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    root_cause TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    workaround TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    solution TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    error_code TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    domain TEXT NOT NULL DEFAULT 'Application' COLLATE utf8mb4_unicode_ci
);

-- A class of the provider's own.
CREATE TABLE base_site_visit (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL COLLATE utf8mb4_unicode_ci,
    org_id INTEGER NOT NULL,
    visitor_id INTEGER NOT NULL DEFAULT 0,
    visited_on TEXT,
    hours TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci,
    billed TEXT NOT NULL DEFAULT 'no' COLLATE utf8mb4_unicode_ci,
    report TEXT NOT NULL DEFAULT '' COLLATE utf8mb4_unicode_ci
);

-- The number that the next ticket of a class gets in its ref. Refused creates consume one too.
CREATE TABLE ref_counter (class TEXT PRIMARY KEY, next INTEGER NOT NULL);
-- From the first ticket on, a ref does not tell the id.
INSERT INTO ref_counter VALUES
    ('UserRequest', 208), ('Incident', 109), ('NormalChange', 1), ('SecurityIncident', 1);
INSERT INTO sqlite_sequence VALUES ('base_ticket', 100);

CREATE VIEW every_organization AS
SELECT o.id, 'Organization' AS finalclass, o.name AS friendlyname,
       (o.status = 'inactive') AS obsolescence_flag, NULL AS obsolescence_date,
       o.name, o.code, o.status, o.parent_id,
       coalesce(p.name, '') COLLATE utf8mb4_unicode_ci AS parent_id_friendlyname,
       coalesce(p.name, '') COLLATE utf8mb4_unicode_ci AS parent_name,
       o.deliverymodel_id,
       coalesce(d.name, '') COLLATE utf8mb4_unicode_ci AS deliverymodel_id_friendlyname,
       coalesce(d.name, '') COLLATE utf8mb4_unicode_ci AS deliverymodel_name
FROM base_organization o
LEFT JOIN base_organization p ON p.id = o.parent_id
LEFT JOIN base_delivery_model d ON d.id = o.deliverymodel_id;

CREATE VIEW every_contact AS
SELECT c.id, c.finalclass,
       CASE c.finalclass WHEN 'Person' THEN c.first_name || ' ' || c.name ELSE c.name END
           COLLATE utf8mb4_unicode_ci AS friendlyname,
       (c.status = 'inactive') AS obsolescence_flag, NULL AS obsolescence_date,
       c.name, c.status, c.org_id,
       coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS org_id_friendlyname,
       coalesce(o.status = 'inactive', 0) AS org_id_obsolescence_flag,
       coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS org_name,
       c.email, c.phone, c.notify, c.function, c.first_name, c.employee_number, c.mobile_phone,
       0 AS location_id, '' AS location_id_friendlyname, 0 AS location_id_obsolescence_flag,
       '' AS location_name, c.manager_id,
       coalesce(m.first_name, '') || ' ' || coalesce(m.name, '') AS manager_id_friendlyname,
       coalesce(m.status = 'inactive', 0) AS manager_id_obsolescence_flag,
       coalesce(m.name, '') COLLATE utf8mb4_unicode_ci AS manager_name
FROM base_contact c
LEFT JOIN base_organization o ON o.id = c.org_id
LEFT JOIN base_contact m ON m.id = c.manager_id;

CREATE VIEW every_delivery_model AS
SELECT d.id, 'DeliveryModel' AS finalclass, d.name AS friendlyname, d.name, d.org_id,
       coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS org_id_friendlyname,
       coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS organization_name, d.description
FROM base_delivery_model d
LEFT JOIN base_organization o ON o.id = d.org_id;

CREATE VIEW every_delivery_contact AS
SELECT l.id, 'lnkDeliveryModelToContact' AS finalclass,
       coalesce(d.name, '') || ' / ' || coalesce(c.name, '') COLLATE utf8mb4_unicode_ci AS friendlyname,
       l.deliverymodel_id, coalesce(d.name, '') COLLATE utf8mb4_unicode_ci AS deliverymodel_name,
       l.contact_id, coalesce(c.name, '') COLLATE utf8mb4_unicode_ci AS contact_name
FROM base_delivery_contact l
LEFT JOIN base_delivery_model d ON d.id = l.deliverymodel_id
LEFT JOIN base_contact c ON c.id = l.contact_id;

CREATE VIEW every_customer_contract AS
SELECT c.id, 'CustomerContract' AS finalclass, c.name AS friendlyname,
       (c.status = 'obsolete') AS obsolescence_flag, NULL AS obsolescence_date,
       c.name, c.org_id, coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS org_id_friendlyname,
       coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS organization_name,
       c.provider_id, coalesce(p.name, '') COLLATE utf8mb4_unicode_ci AS provider_name, c.status
FROM base_customer_contract c
LEFT JOIN base_organization o ON o.id = c.org_id
LEFT JOIN base_organization p ON p.id = c.provider_id;

CREATE VIEW every_contract_service AS
SELECT l.id, 'lnkCustomerContractToService' AS finalclass,
       coalesce(c.name, '') || ' / ' || coalesce(s.name, '') COLLATE utf8mb4_unicode_ci AS friendlyname,
       l.customercontract_id, coalesce(c.name, '') COLLATE utf8mb4_unicode_ci AS customercontract_name,
       l.service_id, coalesce(s.name, '') COLLATE utf8mb4_unicode_ci AS service_name
FROM base_contract_service l
LEFT JOIN base_customer_contract c ON c.id = l.customercontract_id
LEFT JOIN base_service s ON s.id = l.service_id;

CREATE VIEW every_service AS
SELECT s.id, 'Service' AS finalclass, s.name AS friendlyname,
       (s.status = 'obsolete') AS obsolescence_flag, NULL AS obsolescence_date,
       s.name, s.org_id, coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS org_id_friendlyname,
       coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS organization_name,
       s.servicefamily_name, s.description, s.status
FROM base_service s
LEFT JOIN base_organization o ON o.id = s.org_id;

CREATE VIEW every_service_element AS
SELECT e.id, 'ServiceSubcategory' AS finalclass, e.name AS friendlyname,
       (e.status = 'obsolete') AS obsolescence_flag, NULL AS obsolescence_date,
       e.name, e.description, e.service_id,
       coalesce(s.name, '') COLLATE utf8mb4_unicode_ci AS service_id_friendlyname,
       coalesce(s.name, '') COLLATE utf8mb4_unicode_ci AS service_name,
       coalesce(s.org_id, 0) AS service_org_id, e.request_type, e.status
FROM base_service_element e
LEFT JOIN base_service s ON s.id = e.service_id;

CREATE VIEW every_ci AS
SELECT c.id, c.finalclass,
       CASE c.system_name WHEN '' THEN c.name ELSE c.name || ' ' || c.system_name END
           COLLATE utf8mb4_unicode_ci AS friendlyname,
       (c.status IN ('obsolete', 'inactive')) AS obsolescence_flag, NULL AS obsolescence_date,
       c.name, c.description, c.org_id,
       coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS org_id_friendlyname,
       coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS organization_name,
       c.business_criticity, c.status, c.system_name,
       -- Names as subqueries: who does not ask for them does not pay for them.
       c.serialnumber, c.location_id,
       (SELECT name FROM base_location WHERE id = c.location_id) COLLATE utf8mb4_unicode_ci
           AS location_name,
       c.brand_id,
       (SELECT name FROM base_typology WHERE id = c.brand_id) COLLATE utf8mb4_unicode_ci
           AS brand_name,
       c.model_id,
       (SELECT name FROM base_typology WHERE id = c.model_id) COLLATE utf8mb4_unicode_ci
           AS model_name,
       c.asset_number, c.move2production, c.purchase_date, c.end_of_warranty, c.managementip, c.nb_u,
       c.networkdevicetype_id,
       (SELECT name FROM base_typology WHERE id = c.networkdevicetype_id)
           COLLATE utf8mb4_unicode_ci AS networkdevicetype_name,
       c.osfamily_id,
       (SELECT name FROM base_typology WHERE id = c.osfamily_id) COLLATE utf8mb4_unicode_ci
           AS osfamily_name,
       c.osversion_id,
       (SELECT name FROM base_typology WHERE id = c.osversion_id) COLLATE utf8mb4_unicode_ci
           AS osversion_name,
       c.cpu, c.ram, c.ssid
FROM base_ci c
LEFT JOIN base_organization o ON o.id = c.org_id;

CREATE VIEW every_location AS
SELECT l.id, 'Location' AS finalclass, l.name AS friendlyname,
       (l.status = 'inactive') AS obsolescence_flag, NULL AS obsolescence_date,
       l.name, l.status, l.org_id, coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS org_name,
       l.address, l.postal_code, l.city, l.country
FROM base_location l
LEFT JOIN base_organization o ON o.id = l.org_id;

CREATE VIEW every_attachment AS
SELECT a.*, 'Attachment' AS finalclass,
       a.item_class || ' ' || a.item_id COLLATE utf8mb4_unicode_ci AS friendlyname
FROM base_attachment a;

CREATE VIEW every_typology AS
SELECT t.id, t.finalclass, t.name AS friendlyname, t.name, t.brand_id,
       coalesce(b.name, '') COLLATE utf8mb4_unicode_ci AS brand_name, t.type, t.osfamily_id,
       coalesce(f.name, '') COLLATE utf8mb4_unicode_ci AS osfamily_name
FROM base_typology t
LEFT JOIN base_typology b ON b.id = t.brand_id
LEFT JOIN base_typology f ON f.id = t.osfamily_id;

CREATE VIEW every_module AS
SELECT m.*, 'ModuleInstallation' AS finalclass, m.name AS friendlyname FROM base_module m;

CREATE VIEW every_user AS
SELECT id, 'UserLocal' AS finalclass, login AS friendlyname, login FROM base_user;

CREATE VIEW every_sync_source AS
SELECT s.*, 'SynchroDataSource' AS finalclass, s.name AS friendlyname,
       coalesce(u.login, '') AS user_id_friendlyname,
       'synchro_data_' || lower(s.scope_class) || '_' || s.id AS database_table_name
FROM base_sync_source s
LEFT JOIN base_user u ON u.id = s.user_id;

CREATE VIEW every_sync_attribute AS
SELECT *, attcode AS friendlyname FROM base_sync_attribute;

CREATE VIEW every_sync_replica AS
SELECT *, 'SynchroReplica' AS finalclass, 'SynchroReplica' AS friendlyname FROM base_sync_replica;

CREATE VIEW every_sync_log AS
SELECT *, 'SynchroLog' AS finalclass, 'SynchroLog' AS friendlyname FROM base_sync_log;

CREATE VIEW every_ticket AS
SELECT t.*, t.ref AS friendlyname,
       -- As a subquery: who does not ask for it does not pay for it.
       (SELECT ref FROM base_ticket WHERE id = t.parent_incident_id) COLLATE utf8mb4_unicode_ci
           AS parent_incident_ref,
       coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS org_id_friendlyname,
       coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS org_name,
       coalesce(c.first_name, '') || ' ' || coalesce(c.name, '') COLLATE utf8mb4_unicode_ci
           AS caller_id_friendlyname,
       coalesce(c.name, '') COLLATE utf8mb4_unicode_ci AS caller_name,
       coalesce(g.name, '') COLLATE utf8mb4_unicode_ci AS team_id_friendlyname,
       coalesce(g.name, '') COLLATE utf8mb4_unicode_ci AS team_name,
       coalesce(a.first_name, '') || ' ' || coalesce(a.name, '') COLLATE utf8mb4_unicode_ci
           AS agent_id_friendlyname,
       coalesce(a.name, '') COLLATE utf8mb4_unicode_ci AS agent_name,
       coalesce(s.name, '') COLLATE utf8mb4_unicode_ci AS service_id_friendlyname,
       coalesce(s.name, '') COLLATE utf8mb4_unicode_ci AS service_name,
       coalesce(e.name, '') COLLATE utf8mb4_unicode_ci AS servicesubcategory_id_friendlyname,
       coalesce(e.name, '') COLLATE utf8mb4_unicode_ci AS servicesubcategory_name
FROM base_ticket t
LEFT JOIN base_organization o ON o.id = t.org_id
LEFT JOIN base_contact c ON c.id = t.caller_id
LEFT JOIN base_contact g ON g.id = t.team_id
LEFT JOIN base_contact a ON a.id = t.agent_id
LEFT JOIN base_service s ON s.id = t.service_id
LEFT JOIN base_service_element e ON e.id = t.servicesubcategory_id;

CREATE VIEW every_ticket_ci AS
SELECT l.id, 'lnkFunctionalCIToTicket' AS finalclass,
       coalesce(c.name, '') || ' / ' || coalesce(t.ref, '') COLLATE utf8mb4_unicode_ci AS friendlyname,
       l.ticket_id, coalesce(t.ref, '') COLLATE utf8mb4_unicode_ci AS ticket_ref,
       l.functionalci_id, coalesce(c.name, '') COLLATE utf8mb4_unicode_ci AS functionalci_name,
       coalesce(c.friendlyname, '') COLLATE utf8mb4_unicode_ci AS functionalci_id_friendlyname,
       coalesce(c.finalclass, '') AS functionalci_id_finalclass_recall,
       '' AS functionalci_id_obsolescence_flag, l.impact, l.impact_code
FROM base_ticket_ci l
LEFT JOIN every_ci c ON c.id = l.functionalci_id
LEFT JOIN base_ticket t ON t.id = l.ticket_id;

CREATE VIEW every_ticket_contact AS
SELECT l.id, 'lnkContactToTicket' AS finalclass,
       coalesce(t.ref, '') || ' / ' || coalesce(c.name, '') COLLATE utf8mb4_unicode_ci AS friendlyname,
       l.ticket_id, coalesce(t.ref, '') COLLATE utf8mb4_unicode_ci AS ticket_ref,
       l.contact_id, coalesce(c.name, '') COLLATE utf8mb4_unicode_ci AS contact_name,
       coalesce(c.email, '') COLLATE utf8mb4_unicode_ci AS contact_email, l.role, l.role_code
FROM base_ticket_contact l
LEFT JOIN base_contact c ON c.id = l.contact_id
LEFT JOIN base_ticket t ON t.id = l.ticket_id;

CREATE VIEW every_faq_category AS
SELECT id, 'FAQCategory' AS finalclass, name AS friendlyname, name FROM base_faq_category;

CREATE VIEW every_faq AS
SELECT f.*, 'FAQ' AS finalclass, f.title AS friendlyname,
       coalesce(c.name, '') COLLATE utf8mb4_unicode_ci AS category_name
FROM base_faq f
LEFT JOIN base_faq_category c ON c.id = f.category_id;

CREATE VIEW every_known_error AS
SELECT k.*, 'KnownError' AS finalclass, k.name AS friendlyname,
       coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS org_id_friendlyname,
       coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS cust_name
FROM base_known_error k
LEFT JOIN base_organization o ON o.id = k.org_id;

CREATE VIEW every_site_visit AS
SELECT v.*, 'SiteVisit' AS finalclass, v.name AS friendlyname,
       coalesce(o.name, '') COLLATE utf8mb4_unicode_ci AS org_id_friendlyname
FROM base_site_visit v
LEFT JOIN base_organization o ON o.id = v.org_id;
