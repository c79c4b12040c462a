//! What the program says of itself: help, completions, pages of the manual.

use std::os::unix::fs::PermissionsExt as _;

use clap::{Command, CommandFactory as _};
use servicenav_itop_bridge::cli::Cli;

use crate::program::{command, output, text};

/// Each command with the words that call it, and the program itself.
fn commands() -> Vec<(Vec<String>, Command)> {
    fn below(words: &[String], command: &Command, all: &mut Vec<(Vec<String>, Command)>) {
        all.push((words.to_vec(), command.clone()));
        for command in command.get_subcommands() {
            let words: Vec<_> =
                words.iter().cloned().chain([command.get_name().to_owned()]).collect();
            below(&words, command, all);
        }
    }
    let mut all = Vec::new();
    below(&[], &Cli::command(), &mut all);
    all
}

#[tokio::test]
async fn each_command_explains_itself() {
    for (words, _) in commands() {
        let arguments: Vec<_> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let help = output(command(&arguments)).await;
        assert!(help.status.success(), "{}", text(&help));
        let name = if words.is_empty() { "program".to_owned() } else { words.join("_") };
        insta::assert_snapshot!(format!("help_{name}"), text(&help));
    }
}

#[test]
fn each_option_has_a_sentence_of_its_own() {
    for (words, command) in commands() {
        assert!(command.get_about().is_some(), "{words:?}");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{words:?} {}", argument.get_id());
        }
    }
}

#[tokio::test]
async fn shells_are_given_completions_that_they_can_read() {
    for shell in ["bash", "zsh", "fish"] {
        let printed = output(command(&["completions", shell])).await;
        assert!(printed.status.success(), "{}", text(&printed));
        let script = text(&printed);
        let is_whole = script.contains("test-event") && script.contains("token-file");
        assert!(is_whole, "{shell}: {script}");
        if shell == "bash" {
            // It is longer than an argument may be.
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(&file, &script).unwrap();
            for (before, typed, completed) in [
                ("", "sta", "status"),
                ("links", "im", "import"),
                ("test-event", "--cr", "--create"),
            ] {
                let complete = format!(
                    ". {}\nfunction=$(complete -p servicenav-itop-bridge | grep -o -- '-F [^ ]*')\n\
                     COMP_WORDS=(servicenav-itop-bridge {before} {typed})\n\
                     COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
                     ${{function#-F }} servicenav-itop-bridge {typed} {before}\n\
                     echo \"${{COMPREPLY[@]}}\"",
                    file.path().display()
                );
                let mut bash = std::process::Command::new("bash");
                bash.args(["--norc", "-c", &complete]);
                assert_eq!(text(&output(bash).await).trim(), completed);
            }
        }
    }
}

#[tokio::test]
async fn packages_are_given_a_page_for_each_command() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    let made = output(command(&["man", pages.to_str().unwrap()])).await;
    assert!(made.status.success(), "{}", text(&made));
    for (words, command) in commands() {
        if command.is_hide_set() {
            continue;
        }
        let name = [vec!["servicenav-itop-bridge".to_owned()], words].concat().join("-");
        let page = pages.join(format!("{name}.1"));
        let text = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.contains(".SH NAME"), "{text}");
        assert_eq!(page.metadata().unwrap().permissions().mode() & 0o777, 0o644);
    }
}
