//! What happens on that day.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::shown::Shown;
use crate::desk::DeskName;

/// A company of ServiceNav.
pub(super) struct Company {
    pub(super) id: u32,
    pub(super) name: &'static str,
    /// Where its tickets are, if both ticket systems are shown.
    desk: DeskName,
    /// Its organization in iTop and its default team; `None` for the one that nobody has linked yet.
    linked: Option<(i64, &'static str)>,
}

impl Company {
    /// Where its tickets are.
    pub(super) fn desk(&self, shown: Shown) -> DeskName {
        shown.desk(self.desk)
    }

    pub(super) fn link(&self, shown: Shown) -> Option<(u32, Value)> {
        let (organization, team) = self.linked?;
        let link = match self.desk(shown) {
            DeskName::Itop => {
                json!({"name": self.name, "organization": {"id": organization}, "team": team})
            }
            // An Account is called as the company is.
            desk @ DeskName::Salesforce => {
                json!({"desk": desk, "name": self.name, "organization": self.name, "team": team})
            }
        };
        Some((self.id, link))
    }
}

pub(super) const COMPANIES: &[Company] = &[DEMO, LOGISTICS, HOSPITAL, RETAIL, OBRIEN];
const DEMO: Company = company(42, "Demo", DeskName::Itop, Some((3, "Helpdesk")));
const LOGISTICS: Company =
    company(51, "ACME Logistics", DeskName::Salesforce, Some((5002, "On-call team")));
const HOSPITAL: Company =
    company(52, "Hôpital Saint-Éloi", DeskName::Itop, Some((5004, "Helpdesk")));
const RETAIL: Company = company(53, "ACME Retail", DeskName::Itop, None);
const OBRIEN: Company =
    company(54, "O'Brien & Sons", DeskName::Salesforce, Some((5005, "Helpdesk")));

const fn company(
    id: u32,
    name: &'static str,
    desk: DeskName,
    linked: Option<(i64, &'static str)>,
) -> Company {
    Company { id, name, desk, linked }
}

/// A piece of equipment, as ServiceNav lists it.
pub(super) struct Piece {
    id: u32,
    name: &'static str,
    category: &'static str,
    address: &'static str,
    manufacturer: &'static str,
    os: &'static str,
}

impl Piece {
    pub(super) fn row(&self) -> Value {
        let mut row = json!({
            "id": self.id, "name": self.name, "category": self.category, "address": self.address,
        });
        for (name, value) in [("manufacturer", self.manufacturer), ("os", self.os)] {
            if !value.is_empty() {
                row[name] = json!(value);
            }
        }
        row
    }
}

/// How one is written below.
const fn piece(
    id: u32,
    name: &'static str,
    category: &'static str,
    address: &'static str,
    (manufacturer, os): (&'static str, &'static str),
) -> Piece {
    Piece { id, name, category, address, manufacturer, os }
}

/// What has become of a ticket by the time the demo begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    New,
    Assigned,
    Pending,
    Resolved,
    Closed,
    Deleted,
}

/// An alert that somebody has acknowledged.
pub(super) struct Alert {
    pub(super) minutes_ago: i64,
    pub(super) control: &'static str,
    pub(super) fate: Fate,
    pub(super) company: &'static Company,
    pub(super) equipment: &'static str,
    name: &'static str,
    kind: Kind,
    criticality: &'static str,
    state: &'static str,
    output: &'static str,
    author: &'static str,
    comment: &'static str,
    /// A ticket that the operator names.
    existing: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Kind {
    Equipment,
    Service,
    View,
}

impl Alert {
    /// As ServiceNav posts it; the alert began a while before.
    pub(super) fn event(&self, now: Timestamp) -> Value {
        let since = now - SignedDuration::from_mins(7);
        let (kind, equipment) = match self.kind {
            Kind::Equipment => ("equipment", Some(self.equipment)),
            Kind::Service => ("service", Some(self.equipment)),
            Kind::View => ("user_service", None),
        };
        let mut event = json!({
            "event_id": format!("demo:{}", self.control), "created_at": now,
            "company": {"id": self.company.id, "name": self.company.name},
            "control": {"id": self.control, "element_type": kind, "name": self.name,
                        "criticality": self.criticality, "state": self.state,
                        "status_changed_at": since, "output": self.output},
            "acknowledgement": {"author": {"name": self.author}, "comment": self.comment}
        });
        if let Some(equipment) = equipment {
            event["equipment"] = json!({"name": equipment});
        }
        if let Some(existing) = self.existing {
            event["ticket"] = json!({"existing_ref": existing});
        }
        event
    }
}

/// How one is written below.
#[expect(clippy::too_many_arguments, reason = "the columns of a table")]
const fn alert(
    minutes_ago: i64,
    company: &'static Company,
    (kind, equipment, name): (Kind, &'static str, &'static str),
    control: &'static str,
    criticality: &'static str,
    (state, output): (&'static str, &'static str),
    (author, comment): (&'static str, &'static str),
    fate: Fate,
) -> Alert {
    Alert {
        minutes_ago,
        control,
        fate,
        company,
        equipment,
        name,
        kind,
        criticality,
        state,
        output,
        author,
        comment,
        existing: None,
    }
}

use Fate::{Assigned, Closed, Deleted, New, Pending, Resolved};
use Kind::{Equipment, Service, View};

const MARIE: &str = "Marie Durand";
const PAUL: &str = "Paul Leroy";
const LUCIE: &str = "Lucie Girard";

#[rustfmt::skip]
pub(super) const ALERTS: &[Alert] = &[
    alert(1410, &HOSPITAL, (Service, "vm-dossier-patient", "Backup nightly"), "svc-5210", "medium",
        ("WARNING", "BACKUP WARNING - last full backup 27 h ago"), (LUCIE, "Tape change forgotten"), Closed),
    alert(1380, &LOGISTICS, (Service, "web01.acme.example", "HTTPS certificate"), "svc-5120", "medium",
        ("WARNING", "CERT WARNING - expires in 13 days"), (PAUL, "Renewal ordered"), Resolved),
    alert(1335, &OBRIEN, (Service, "o'brien-nas", "RAID"), "svc-5401", "high",
        ("CRITICAL", "RAID CRITICAL - md0 degraded [U_]"), (PAUL, "Spare disk is on its way"), Closed),
    alert(1270, &LOGISTICS, (Equipment, "sw-depot-1", "sw-depot-1"), "host-5103", "high",
        ("DOWN", "PING CRITICAL - Packet loss = 100%"), (LUCIE, "Power cut in the depot"), Closed),
    alert(1190, &DEMO, (Service, "Server1", "Memory"), "svc-4201", "low",
        ("WARNING", "MEMORY WARNING - 91% used"), (MARIE, "Known leak, restart tonight"), Closed),
    alert(1120, &HOSPITAL, (Service, "sw-bloc-opératoire", "Temperature"), "svc-5220", "high",
        ("WARNING", "TEMP WARNING - 34 °C"), (PAUL, "Air conditioning is being repaired"), Resolved),
    alert(1050, &LOGISTICS, (Service, "db01.acme.example", "Oracle TNS listener"), "svc-5130", "high",
        ("CRITICAL", "TNS-12541: no listener"), (LUCIE, "Restarted, watching"), Closed),
    alert(960, &OBRIEN, (Service, "Printer 100% \"lobby\"", "Toner"), "svc-5402", "low",
        ("WARNING", "TONER WARNING - black 4%"), (MARIE, "Ordered"), Deleted),
    alert(905, &DEMO, (Service, "Server2", "CPU load"), "svc-4202", "medium",
        ("CRITICAL", "LOAD CRITICAL - 18.2, 17.9, 15.1"), (MARIE, "Batch run too long"), Resolved),
    alert(840, &LOGISTICS, (Service, "web01.acme.example", "HTTP intranet"), "svc-5121", "medium",
        ("CRITICAL", "HTTP CRITICAL - 503 Service Unavailable"), (PAUL, "Rolling back"), Closed),
    alert(780, &HOSPITAL, (View, "", "Imaging"), "view-5201", "high",
        ("DEGRADED", ""), (PAUL, "One of two servers is down"), Resolved),
    alert(725, &HOSPITAL, (Service, "vm-dossier-patient", "Replication lag"), "svc-5211", "high",
        ("WARNING", "LAG WARNING - 312 s"), (LUCIE, "Network team informed"), Pending),
    alert(640, &LOGISTICS, (Service, "db01.acme.example", "Tablespace USERS"), "svc-5131", "medium",
        ("WARNING", "TABLESPACE WARNING - 88% used"), (MARIE, "Extension planned on Friday"), Pending),
    alert(610, &OBRIEN, (Service, "o'brien-nas", "SMART"), "svc-5403", "medium",
        ("WARNING", "SMART WARNING - 12 reallocated sectors"), (PAUL, "Disk to be changed"), Assigned),
    alert(540, &DEMO, (Service, "Server3", "NTP"), "svc-4203", "low",
        ("WARNING", "NTP WARNING - offset 1.9 s"), (MARIE, "Looking at it"), Resolved),
    alert(455, &LOGISTICS, (Service, "printsrv", "Spooler"), "svc-5140", "low",
        ("CRITICAL", "SPOOLER CRITICAL - 214 jobs waiting"), (LUCIE, "Queue emptied"), Resolved),
    alert(390, &HOSPITAL, (Service, "srv-imagerie", "PACS import"), "svc-5230", "high",
        ("CRITICAL", "PACS CRITICAL - 61 studies not imported"), (PAUL, "Vendor is called"), Assigned),
    alert(385, &HOSPITAL, (Service, "srv-imagerie", "Disk E:"), "svc-5231", "high",
        ("WARNING", "DISK WARNING - E: 91% used"), (PAUL, "Comes with the import"), Assigned),
    alert(310, &LOGISTICS, (Service, "web01.acme.example", "Sessions"), "svc-5122", "medium",
        ("WARNING", "SESSIONS WARNING - 812 of 900"), (MARIE, "End of month"), Assigned),
    alert(240, &DEMO, (Service, "Server4", "Windows updates"), "svc-4204", "low",
        ("WARNING", "UPDATES WARNING - 3 critical updates missing"), (LUCIE, "Maintenance on Sunday"), Pending),
    alert(170, &LOGISTICS, (Service, "db01.acme.example", "Archive log"), "svc-5132", "high",
        ("CRITICAL", "ARCHIVE CRITICAL - destination full"), (LUCIE, "Moving logs"), Resolved),
    alert(95, &OBRIEN, (Equipment, "o'brien-nas", "o'brien-nas"), "host-5404", "medium",
        ("DOWN", "PING CRITICAL - Packet loss = 100%"), (MARIE, "Calling the director"), Assigned),
    alert(72, &LOGISTICS, (View, "", "Order preparation"), "view-5102", "high",
        ("DEGRADED", ""), (MARIE, "Watching it"), Assigned),
    Alert { existing: Some("I-000042"), ..alert(48, &DEMO, (Service, "Server2", "SQL Server agent"), "svc-4205", "medium",
        ("CRITICAL", "SERVICE CRITICAL - SQLSERVERAGENT stopped"), (MARIE, "Add to I-000042, please"), New) },
    alert(33, &HOSPITAL, (Service, "vm-dossier-patient", "Response time"), "svc-5212", "high",
        ("WARNING", "HTTP WARNING - 4.1 s"), (LUCIE, "Users complain"), Assigned),
    alert(21, &RETAIL, (Equipment, "till-12", "till-12"), "host-5301", "medium",
        ("DOWN", "PING CRITICAL - Packet loss = 100%"), (PAUL, "Calling the shop"), New),
    alert(16, &LOGISTICS, (Service, "db01.acme.example", "Disk /var"), "svc-5101", "high",
        ("CRITICAL", "DISK CRITICAL - /var 97% used (612 MB free)"), (MARIE, "Purging old logs"), New),
    alert(8, &RETAIL, (Service, "web01.acme.example", "Web shop"), "svc-5302", "high",
        ("CRITICAL", "HTTP CRITICAL - connection refused"), (PAUL, "Restarting"), New),
    alert(3, &HOSPITAL, (Equipment, "srv-imagerie", "srv-imagerie"), "host-5201", "high",
        ("DOWN", "PING CRITICAL - Packet loss = 100%"), (PAUL, "On site in ten minutes"), New),
];

const WINDOWS: &str = "Windows server";
const LINUX: &str = "Linux server";
const SWITCH: &str = "Switch";
const PRINTER: &str = "Printer";

/// Thirty pieces, of which two fail: one has the name of another, and vm-dossier-patient, which ServiceNav takes for
/// a server, is a virtual machine in iTop.
#[rustfmt::skip]
pub(super) const EQUIPMENT: &[(Company, &[Piece])] = &[
    (DEMO, &[
        piece(1201, "Server1", LINUX, "192.0.2.11", ("Dell", "Debian")),
        piece(1202, "Server2", WINDOWS, "192.0.2.12", ("Dell", "Windows Server")),
        piece(1203, "Server3", LINUX, "192.0.2.13", ("Dell", "Debian")),
        piece(1207, "Server4", WINDOWS, "192.0.2.14", ("HPE", "Windows Server")),
        piece(1208, "srv-intranet", LINUX, "192.0.2.21", ("HPE", "Debian")),
        piece(1209, "srv-intranet", LINUX, "192.0.2.22", ("HPE", "Debian")),
        piece(1210, "sw-floor-1", SWITCH, "192.0.2.2", ("Cisco", "")),
        piece(1211, "sw-floor-2", SWITCH, "192.0.2.3", ("Cisco", "")),
        piece(1212, "Printer reception", PRINTER, "192.0.2.71", ("Brother", "")),
    ]),
    (LOGISTICS, &[
        piece(5101, "web01.acme.example", LINUX, "198.51.100.11", ("Dell", "Debian")),
        piece(5102, "db01.acme.example", LINUX, "198.51.100.12", ("Dell", "Oracle Linux")),
        piece(5103, "sw-depot-1", SWITCH, "198.51.100.2", ("Cisco", "")),
        piece(5104, "sw-depot-2", SWITCH, "198.51.100.3", ("Cisco", "")),
        piece(5140, "printsrv", WINDOWS, "198.51.100.15", ("HPE", "Windows Server")),
        piece(5141, "Label printer 1", PRINTER, "198.51.100.81", ("Zebra", "")),
        piece(5142, "Label printer 2", PRINTER, "198.51.100.82", ("Zebra", "")),
        piece(5143, "srv-scanner", WINDOWS, "198.51.100.16", ("HPE", "Windows Server")),
    ]),
    (HOSPITAL, &[
        piece(5201, "srv-imagerie", WINDOWS, "203.0.113.11", ("Dell", "Windows Server")),
        piece(5202, "srv-imagerie-2", WINDOWS, "203.0.113.12", ("Dell", "Windows Server")),
        piece(5210, "vm-dossier-patient", LINUX, "203.0.113.13", ("", "Debian")),
        piece(5211, "srv-labo", LINUX, "203.0.113.14", ("Dell", "Debian")),
        piece(5212, "srv-pharmacie", WINDOWS, "203.0.113.15", ("Dell", "Windows Server")),
        piece(5220, "sw-bloc-opératoire", SWITCH, "203.0.113.2", ("Aruba", "")),
        piece(5221, "sw-urgences", SWITCH, "203.0.113.3", ("Aruba", "")),
        piece(5222, "Imprimante accueil", PRINTER, "203.0.113.91", ("Brother", "")),
    ]),
    (OBRIEN, &[
        piece(5401, "o'brien-nas", LINUX, "192.0.2.131", ("Synology", "")),
        piece(5402, "Printer 100% \"lobby\"", PRINTER, "192.0.2.171", ("Brother", "")),
        piece(5403, "sw-office", SWITCH, "192.0.2.130", ("Netgear", "")),
        piece(5404, "srv-files", WINDOWS, "192.0.2.132", ("Dell", "Windows Server")),
        piece(5405, "srv-books", WINDOWS, "192.0.2.133", ("Dell", "Windows Server")),
    ]),
];
