//! The documents: their links lead somewhere, they tell of each call, and what they show is so.

mod examples;

pub use examples::shown_in;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use servicenav_itop_bridge::web::{Access, calls};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> Vec<PathBuf> {
    let folders = ["", "docs", "docs/fr", "examples"].map(|folder| root().join(folder));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = entries.map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|end| end == "md")).collect()
}

/// The lines of a document outside of its examples.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut is_example = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_example ^= is_fence;
        !is_example && !is_fence
    })
}

/// What the headings of a document are linked by.
fn anchors(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap();
    let headings = lines(&text).filter_map(|line| line.strip_prefix('#'));
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn each_link_leads_somewhere() {
    let mut followed = 0;
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        let links = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
        for link in links.filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            assert!(target.exists(), "{}: {link}", file.display());
            let leads = anchor.is_empty() || anchors(&target).contains(anchor);
            assert!(leads, "{}: {link}", file.display());
            followed += 1;
        }
    }
    assert!(followed > 30, "{followed} links");
}

#[test]
fn each_call_is_told_of() {
    // Whatever the parts that vary are called.
    let plain = |text: &str| {
        let parts = text.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
        parts.collect::<Vec<_>>().join("{}")
    };
    let told = ["api.md", "console.md", "sending.md"]
        .map(|name| fs::read_to_string(root().join("docs").join(name)).unwrap());
    let told = plain(&told.concat());
    let words: BTreeSet<_> = told
        .split(|c: char| c.is_whitespace() || matches!(c, '`' | '?' | '<'))
        .map(|word| word.trim_end_matches(['.', ',', ';']))
        .collect();
    let untold: Vec<_> = calls()
        .filter(|call| call.access != Access::Everyone || call.method != "get")
        // A site has all that its company has.
        .map(|call| plain(call.path).replace("/sites/{}", ""))
        .filter(|path| {
            !words.contains(path.as_str()) && !words.contains(path.replace("{}", "30").as_str())
        })
        .collect();
    assert!(untold.is_empty(), "{untold:?}");
}

/// Who opens the repository reads one page: what it is, a picture, two commands, and where to go on.
#[test]
fn the_first_page_stays_short() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let words = text.split_whitespace().count();
    assert!(words < 1_200, "{words} words");
    let (pictures, links) = (text.matches("![").count(), text.matches("](").count());
    assert_eq!((pictures, links - pictures), (1, 5));
    assert_eq!(text.matches("```\n").count(), 4, "two commands");
}

/// Nothing here can run the containers: what can be seen without, is.
#[test]
fn the_containers_have_what_they_name() {
    let folder = root().join("docker");
    let text = fs::read_to_string(folder.join("compose.yaml")).unwrap();
    let mut mounted = 0;
    for line in text.lines().map(str::trim) {
        if let Some((file, _)) = line.strip_prefix("- .").and_then(|rest| rest.split_once(':')) {
            let file = format!(".{file}");
            // What each installation writes itself.
            assert!(file == "./config.toml" || folder.join(&file).is_file(), "{file}");
            mounted += 1;
        }
        if let Some(image) = line.strip_prefix("image: ") {
            let tag = image.split_once(':').map(|(_, tag)| tag);
            let is_exact = tag.is_some_and(|tag| tag.matches('.').count() == 2);
            assert!(is_exact || image == "servicenav-itop-bridge", "{image}");
        }
        assert!(!line.starts_with("privileged") && !line.contains("docker.sock"), "{line}");
    }
    assert!(mounted >= 6, "{mounted}");
    let services = text.split("\nvolumes:\n").next().unwrap().matches("\n    image: ").count();
    for limit in ["mem_limit: ", "pids_limit: ", "- no-new-privileges:true"] {
        assert_eq!(text.matches(limit).count(), services, "{limit}");
    }
}
