//! Where the database is when nothing says so: where the system keeps the state of services, never
//! wherever one happens to stand.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The name of the folder, and of the file in it.
const NAME: &str = "servicenav-itop-bridge";
const FILE: &str = "servicenav-itop-bridge.db";

/// The database in the folder for state: that which systemd gives the service, else root's, else the
/// user's own. `Err` has a sentence for the operator.
pub(super) fn database(
    environment: &BTreeMap<String, String>,
    is_root: bool,
) -> Result<PathBuf, String> {
    let absolute = |name: &str| {
        let folder = Path::new(environment.get(name)?);
        folder.is_absolute().then(|| folder.to_owned())
    };
    // Systemd names several where the unit does; the first is as good as any.
    let given = environment.get("STATE_DIRECTORY").and_then(|folders| folders.split(':').next());
    let folder = match given.filter(|folder| !folder.is_empty()) {
        Some(folder) => Some(PathBuf::from(folder)),
        None if is_root => Some(Path::new("/var/lib").join(NAME)),
        None => absolute("XDG_STATE_HOME")
            .or_else(|| Some(absolute("HOME")?.join(".local/state")))
            .map(|folder| folder.join(NAME)),
    };
    folder.map(|folder| folder.join(FILE)).ok_or_else(|| {
        "store.path is not set, and neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME says where \
         the database could be; set store.path"
            .to_owned()
    })
}

/// Earlier versions kept the database wherever they were started. One that lies there must not be
/// overlooked: the bridge would go on with an empty one.
pub(super) fn refuse_left_behind(database: &Path, started_in: &Path) -> Result<(), String> {
    let earlier = started_in.join(FILE);
    let is_same = || earlier.canonicalize().ok() == database.canonicalize().ok();
    if !earlier.exists() || is_same() {
        return Ok(());
    }
    let (earlier, database) = (earlier.display(), database.display());
    Err(format!(
        "store.path is not set: the database is {database} now, and {earlier} is one that an earlier \
         version has left. Move that one there, with its -wal if there is one, or set store.path to \
         the one that is to be used"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_where_the_system_keeps_state() {
        let file = "servicenav-itop-bridge.db";
        let all = [
            ("STATE_DIRECTORY", "/var/lib/one:/var/lib/two"),
            ("XDG_STATE_HOME", "/home/b/state"),
            ("HOME", "/home/b"),
        ];
        for (variables, is_root, folder) in [
            (&all[..], true, "/var/lib/one"),
            (&all[..], false, "/var/lib/one"),
            (&all[1..], true, "/var/lib/servicenav-itop-bridge"),
            (&[], true, "/var/lib/servicenav-itop-bridge"),
            (&all[1..], false, "/home/b/state/servicenav-itop-bridge"),
            (&all[2..], false, "/home/b/.local/state/servicenav-itop-bridge"),
            (
                &[("XDG_STATE_HOME", "state"), ("HOME", "/h")],
                false,
                "/h/.local/state/servicenav-itop-bridge",
            ),
        ] {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let environment = variables.iter().map(owned).collect();
            let expected = Path::new(folder).join(file);
            assert_eq!(database(&environment, is_root), Ok(expected), "{variables:?} {is_root}");
        }
        let nowhere = [("HOME".to_owned(), "relative".to_owned())].into();
        assert!(database(&nowhere, false).unwrap_err().contains("set store.path"));
    }

    #[test]
    fn a_database_that_was_left_behind_is_named() {
        let (here, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let database = state.path().join(FILE);
        assert_eq!(refuse_left_behind(&database, here.path()), Ok(()));
        let earlier = here.path().join(FILE);
        std::fs::write(&earlier, "").unwrap();
        let refusal = refuse_left_behind(&database, here.path()).unwrap_err();
        for path in [&database, &earlier] {
            assert!(refusal.contains(&path.display().to_string()), "{refusal}");
        }
        // Whoever has always started it in that folder goes on.
        std::fs::write(&database, "").unwrap();
        assert_eq!(refuse_left_behind(&database, state.path()), Ok(()));
    }
}
