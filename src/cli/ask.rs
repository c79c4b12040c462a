//! Asking whoever sits there before much is changed.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::bail;

/// How many may be changed without asking.
pub(super) const A_FEW: usize = 5;

/// What somebody has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assent {
    Yes,
    No,
}

/// Asks, and waits for the answer. Where nobody can answer it is an error that says what to add.
pub(super) fn whether(question: &str) -> anyhow::Result<Assent> {
    let (input, mut output) = (std::io::stdin(), std::io::stderr());
    if !input.is_terminal() || !output.is_terminal() {
        bail!("{question} Nobody is there to answer: add --yes");
    }
    write!(output, "{question} [y/N] ")?;
    output.flush()?;
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    Ok(read(&line))
}

fn read(line: &str) -> Assent {
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" | "o" | "oui" => Assent::Yes,
        _ => Assent::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one() {
        for yes in ["y\n", "YES", " oui \n"] {
            assert_eq!(read(yes), Assent::Yes);
        }
        for no in ["", "\n", "n", "yes please", "yy"] {
            assert_eq!(read(no), Assent::No);
        }
    }
}
