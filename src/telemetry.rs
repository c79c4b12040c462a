//! The log: text or JSON, to standard error.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write},
    sync::Arc,
};

use tracing_subscriber::{
    filter::Targets, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _,
};

use crate::config::{Log, LogFormat};

/// A filter that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("log.filter cannot be read; write a level such as info, or target=level pairs")]
pub struct FilterError;

/// The filter of the log that was started, to be changed while the process runs.
#[derive(Clone)]
pub struct Filter {
    replace: Arc<dyn Fn(Targets) + Send + Sync>,
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}

impl Filter {
    /// Logs by this filter from now on.
    pub fn set(&self, filter: &str) -> Result<(), FilterError> {
        (self.replace)(parsed(filter)?);
        Ok(())
    }
}

/// A level, and `target=level` pairs, parted by commas.
pub(crate) fn parsed(filter: &str) -> Result<Targets, FilterError> {
    let pairs: Vec<&str> =
        filter.split(',').map(str::trim).filter(|pair| !pair.is_empty()).collect();
    // Without any it would be silent.
    if pairs.is_empty() {
        return Err(FilterError);
    }
    pairs.join(",").parse().map_err(|_| FilterError)
}

/// Starts the log of the process. A second call changes nothing.
pub fn start(settings: &Log) -> Result<Filter, FilterError> {
    let colours = io::stderr().is_terminal();
    let (filter, handle) = reload::Layer::new(parsed(&settings.filter)?);
    let log = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_ansi(colours);
    // An error says that a log has been started before, as in a test, or that it is gone.
    let _ = match settings.format {
        LogFormat::Text => {
            log.with(lines.with_writer(move || OneLine { log: io::stderr(), colours })).try_init()
        }
        // JSON escapes by itself.
        LogFormat::Json => {
            log.with(lines.with_writer(io::stderr).json().flatten_event(true)).try_init()
        }
    };
    Ok(Filter { replace: Arc::new(move |filter| drop(handle.reload(filter))) })
}

/// Keeps each entry on one line, whatever text of a sender or of iTop is in it: nobody writes a line
/// that looks like the bridge's own, or turns the direction of what follows.
struct OneLine<W> {
    log: W,
    /// Whether escape characters are the subscriber's own: it takes out those of others.
    colours: bool,
}

impl<W: Write> Write for OneLine<W> {
    /// Takes one whole entry, as the subscriber gives it.
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(entry);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let is_own = |c: char| self.colours && c == '\u{1b}';
        let harms = |c: char| is_harmful(c) && !is_own(c);
        if !line.contains(harms) {
            self.log.write_all(entry)?;
            return Ok(entry.len());
        }
        let mut escaped = String::with_capacity(entry.len() + 16);
        for c in line.chars() {
            if harms(c) {
                escaped.extend(c.escape_unicode());
            } else {
                escaped.push(c);
            }
        }
        escaped.push('\n');
        self.log.write_all(escaped.as_bytes())?;
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.log.flush()
    }
}

/// Control characters, what else ends a line, and what changes the direction of writing.
fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is in the log after an entry with this text in its message and in a field.
    fn logged(text: &str, colours: bool) -> String {
        let kept = Kept::default();
        let log = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(colours)
            .with_writer(move || OneLine { log: log.clone(), colours })
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(shown = %text, quoted = text, "refused: {text}");
        });
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_filter_has_levels_for_all_and_for_some() {
        let bridge = "servicenav_itop_bridge::itop";
        let wants = |filter: &str, level| parsed(filter).unwrap().would_enable(bridge, &level);
        let (info, debug) = (tracing::Level::INFO, tracing::Level::DEBUG);
        assert!(wants("info", info) && !wants("info", debug));
        assert!(wants("warn, servicenav_itop_bridge=debug", debug));
        assert!(wants("warn,servicenav_itop_bridge::itop=info,", info));
        assert!(!wants("off", info));
        for wrong in ["", " ", ",", "info=loud", "a=b=c"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nobody_writes_a_line_of_their_own() {
        let forged = "x\n2026-11-21T09:15:02Z  INFO bridge: all is well\u{1b}[2J\u{202e}\u{85}";
        let line = logged(forged, false);
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.contains("x\\u{a}2026-11-21"), "{line}");
        assert!(!line.trim_end().contains(is_harmful), "{line:?}");
    }

    proptest! {
        #[test]
        fn an_entry_is_one_line_whatever_its_text(text in any::<String>(), nasty in "[\n\r\u{1b}\\[\u{85}\u{2028}\u{202e}a]{0,9}") {
            for text in [&text, &nasty] {
                let line = logged(text, false);
                prop_assert!(line.ends_with('\n'));
                prop_assert!(!line[..line.len() - 1].contains(is_harmful), "{:?}", line);
                let coloured = logged(text, true);
                let breaks = |c| is_harmful(c) && c != '\u{1b}';
                prop_assert!(!coloured[..coloured.len() - 1].contains(breaks), "{:?}", coloured);
            }
        }
    }
}
