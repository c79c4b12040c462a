//! The members of an equipment, cleaned and bounded as those of an event are.

use jiff::civil::Date;
use serde_json_borrow::Value;

use super::Equipment;
use crate::domain::{
    body::{Errors, Object, shown},
    keys::{EquipmentId, MAX_ID_CHARS, MAX_NAME_CHARS, PartyKey},
    priority::Criticality,
    text::clean,
};

/// All that is known, as it is written in JSON and in the first line of a table.
pub const MEMBERS: [&str; 16] = [
    "id",
    "name",
    "address",
    "category",
    "itsm_id",
    "site",
    "site_id",
    "criticality",
    "manufacturer",
    "model",
    "serial_number",
    "os",
    "os_version",
    "purchase_date",
    "end_of_warranty",
    "description",
];

/// The longest description, in characters: a load of 200 rows must fit iTop's bound of a request.
const MAX_DESCRIPTION_CHARS: usize = 4_000;

const CRITICALITIES: [(&str, Criticality); 3] =
    [("low", Criticality::Low), ("medium", Criticality::Medium), ("high", Criticality::High)];

/// Reads one equipment. Nothing that is wrong is left out: what the CMDB holds is wanted exactly.
pub(super) fn equipment_of(
    row: &Object<'_>,
    errors: &mut Errors,
) -> Option<(EquipmentId, Equipment)> {
    // Each is read before any `?`, so that one answer names all errors.
    let id = row.id("id", MAX_ID_CHARS, errors);
    let id = row.parsed::<EquipmentId>("id", id, errors);
    let id = row.require(id, "id", errors);
    let name = row.line("name", MAX_NAME_CHARS, errors);
    let name = row.require(name, "name", errors);
    let itsm_id = row.id("itsm_id", MAX_ID_CHARS, errors).map(|id| id.trim().to_owned());
    let (site, site_id) = site_of(row, errors);
    let criticality = row.word("criticality", &CRITICALITIES, &[], errors);
    let purchase_date = date(row, "purchase_date", errors);
    let end_of_warranty = date(row, "end_of_warranty", errors);
    let description = row.text("description", MAX_DESCRIPTION_CHARS, errors);
    let mut line = |name| row.line(name, MAX_NAME_CHARS, errors);
    let equipment = Equipment {
        name: name.unwrap_or_default(),
        address: line("address"),
        category: line("category"),
        itsm_id,
        site,
        site_id,
        criticality,
        manufacturer: line("manufacturer"),
        model: line("model"),
        serial_number: line("serial_number"),
        os: line("os"),
        os_version: line("os_version"),
        purchase_date,
        end_of_warranty,
        description: description.map(|text| clean(&text).trim().to_owned()),
    };
    errors.found.is_empty().then_some((id?, equipment))
}

/// Name and id of the site: a name, or `{id, name}`; the id may stand in a member of its own.
fn site_of(row: &Object<'_>, errors: &mut Errors) -> (Option<String>, Option<String>) {
    let (id, name) = row.id_and_name("site", errors).unwrap_or_default();
    let own_id = row.id("site_id", MAX_ID_CHARS, errors).map(|id| id.trim().to_owned());
    let id = own_id.or(id);
    // Links are looked for by these keys.
    let keys = [
        ("site_id", id.as_deref().map(PartyKey::id)),
        ("site", name.as_deref().map(PartyKey::name)),
    ];
    for (member, key) in keys {
        if let Some(Err(error)) = key {
            errors.push(&row.pointer(member), "format", format!("'{member}' {error}"));
        }
    }
    (name, id)
}

fn date(row: &Object<'_>, name: &str, errors: &mut Errors) -> Option<Date> {
    let text = match row.member(name)? {
        Value::Str(_) => row.line(name, 64, errors)?,
        other => shown(other),
    };
    let Ok(date) = read_date(&text) else {
        let message = format!("'{name}' must be a date such as 2026-11-21, not '{text}'");
        errors.push(&row.pointer(name), "format", message);
        return None;
    };
    date
}

/// A text that is no date.
struct NoDate;

/// A date with the year first, whatever stands between its parts; a time of day behind it is passed over. The
/// day first only where it is written with dots: with slashes it may be the month. A year of zeros is what
/// databases write that have none.
fn read_date(text: &str) -> Result<Option<Date>, NoDate> {
    let day = text.split(['T', ' ']).next().unwrap_or_default();
    let separator = day.chars().find(|c| !c.is_ascii_digit()).ok_or(NoDate)?;
    let parts: Vec<&str> = day.split(separator).collect();
    let [year, month, day] = match (parts.as_slice(), separator) {
        ([year, month, day], '-' | '/' | '.') if year.len() == 4 => [*year, *month, *day],
        ([day, month, year], '.') if year.len() == 4 => [*year, *month, *day],
        _ => return Err(NoDate),
    };
    let number = |text: &str| -> Result<i16, NoDate> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        if is_plain { text.parse().map_err(|_| NoDate) } else { Err(NoDate) }
    };
    let (year, month, day) = (number(year)?, number(month)?, number(day)?);
    if year == 0 {
        return Ok(None);
    }
    let small = |number: i16| i8::try_from(number).map_err(|_| NoDate);
    Date::new(year, small(month)?, small(day)?).map(Some).map_err(|_| NoDate)
}
