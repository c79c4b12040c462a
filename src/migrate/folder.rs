//! The one folder of a migration. All that holds personal data lies in it, for its owner alone.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Stands in the folder and says whose it is, so that no other folder is ever removed.
const SIGN: &str = "servicenav-itop-bridge-migration";

/// What a user reads in it who wonders.
const SIGN_TEXT: &str = "This folder belongs to a migration of servicenav-itop-bridge. It holds personal data.\n\
                         'servicenav-itop-bridge migrate forget' removes it.\n";

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It holds something else, and nothing of that is touched.
    #[error(
        "{0} holds something else than a migration; name an empty folder, or one that is not there \
         (--folder)"
    )]
    Foreign(PathBuf),
    /// There is none.
    #[error("{0} is no folder of a migration; 'migrate extract' makes one")]
    Missing(PathBuf),
    /// Others than its owner may look into it.
    #[error("{path} may be entered by others (mode {mode:o}); close it: chmod 700 {path}")]
    Open {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The system said no.
    #[error("{path}: {source}")]
    System {
        /// What of the folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A folder that is one of a migration, and closed to others.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder of a migration; made where there is none.
    ///
    /// # Errors
    /// When it holds something else, is open to others, or cannot be made.
    pub fn make(path: &Path) -> Result<Self, FolderError> {
        let failed = |source| FolderError::System { path: path.to_owned(), source };
        if !path.exists() {
            DirBuilder::new().mode(0o700).recursive(true).create(path).map_err(failed)?;
        }
        let is_empty = fs::read_dir(path).map_err(failed)?.next().is_none();
        if is_empty {
            fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
            fs::write(path.join(SIGN), SIGN_TEXT).map_err(failed)?;
        } else if !path.join(SIGN).exists() {
            return Err(FolderError::Foreign(path.to_owned()));
        }
        Self::of(path)
    }

    /// The folder of a migration that is there.
    ///
    /// # Errors
    /// When it is none, or open to others.
    pub fn of(path: &Path) -> Result<Self, FolderError> {
        if !path.join(SIGN).exists() {
            return Err(FolderError::Missing(path.to_owned()));
        }
        let failed = |source| FolderError::System { path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(failed)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(FolderError::Open { path: path.to_owned(), mode });
        }
        Ok(Self(path.to_owned()))
    }

    /// The staging file.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.0.join("staging.db")
    }

    /// A file of its own in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where the contents of attachments lie, each under its own digest.
    #[must_use]
    pub fn files(&self) -> PathBuf {
        self.0.join("files")
    }

    /// Removes all of it.
    ///
    /// # Errors
    /// When something of it cannot be removed. The sign goes last: what is left can be forgotten again.
    pub fn forget(self) -> Result<(), FolderError> {
        let failed = |path: &Path, source| FolderError::System { path: path.to_owned(), source };
        let sign = self.0.join(SIGN);
        for entry in fs::read_dir(&self.0).map_err(|error| failed(&self.0, error))? {
            let entry = entry.map_err(|error| failed(&self.0, error))?;
            let path = entry.path();
            if path == sign {
                continue;
            }
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let removed =
                if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|error| failed(&path, error))?;
        }
        fs::remove_file(&sign).map_err(|error| failed(&sign, error))?;
        fs::remove_dir(&self.0).map_err(|error| failed(&self.0, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_closed_and_forgotten_whole() {
        let around = tempfile::tempdir().unwrap();
        let path = around.path().join("a/move");
        let folder = Folder::make(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        fs::write(folder.staging(), "persons").unwrap();
        fs::create_dir_all(folder.files().join("0a")).unwrap();
        fs::write(folder.files().join("0a/0a11"), "a letter").unwrap();
        Folder::make(&path).unwrap().forget().unwrap();
        assert!(!path.exists() && around.path().join("a").exists());
        assert!(matches!(Folder::of(&path), Err(FolderError::Missing(_))));
    }

    #[test]
    fn what_is_not_a_migration_is_left_alone() {
        let around = tempfile::tempdir().unwrap();
        fs::write(around.path().join("letter.txt"), "dear all").unwrap();
        assert!(matches!(Folder::make(around.path()), Err(FolderError::Foreign(_))));
        assert!(matches!(Folder::of(around.path()), Err(FolderError::Missing(_))));
        assert_eq!(fs::read_dir(around.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let around = tempfile::tempdir().unwrap();
        let path = around.path().join("move");
        Folder::make(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o750)).unwrap();
        let refused = Folder::make(&path).unwrap_err().to_string();
        assert!(refused.contains("mode 750") && refused.contains("chmod 700"), "{refused}");
    }
}
