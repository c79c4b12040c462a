//! From an equipment to its row.

use std::net::Ipv4Addr;

use super::{Attribute, Fed, From, Known, Model, Named, classes};
use crate::{
    domain::{equipment::Equipment, priority::Criticality},
    itop::synchro::LEAVE,
};

/// A row without its key, and what it goes without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// A value for each column behind the key; [`LEAVE`] where nothing is known.
    pub values: Vec<String>,
    /// What was left out, a sentence each.
    pub warnings: Vec<String>,
}

impl Model {
    /// What has to have an id for the row of an equipment.
    #[must_use]
    pub fn named(&self, equipment: &Equipment, org: &str) -> Vec<Named> {
        self.fed.iter().filter_map(|fed| self.name_of(fed, equipment, org)).collect()
    }

    /// The row of an equipment for this organization. `status` is [`LEAVE`], unless it is retired or comes
    /// back; `known` has the ids of what [`Model::named`] tells.
    #[must_use]
    pub fn values(&self, equipment: &Equipment, org: &str, status: &str, known: &Known) -> Values {
        let mut row = Values::default();
        for fed in &self.fed {
            let value = match self.name_of(fed, equipment, org) {
                Some(named) => match known.id(&named) {
                    Ok(id) => id.to_owned(),
                    Err(why) => {
                        row.warnings.push(named.missing(why));
                        LEAVE.to_owned()
                    }
                },
                None => match &fed.from {
                    From::Given(value) => value.clone(),
                    From::Equipment(Attribute::Organization) => org.to_owned(),
                    From::Equipment(Attribute::Status) => status.to_owned(),
                    From::Equipment(attribute) => {
                        if let Some(warning) = self.why_not(*attribute, equipment) {
                            row.warnings.push(warning);
                        }
                        plain(*attribute, equipment).unwrap_or_else(|| LEAVE.to_owned())
                    }
                },
            };
            row.values.push(value);
        }
        row
    }

    /// What the configuration gives by a name for all of the class.
    #[must_use]
    pub fn given_names(&self) -> Vec<Named> {
        let given = self.fed.iter().filter(|fed| matches!(fed.from, From::Given(_)));
        // Whatever is known of an equipment is not asked for here.
        let nothing = Equipment::named("");
        given.filter_map(|fed| self.name_of(fed, &nothing, "")).collect()
    }

    /// What stands for the value of an attribute under a name.
    fn name_of(&self, fed: &Fed, equipment: &Equipment, org: &str) -> Option<Named> {
        let attribute = match &fed.from {
            From::Equipment(attribute) => attribute,
            From::Given(value) => {
                let class = classes::target_of(&fed.code)?;
                let is_id = value.bytes().all(|byte| byte.is_ascii_digit());
                return (!is_id)
                    .then(|| Named::Other { class: class.to_owned(), name: value.clone() });
            }
        };
        let Equipment { manufacturer, model, os, os_version, site, .. } = equipment;
        match attribute {
            Attribute::Brand => Some(Named::Brand { name: manufacturer.clone()? }),
            Attribute::Model if classes::has_models(&self.class) => Some(Named::Model {
                brand: manufacturer.clone()?,
                name: model.clone()?,
                class: self.class.clone(),
            }),
            Attribute::OsFamily => Some(Named::OsFamily { name: os.clone()? }),
            Attribute::OsVersion => {
                Some(Named::OsVersion { family: os.clone()?, name: os_version.clone()? })
            }
            Attribute::Location => {
                Some(Named::Location { org: org.to_owned(), name: site.clone()? })
            }
            Attribute::Name
            | Attribute::Organization
            | Attribute::Description
            | Attribute::Criticality
            | Attribute::Status
            | Attribute::SerialNumber
            | Attribute::Model
            | Attribute::PurchaseDate
            | Attribute::EndOfWarranty
            | Attribute::Address => None,
        }
    }

    /// Why something that is known cannot be sent, in a sentence.
    fn why_not(&self, attribute: Attribute, equipment: &Equipment) -> Option<String> {
        let class = &self.class;
        match attribute {
            Attribute::Address => {
                let address = equipment.address.as_deref()?;
                address
                    .parse::<Ipv4Addr>()
                    .is_err()
                    .then(|| format!("iTop takes IPv4 addresses alone; '{address}' is left out."))
            }
            Attribute::Model => {
                let model = equipment.model.as_deref()?;
                match equipment.manufacturer {
                    None => {
                        Some(format!("The model '{model}' has no manufacturer: it is left out."))
                    }
                    Some(_) => {
                        Some(format!("iTop has no models of {class}: '{model}' is left out."))
                    }
                }
            }
            Attribute::OsVersion => {
                let version = equipment.os_version.as_deref()?;
                Some(format!("The version '{version}' has no operating system: it is left out."))
            }
            _ => None,
        }
    }
}

/// The value of an attribute that is sent as it is.
fn plain(attribute: Attribute, equipment: &Equipment) -> Option<String> {
    match attribute {
        Attribute::Name => Some(equipment.name.clone()),
        Attribute::Description => equipment.description.clone(),
        Attribute::Criticality => equipment.criticality.map(|criticality| {
            let word = match criticality {
                Criticality::Low => "low",
                Criticality::Medium => "medium",
                Criticality::High => "high",
            };
            word.to_owned()
        }),
        Attribute::SerialNumber => equipment.serial_number.clone(),
        Attribute::PurchaseDate => equipment.purchase_date.map(|date| date.to_string()),
        Attribute::EndOfWarranty => equipment.end_of_warranty.map(|date| date.to_string()),
        Attribute::Address => {
            let address = equipment.address.clone()?;
            address.parse::<Ipv4Addr>().is_ok().then_some(address)
        }
        Attribute::Organization
        | Attribute::Status
        | Attribute::Brand
        | Attribute::Model
        | Attribute::Location
        | Attribute::OsFamily
        | Attribute::OsVersion => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::config::Cmdb;

    fn equipment() -> Equipment {
        Equipment {
            address: Some("10.0.0.1".to_owned()),
            site: Some("Lyon".to_owned()),
            criticality: Some(Criticality::High),
            manufacturer: Some("Dell".to_owned()),
            model: Some("R740".to_owned()),
            os: Some("Windows".to_owned()),
            os_version: Some("2022".to_owned()),
            purchase_date: Some(date(2024, 2, 29)),
            ..Equipment::named("srv-1")
        }
    }

    fn value<'v>(model: &Model, row: &'v Values, code: &str) -> &'v str {
        let at = model.fed().iter().position(|fed| fed.code == code).unwrap();
        &row.values[at]
    }

    #[test]
    fn a_row_has_what_is_known_and_leaves_the_rest() {
        let model = Model::of(&Cmdb::default(), "Server").unwrap();
        let named = model.named(&equipment(), "3");
        assert_eq!(named.len(), 5, "{named:?}");
        let ids = named.iter().zip(["7", "8", "9", "10", "11"]);
        let known = Known::of(ids.map(|(named, id)| (named.clone(), Ok(id.to_owned()))));
        let row = model.values(&equipment(), "3", LEAVE, &known);
        assert_eq!(row.warnings, [""; 0]);
        assert_eq!(row.values.len(), model.columns().len() - 1);
        for (code, expected) in [
            ("name", "srv-1"),
            ("org_id", "3"),
            ("business_criticity", "high"),
            ("description", LEAVE),
            ("status", LEAVE),
            ("brand_id", "7"),
            ("model_id", "8"),
            ("location_id", "9"),
            ("osfamily_id", "10"),
            ("osversion_id", "11"),
            ("managementip", "10.0.0.1"),
            ("purchase_date", "2024-02-29"),
            ("end_of_warranty", LEAVE),
        ] {
            assert_eq!(value(&model, &row, code), expected, "{code}");
        }
        assert_eq!(
            value(&model, &model.values(&equipment(), "3", "obsolete", &known), "status"),
            "obsolete"
        );
    }

    #[test]
    fn what_cannot_be_sent_is_left_out_and_said() {
        let model = Model::of(&Cmdb::default(), "Server").unwrap();
        let odd = Equipment {
            address: Some("fd00::1".to_owned()),
            manufacturer: None,
            os: None,
            ..equipment()
        };
        let known = Known::of([(
            Named::Location { org: "3".to_owned(), name: "Lyon".to_owned() },
            Err(super::super::Missing::Nothing),
        )]);
        let row = model.values(&odd, "3", LEAVE, &known);
        let said = row.warnings.join("\n");
        for part in
            ["no Location 'Lyon'", "\"location\"", "no manufacturer", "no operating system", "IPv4"]
        {
            assert!(said.contains(part), "{part}: {said}");
        }
        for code in ["managementip", "model_id", "osversion_id", "location_id", "brand_id"] {
            assert_eq!(value(&model, &row, code), LEAVE, "{code}");
        }
        // Farms have no hardware.
        let farm = Model::of(&Cmdb::default(), "Farm").unwrap();
        assert_eq!(farm.named(&equipment(), "3"), []);
        assert_eq!(farm.values(&equipment(), "3", LEAVE, &known).warnings, [""; 0]);
    }

    #[test]
    fn what_itop_demands_is_given_by_id_or_by_name() {
        let config = |host: &str| -> Cmdb {
            toml::from_str(&format!(
                "defaults = {{ VirtualMachine = {{ virtualhost_id = '{host}' }} }}"
            ))
            .unwrap()
        };
        let by_id = Model::of(&config("12"), "VirtualMachine").unwrap();
        let row = by_id.values(&Equipment::named("vm"), "3", LEAVE, &Known::default());
        assert_eq!(value(&by_id, &row, "virtualhost_id"), "12");
        let by_name = Model::of(&config("Cluster1"), "VirtualMachine").unwrap();
        let named = by_name.named(&Equipment::named("vm"), "3");
        let host = Named::Other { class: "VirtualHost".to_owned(), name: "Cluster1".to_owned() };
        assert_eq!(named, [host]);
    }
}
