//! What must hold of how equipment is kept in iTop's CMDB.

use std::collections::BTreeSet;

use super::{
    super::{Cmdb, NO_CLASS, Period},
    is_attribute,
};
use crate::cmdb::model::{self, Model};

/// Rows that one request synchronizes: iTop needs a third of a megabyte for each, and PHP often has 128.
const MOST_ROWS: usize = 200;

/// The longest label, in bytes: the name of a data source has 255 characters.
const LONGEST_LABEL: usize = 100;

/// What does not fit together, a sentence each.
pub(super) fn problems(cmdb: &Cmdb) -> Vec<String> {
    let mut problems = Vec::new();
    login(cmdb, &mut problems);
    numbers(cmdb, &mut problems);
    classes(cmdb, &mut problems);
    attributes(cmdb, &mut problems);
    problems
}

fn login(cmdb: &Cmdb, problems: &mut Vec<String>) {
    if cmdb.user.is_empty() {
        problems.push(
            "cmdb.user is not set; the section [cmdb] needs an account of its own in iTop, with the \
             profiles \"Configuration Manager\" and \"REST Services User\""
                .to_owned(),
        );
    }
    if cmdb.password.is_none() {
        problems.push(
            "cmdb.password is not set; set it, cmdb.password_file or BRIDGE__CMDB__PASSWORD"
                .to_owned(),
        );
    }
    let is_label = |label: &str| {
        !label.trim().is_empty()
            && label.len() <= LONGEST_LABEL
            && !label.chars().any(char::is_control)
    };
    if cmdb.label.as_deref().is_some_and(|label| !is_label(label)) {
        problems.push("cmdb.label must have 1 to 100 bytes, on one line".to_owned());
    }
}

fn numbers(cmdb: &Cmdb, problems: &mut Vec<String>) {
    if !(1..=MOST_ROWS).contains(&cmdb.chunk) {
        problems.push(
            "cmdb.chunk must be between 1 and 200: iTop runs out of memory where more rows are \
             synchronized at once"
                .to_owned(),
        );
    }
    if cmdb.retire_limit.percent > 100 {
        problems.push("cmdb.retire_limit.percent must be between 0 and 100".to_owned());
    }
    let (least, most) = (Period::seconds(30), Period::minutes(60));
    if cmdb.timeout < least || cmdb.timeout > most {
        problems.push(format!(
            "cmdb.timeout is {} and must be at least {least} and at most {most}: a synchronization \
             that is given up goes on in iTop",
            cmdb.timeout
        ));
    }
}

fn classes(cmdb: &Cmdb, problems: &mut Vec<String>) {
    for (class, attributes) in &cmdb.other_classes {
        if model::is_standard(class) {
            problems.push(format!(
                "cmdb.other_classes must not name {class}: the bridge knows what it has"
            ));
        }
        for attribute in attributes.iter().filter(|attribute| !model::is_known(attribute)) {
            problems.push(format!(
                "cmdb.other_classes.{class}: ServiceNav knows nothing for '{attribute}'; name those of {}",
                model::all_codes().join(", ")
            ));
        }
    }
    let mut folded = BTreeSet::new();
    for category in cmdb.classes.keys() {
        if !folded.insert(category.trim().to_lowercase()) {
            problems.push(format!("cmdb.classes names '{}' twice", category.trim()));
        }
    }
    let named = cmdb.classes.values().chain([&cmdb.default_class]);
    for class in named.collect::<BTreeSet<_>>() {
        if class != NO_CLASS && Model::of(cmdb, class).is_none() {
            problems.push(format!(
                "cmdb.classes: the bridge does not know what a '{class}' has; name a class of {}, or say \
                 in cmdb.other_classes which attributes it has",
                model::standard_classes().join(", ")
            ));
        }
    }
    for class in cmdb.all_classes() {
        for demanded in model::demanded(class) {
            let is_given =
                cmdb.defaults.get(class).is_some_and(|given| given.contains_key(*demanded));
            if !is_given {
                problems.push(format!(
                    "cmdb.defaults.{class}.{demanded} is not set: iTop makes no {class} without, and \
                     ServiceNav does not know it; write an id or a name of iTop"
                ));
            }
        }
    }
}

fn attributes(cmdb: &Cmdb, problems: &mut Vec<String>) {
    for attribute in cmdb.attributes.keys() {
        if !model::is_known(attribute) {
            problems.push(format!(
                "cmdb.attributes: '{attribute}' is not sent; those that are: {}",
                model::all_codes().join(", ")
            ));
        }
    }
    for always in model::ALWAYS {
        if cmdb.attributes.get(*always).is_some_and(|keep| !keep.is_always_written()) {
            problems.push(format!(
                "cmdb.attributes.{always} must be \"locked\" or \"free\": iTop finds a CI by it"
            ));
        }
    }
    let status = cmdb.attributes.get("status");
    if !cmdb.retire.is_empty() && status.is_some_and(|keep| !keep.is_always_written()) {
        problems.push(
            "cmdb.attributes.status must be \"locked\" or \"free\" where cmdb.retire is not empty"
                .to_owned(),
        );
    }
    if !cmdb.retire.is_empty() && cmdb.revive.is_empty() {
        problems.push(
            "cmdb.revive is empty: equipment that comes back would stay what cmdb.retire has made it"
                .to_owned(),
        );
    }
    for (class, given) in &cmdb.defaults {
        for (attribute, value) in given {
            if !is_attribute(attribute) {
                problems.push(format!(
                    "cmdb.defaults.{class}: '{attribute}' is not the code of an attribute"
                ));
            } else if model::is_known(attribute) {
                problems.push(format!(
                    "cmdb.defaults.{class} must not set {attribute}: that is what ServiceNav says"
                ));
            } else if value.trim().is_empty() {
                problems.push(format!("cmdb.defaults.{class}.{attribute} is empty"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::load::tests::{LEAST, from};

    const CMDB: &str = "[cmdb]\nuser = 'cmdb'\npassword = 's3cret'\ndefault_class = 'Server'\n";

    #[test]
    fn what_cannot_be_kept_in_the_cmdb_is_refused_with_the_reason() {
        from(&format!("{LEAST}{CMDB}"), &[]).unwrap();
        for (added, says) in [
            ("chunk = 500", "cmdb.chunk must be between 1 and 200"),
            ("chunk = 0", "cmdb.chunk"),
            ("timeout = '5s'", "cmdb.timeout is 5s"),
            ("label = ''", "cmdb.label"),
            ("retire_limit = { percent = 101 }", "cmdb.retire_limit.percent"),
            ("revive = ''", "cmdb.revive is empty"),
            ("classes = { 'Switch' = 'Netzwerk' }", "does not know what a 'Netzwerk' has"),
            (
                "classes = { 'Switch' = 'NetworkDevice' }",
                "cmdb.defaults.NetworkDevice.networkdevicetype_id",
            ),
            (
                "classes = { 'VM' = 'VirtualMachine' }",
                "cmdb.defaults.VirtualMachine.virtualhost_id",
            ),
            ("classes = { 'VM' = 'PC', ' vm ' = 'Server' }", "twice"),
            ("attributes = { nb_u = 'free' }", "'nb_u' is not sent"),
            ("attributes = { name = 'no' }", "cmdb.attributes.name must be"),
            ("attributes = { status = 'if-empty' }", "cmdb.attributes.status must be"),
            ("defaults = { Server = { serialnumber = 'x' } }", "that is what ServiceNav says"),
            ("defaults = { Server = { 'nb u' = 'x' } }", "not the code of an attribute"),
            ("other_classes = { Server = ['status'] }", "the bridge knows what it has"),
            ("other_classes = { Sensor = ['colour'] }", "ServiceNav knows nothing for 'colour'"),
        ] {
            let error = from(&format!("{LEAST}{CMDB}{added}\n"), &[]).unwrap_err().to_string();
            assert!(error.contains(says), "{says}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
        let nothing = from(&format!("{LEAST}[cmdb]\n"), &[]).unwrap_err().to_string();
        assert!(
            nothing.contains("cmdb.user") && nothing.contains("BRIDGE__CMDB__PASSWORD"),
            "{nothing}"
        );
    }

    #[test]
    fn the_section_is_off_until_it_is_there() {
        assert_eq!(from(LEAST, &[]).unwrap().cmdb, None);
        let set = [("BRIDGE__CMDB__USER", "cmdb"), ("BRIDGE__CMDB__PASSWORD", "012")];
        let cmdb = from(LEAST, &set).unwrap().cmdb.unwrap();
        assert_eq!(cmdb.password.unwrap().expose(), "012");
    }

    #[test]
    fn a_category_is_known_by_its_words() {
        let classes = "classes = { 'Windows Server' = 'Server', 'Printer' = 'none' }\n";
        let cmdb = CMDB.replace("default_class = 'Server'\n", "default_class = 'PC'\n") + classes;
        let cmdb = from(&format!("{LEAST}{cmdb}"), &[]).unwrap().cmdb.unwrap();
        assert_eq!(cmdb.class_of(Some(" windows server ")), Some("Server"));
        assert_eq!(cmdb.class_of(Some("printer")), None);
        assert_eq!(cmdb.class_of(Some("?")), Some("PC"));
        assert_eq!(cmdb.class_of(None), Some("PC"));
        assert_eq!(cmdb.all_classes().into_iter().collect::<Vec<_>>(), ["PC", "Server"]);
        assert_eq!(cmdb.retire_limit.of(1_000), 50);
        assert_eq!(cmdb.retire_limit.of(20), 10);
        assert_eq!(cmdb.source_name("Server"), "ServiceNav: Server");
    }
}
