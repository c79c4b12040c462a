//! The packages: what Cargo.toml puts into them is there, and fits together. Built they are by
//! `.ci/release`, of which all that takes no minutes runs here.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use toml::{Table, Value};

use crate::program::text;

const NAME: &str = "servicenav-itop-bridge";

/// Where `.ci/release` puts what it makes for the packages.
const MADE: &str = "target/packages/";

/// What a Debian package has that Cargo.toml does not list: cargo-deb looks for it.
const UNIT: &str = "packages/servicenav-itop-bridge.service";
/// What an RPM has instead of adduser.
const USERS: &str = "packages/servicenav-itop-bridge.sysusers";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// `[package.metadata.…]`.
fn metadata(manifest: &Table, of: &str) -> Table {
    manifest["package"]["metadata"][of].as_table().unwrap().clone()
}

/// Something in a package: where it is taken from, where it is put, and with which mode.
#[derive(Debug)]
struct Asset {
    source: String,
    target: String,
    mode: String,
}

impl Asset {
    fn new(source: &Value, target: &Value, mode: &Value) -> Self {
        let [source, target, mode] =
            [source, target, mode].map(|value| value.as_str().unwrap().to_owned());
        Self { source, target: target.trim_start_matches('/').to_owned(), mode }
    }

    /// All of a package: a list of lists for Debian, a list of tables for an RPM.
    fn all(metadata: &Table) -> Vec<Self> {
        let assets = metadata["assets"].as_array().unwrap().iter();
        let asset = |asset: &Value| match asset {
            Value::Array(asset) => Self::new(&asset[0], &asset[1], &asset[2]),
            asset => Self::new(&asset["source"], &asset["dest"], &asset["mode"]),
        };
        assets.map(asset).collect()
    }

    /// The files that it names, by the path that each has in the package. What is made lies in `made`.
    fn files(&self, made: &Path) -> BTreeMap<String, PathBuf> {
        let path = match self.source.strip_prefix(MADE) {
            Some(path) => made.join(path),
            None => root().join(&self.source),
        };
        let found = match path.file_name().unwrap().to_str().unwrap() {
            "*" => contents(path.parent().unwrap()),
            // It is built last: by its profile, and under its name.
            NAME => return BTreeMap::from([(format!("{}{NAME}", self.target), path)]),
            _ => vec![path],
        };
        let in_package = |path: PathBuf| {
            assert!(
                path.metadata().is_ok_and(|file| file.len() > 0),
                "{} of {self:?}",
                path.display()
            );
            let name = path.file_name().unwrap().to_str().unwrap();
            let folder = self.target.ends_with('/');
            (if folder { format!("{}{name}", self.target) } else { self.target.clone() }, path)
        };
        let files: BTreeMap<_, _> = found.into_iter().map(in_package).collect();
        assert!(!files.is_empty(), "{self:?}");
        files
    }
}

fn contents(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// What `.ci/release` makes, but for the packages themselves; of the program that the tests run, as which a
/// line of shell stands in the archive.
fn release(folder: &Path) -> PathBuf {
    let (program, out) = (folder.join(NAME), folder.join("out"));
    let line =
        format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_servicenav-itop-bridge"));
    fs::write(&program, line).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let made = Command::new(root().join(".ci/release")).arg(program).arg(&out).output().unwrap();
    assert!(made.status.success(), "{}", text(&made));
    out
}

#[test]
fn both_packages_have_all_that_is_made_and_nothing_that_is_not() {
    let manifest: Table = read("Cargo.toml").parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let made = release(folder.path());
    let debian = Asset::all(&metadata(&manifest, "deb"));
    let rpm = Asset::all(&metadata(&manifest, "generate-rpm"));

    // By what is taken, as each system has its own places for completions.
    let taken = |assets: &[Asset]| {
        let files = assets.iter().flat_map(|asset| {
            asset.files(&made).into_values().map(|path| (path, asset.mode.clone()))
        });
        let mut files: Vec<_> = files.collect();
        // cargo-deb takes another profile's program where this one stands.
        for (path, _) in &mut files {
            if path.ends_with(format!("target/dist/{NAME}")) {
                *path = root().join("target/release").join(NAME);
            }
        }
        files.sort();
        files
    };
    let by_themselves = [UNIT, USERS].map(|path| (root().join(path), "644".to_owned()));
    let mut with_units = taken(&debian);
    with_units.extend(by_themselves);
    with_units.sort();
    assert_eq!(with_units, taken(&rpm));

    for path in ["man", "completions"].iter().flat_map(|name| contents(&made.join(name))) {
        assert!(with_units.iter().any(|(taken, _)| *taken == path), "no package has {path:?}");
    }
    let configuration = format!("etc/{NAME}/config.toml");
    for assets in [debian, rpm] {
        let files: BTreeMap<_, _> =
            assets.iter().flat_map(|asset| asset.files(&made).into_iter()).collect();
        let there = |path: &str| assert!(files.contains_key(path), "{path}: {files:#?}");
        there(&format!("usr/bin/{NAME}"));
        there(&format!("usr/share/man/man1/{NAME}.1.gz"));
        there(&configuration);
        // Secrets may stand in it.
        let asset = assets.iter().find(|asset| asset.target == configuration).unwrap();
        assert_eq!(asset.mode, "640");
    }
    // What is there is named, so that nothing of an earlier release is checked by these.
    let sums = fs::read_to_string(made.join("SHA256SUMS")).unwrap();
    let archive = format!("{NAME}-{}-", manifest["package"]["version"].as_str().unwrap());
    let names: Vec<_> = sums.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert!(matches!(&*names, [name] if name.starts_with(&archive)), "{sums}");
}

#[test]
fn what_runs_at_an_installation_names_the_same_program_user_and_folder() {
    let manifest: Table = read("Cargo.toml").parse().unwrap();
    assert_eq!(manifest["package"]["name"].as_str(), Some(NAME));
    assert!(manifest["profile"].get("dist").is_some(), "packages are built with it");
    let (debian, rpm) = (metadata(&manifest, "deb"), metadata(&manifest, "generate-rpm"));
    let kept = debian["conf-files"].as_array().unwrap();
    assert_eq!(kept, &[Value::from(format!("/etc/{NAME}/config.toml"))]);
    assert_eq!(debian["systemd-units"]["unit-scripts"].as_str(), Some("packages"));

    let unit = read(UNIT);
    let line = |line: String| assert!(unit.lines().any(|each| each == line), "{line}: {unit}");
    line(format!("ExecStart=/usr/bin/{NAME} serve"));
    line(format!("User={NAME}"));
    line(format!("StateDirectory={NAME}"));
    line(format!("Documentation=man:{NAME}(1)"));
    let user = format!("u {NAME} - ");
    assert!(read(USERS).lines().any(|line| line.starts_with(&user)));

    let folder = debian["maintainer-scripts"].as_str().unwrap();
    let scripts = contents(&root().join(folder));
    // dpkg runs these; another name would be packed and never run.
    let known = ["preinst", "postinst", "prerm", "postrm"];
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(scripts.len() > 1 && scripts.iter().all(|path| known.contains(&&*name(path))));
    let of_rpm = ["post_install_script", "pre_uninstall_script", "post_uninstall_script"];
    let of_rpm = of_rpm.map(|key| root().join(rpm[key].as_str().unwrap()));
    let lying_there = contents(&root().join("packages/rpm"));
    assert_eq!(lying_there.len(), of_rpm.len(), "each has its key: {lying_there:?}");
    for script in scripts.iter().chain(&of_rpm) {
        let words = fs::read_to_string(script).unwrap();
        let mut names = words.lines().filter_map(|line| line.strip_prefix("name="));
        assert!(names.all(|name| name == NAME), "{script:?}");
        let read = Command::new("sh").arg("-n").arg(script).output().unwrap();
        assert!(read.status.success(), "{}", text(&read));
    }
}
