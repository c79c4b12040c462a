//! The examples of the documents: each command is one that there is, each configuration one that the
//! bridge takes.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Parser as _;
use servicenav_itop_bridge::{cli::Cli, config, web::calls};

use super::{documents, root};

const PROGRAM: &str = "servicenav-itop-bridge";

/// An example: where it begins, the language of its fence, its text.
struct Example {
    place: String,
    language: String,
    text: String,
}

fn examples_of(file: &Path) -> Vec<Example> {
    let text = fs::read_to_string(file).unwrap();
    let mut examples: Vec<Example> = Vec::new();
    let mut is_inside = false;
    for (number, line) in (1..).zip(text.lines()) {
        match line.trim_start().strip_prefix("```") {
            Some(_) if is_inside => is_inside = false,
            Some(language) => {
                is_inside = true;
                let place = format!("{}:{number}", file.display());
                let language = language.trim().to_owned();
                examples.push(Example { place, language, text: String::new() });
            }
            None if is_inside => {
                let text = &mut examples.last_mut().unwrap().text;
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    assert!(!is_inside, "{}: an example that does not end", file.display());
    examples
}

fn examples() -> Vec<Example> {
    documents().iter().flat_map(|file| examples_of(file)).collect()
}

/// What a document shows in a language.
pub fn shown_in(document: &str, language: &str) -> Vec<String> {
    let examples = examples_of(&root().join(document)).into_iter();
    examples.filter(|example| example.language == language).map(|example| example.text).collect()
}

/// The commands of an example, without what they print: a line that goes on is one with the next.
fn commands(example: &Example) -> Vec<String> {
    if !example.language.is_empty() && example.language != "sh" {
        return Vec::new();
    }
    let text = example.text.replace("\\\n", " ");
    let has_prompts = text.lines().any(|line| line.starts_with("$ "));
    let command = |line: &str| {
        let line = if has_prompts { line.strip_prefix("$ ")? } else { line };
        // What another program makes of it is not ours.
        let line = line.split(" | ").next()?.trim();
        let is_one = ["curl ", "cargo ", "tests/", ".ci/", PROGRAM];
        let start = line.trim_start_matches("sudo ");
        is_one.iter().any(|one| start.starts_with(one)).then(|| start.to_owned())
    };
    text.lines().filter_map(command).collect()
}

/// The words as a shell parts them.
fn words(command: &str, place: &str) -> Vec<String> {
    let output = Command::new("sh")
        .args(["-c", &format!("set -- {command}\nprintf '%s\\0' \"$@\"")])
        .current_dir(std::env::temp_dir())
        .env("TOKEN", "snb_token")
        .output()
        .unwrap();
    assert!(output.status.success(), "{place}: {command}");
    let words = String::from_utf8(output.stdout).unwrap();
    words.split_terminator('\0').map(str::to_owned).collect()
}

/// Method and path that curl is told to call.
fn called(words: &[String], place: &str) -> (String, String) {
    let after = |names: &[&str]| {
        let at = words.iter().position(|word| names.contains(&word.as_str()))?;
        words.get(at + 1).cloned()
    };
    let has_body = words.iter().any(|word| word.starts_with("-d") || word.starts_with("--data"));
    let method = after(&["-X", "--request"]).unwrap_or_else(|| {
        let is_get = words.iter().any(|word| word == "-G" || word == "--get");
        if has_body && !is_get { "POST" } else { "GET" }.to_owned()
    });
    let address = words.iter().find(|word| word.starts_with("http")).expect(place);
    let path = address.splitn(4, '/').nth(3).unwrap_or_default();
    (method.to_lowercase(), format!("/{}", path.split(['?', '#']).next().unwrap()))
}

fn is_a_call(method: &str, path: &str) -> bool {
    let fits = |known: &str| {
        let (known, asked) = (known.split('/'), path.split('/'));
        known.clone().count() == asked.clone().count()
            && known.zip(asked).all(|(known, asked)| known.contains('{') || known == asked)
    };
    calls().any(|call| call.method == method && fits(call.path))
}

#[test]
fn each_command_is_one_that_there_is() {
    let (mut ours, mut asked) = (0, 0);
    for example in examples() {
        let place = &example.place;
        for command in commands(&example) {
            let mut words = words(&command, place);
            if command.starts_with("cargo run") {
                let at = words.iter().position(|word| word == "--").expect(place);
                words.splice(..=at, [PROGRAM.to_owned()]);
            }
            match words[0].as_str() {
                PROGRAM => {
                    let parsed = Cli::try_parse_from(&words);
                    // What prints help or the version is no failure.
                    let wrong = parsed.err().filter(clap::Error::use_stderr);
                    assert!(wrong.is_none(), "{place}: {}", wrong.unwrap());
                    ours += 1;
                }
                "curl" => {
                    let (method, path) = called(&words, place);
                    assert!(is_a_call(&method, &path), "{place}: {method} {path}");
                    asked += 1;
                }
                "cargo" => {}
                script => {
                    let file = root().join(script);
                    let mode = fs::metadata(&file).expect(place).permissions().mode();
                    assert_ne!(mode & 0o111, 0, "{place}: {}", file.display());
                }
            }
        }
    }
    assert!(ours > 6 && asked > 8, "{ours} of ours, {asked} with curl");
}

#[test]
fn each_configuration_is_one_that_the_bridge_takes() {
    let folder = tempfile::tempdir().unwrap();
    // What a document leaves out for brevity, and what stands in files.
    let hash = format!("sha256:{}", "0".repeat(64));
    let rest = "[itop]\nurl = 'https://itop.example/'\nuser = 'bridge'\npassword = 'x'\ntime_zone = 'UTC'\n";
    let secret = folder.path().join("secret");
    fs::write(&secret, format!("whsec_{}", "QUJDRA".repeat(6))).unwrap();
    let address = folder.path().join("address");
    fs::write(&address, "https://receiver.example/hook").unwrap();
    let mut taken = 0;
    for example in examples().iter().filter(|example| example.language == "toml") {
        let mut text = example.text.replace("sha256:…", &hash).replace("sha256:9cca…", &hash);
        let in_file = |line: &str| {
            let named = line.split_once("_file = \"");
            let file = |key: &str| if key.ends_with("url") { &address } else { &secret };
            named
                .map_or_else(|| line.to_owned(), |(key, _)| format!("{key}_file = {:?}", file(key)))
        };
        text = text.lines().map(in_file).collect::<Vec<_>>().join("\n") + "\n";
        if !text.contains("[itop]") {
            text.push_str(rest);
        }
        let file = folder.path().join("config.toml");
        fs::write(&file, text).unwrap();
        let wrong = config::load(Some(&file), []).err();
        assert!(wrong.is_none(), "{}: {}", example.place, wrong.unwrap());
        taken += 1;
    }
    assert!(taken > 3, "{taken}");
}

#[test]
fn each_json_is_json() {
    for example in examples().iter().filter(|example| example.language == "json") {
        let wrong = serde_json::from_str::<serde_json::Value>(&example.text).err();
        assert!(wrong.is_none(), "{}: {}", example.place, wrong.unwrap());
    }
}

/// A translation shows what its original shows: who mends one mends both.
#[test]
fn translations_show_the_same() {
    let folder = root().join("docs/fr");
    let files: Vec<PathBuf> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files {
        let original = root().join("docs").join(file.file_name().unwrap());
        let shown = |file: &Path| -> Vec<(String, String)> {
            examples_of(file).into_iter().map(|example| (example.language, example.text)).collect()
        };
        assert_eq!(shown(&file), shown(&original), "{}", file.display());
    }
}
