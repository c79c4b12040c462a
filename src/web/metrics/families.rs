//! Metrics as they are at one moment, and how Prometheus reads them.

use std::{borrow::Cow, fmt};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, prometheus_text, text},
    metrics::{MetricType, exemplar::Exemplar},
    registry::{Registry, Unit},
};

use crate::counting::Counted;

/// What the names of the bridge's own metrics begin with.
const PREFIX: &str = "servicenav_bridge";

/// The words by which the numbers of one name differ. They are few, and known beforehand or by the
/// configuration: never a company, a control, or a token.
pub(super) type Labels = Vec<(&'static str, String)>;

/// The labels of these names with these words.
pub(super) fn labels<const N: usize>(labels: [(&'static str, &str); N]) -> Labels {
    labels.map(|(name, word)| (name, word.to_owned())).into()
}

/// In which of its two formats Prometheus wants them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// The text format 0.0.4, which everything reads.
    Text,
}

impl Format {
    /// The one that whoever asks takes (`Accept`).
    pub(super) fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Text }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => prometheus_text::CONTENT_TYPE,
        }
    }
}

/// A name, or what it means: that of a ticket system is made of its code.
type Text = Cow<'static, str>;

/// Metrics by their names.
#[derive(Debug, Default)]
pub(super) struct Families(Vec<Family>);

#[derive(Debug)]
struct Family {
    /// Whether the name is one that every process has.
    is_standard: bool,
    name: Text,
    help: Text,
    kind: MetricType,
    points: Vec<(Labels, Number)>,
}

/// A number of a metric.
#[derive(Debug)]
pub(super) enum Number {
    Whole(u64),
    Real(f64),
    Spread { sum: f64, count: u64, buckets: Vec<(f64, u64)> },
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<usize> for Number {
    fn from(number: usize) -> Self {
        Self::Whole(number as u64)
    }
}

impl From<bool> for Number {
    fn from(holds: bool) -> Self {
        Self::Whole(u64::from(holds))
    }
}

impl From<f64> for Number {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl Number {
    /// What was counted in parts of the unit, such as microseconds, in buckets up to these bounds.
    pub(super) fn spread(counted: &Counted, parts: u32, bounds: &[f64]) -> Self {
        let parts = f64::from(parts);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounds are constants"
        )]
        let up_to = |bound: &f64| counted.up_to((bound * parts).round() as u64);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a sum that is off by a billionth of itself"
        )]
        let sum = counted.sum() as f64 / parts;
        let count = counted.count();
        let mut buckets: Vec<_> = bounds.iter().map(|bound| (*bound, up_to(bound))).collect();
        buckets.push((f64::INFINITY, count));
        // The encoder adds them up.
        for at in (1..buckets.len()).rev() {
            buckets[at].1 -= buckets[at - 1].1;
        }
        Self::Spread { sum, count, buckets }
    }
}

impl Families {
    /// A number that goes up and down.
    pub(super) fn gauge(
        &mut self,
        name: impl Into<Text>,
        help: impl Into<Text>,
        number: impl Into<Number>,
    ) {
        self.gauges(name, help, [(Labels::new(), number)]);
    }

    /// The same with labels.
    pub(super) fn gauges<N: Into<Number>>(
        &mut self,
        name: impl Into<Text>,
        help: impl Into<Text>,
        points: impl IntoIterator<Item = (Labels, N)>,
    ) {
        self.add(false, name, help, MetricType::Gauge, points);
    }

    /// A number that goes up and down, of the process.
    pub(super) fn of_process(
        &mut self,
        name: &'static str,
        help: &'static str,
        number: impl Into<Number>,
    ) {
        self.add(true, name, help, MetricType::Gauge, [(Labels::new(), number)]);
    }

    /// A number that only grows while the process runs; its name gets the end `_total`.
    pub(super) fn counter(&mut self, name: &'static str, help: &'static str, number: u64) {
        self.counters(name, help, [(Labels::new(), number)]);
    }

    /// The same with labels.
    pub(super) fn counters(
        &mut self,
        name: impl Into<Text>,
        help: impl Into<Text>,
        points: impl IntoIterator<Item = (Labels, u64)>,
    ) {
        self.add(false, name, help, MetricType::Counter, points);
    }

    /// How numbers spread.
    pub(super) fn histograms(
        &mut self,
        name: impl Into<Text>,
        help: impl Into<Text>,
        points: impl IntoIterator<Item = (Labels, Number)>,
    ) {
        self.add(false, name, help, MetricType::Histogram, points);
    }

    /// What stays the same while the process runs.
    pub(super) fn info(&mut self, name: &'static str, help: &'static str, labels: Labels) {
        self.add(false, name, help, MetricType::Info, [(labels, 1_u64)]);
    }

    fn add<N: Into<Number>>(
        &mut self,
        is_standard: bool,
        name: impl Into<Text>,
        help: impl Into<Text>,
        kind: MetricType,
        points: impl IntoIterator<Item = (Labels, N)>,
    ) {
        let points = points.into_iter().map(|(labels, number)| (labels, number.into())).collect();
        let (name, help) = (name.into(), help.into());
        self.0.push(Family { is_standard, name, help, kind, points });
    }

    /// All of them, as they are sent.
    pub(super) fn encoded(self, format: Format) -> Result<String, fmt::Error> {
        let (standard, own) = self.0.into_iter().partition(|family| family.is_standard);
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Self(standard)));
        registry.sub_registry_with_prefix(PREFIX).register_collector(Box::new(Self(own)));
        let mut text = String::with_capacity(32 << 10);
        match format {
            Format::OpenMetrics => text::encode(&mut text, &registry)?,
            Format::Text => prometheus_text::encode(&mut text, &registry)?,
        }
        Ok(text)
    }
}

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Family { name, help, kind, points, .. } in &self.0 {
            // The encoder puts the unit behind the name again.
            let (name, unit) = match name.rsplit_once('_') {
                Some((name, "seconds")) => (name, Some(Unit::Seconds)),
                Some((name, "bytes")) => (name, Some(Unit::Bytes)),
                _ => (&**name, None),
            };
            let mut family = encoder.encode_descriptor(name, help, unit.as_ref(), *kind)?;
            for (labels, number) in points {
                if *kind == MetricType::Info {
                    family.encode_info(labels)?;
                } else if labels.is_empty() {
                    point(&mut family, number, *kind)?;
                } else {
                    point(&mut family.encode_family(labels)?, number, *kind)?;
                }
            }
        }
        Ok(())
    }
}

fn point(metric: &mut MetricEncoder<'_>, number: &Number, kind: MetricType) -> fmt::Result {
    match number {
        Number::Whole(number) if kind == MetricType::Counter => {
            metric.encode_counter(number, None::<&Exemplar<NoLabelSet, f64>>)
        }
        Number::Whole(number) => metric.encode_gauge(number),
        Number::Real(number) => metric.encode_gauge(number),
        Number::Spread { sum, count, buckets } => {
            metric.encode_histogram::<NoLabelSet>(*sum, *count, buckets, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counting::Spread;

    fn families() -> Families {
        let spread = Spread::default();
        for micros in [1_000, 1_500_000, 1_600_000, 90_000_000] {
            spread.add(micros);
        }
        let took = Number::spread(&spread.read(), 1_000_000, &[0.5, 2.5]);
        let mut families = Families::default();
        families.gauge("way_open", "Whether the way is open", true);
        families.counters("calls", "Calls", [(labels([("code", "a\"b\\c\nd")]), 2)]);
        families.histograms("call_duration_seconds", "How long", [(labels([("of", "x")]), took)]);
        families.info("build", "What runs", labels([("version", "1.2")]));
        families.of_process("process_resident_memory_bytes", "Memory", 1.5);
        families
    }

    #[test]
    fn both_formats_name_everything_as_they_have_to() {
        let text = families().encoded(Format::Text).unwrap();
        let expected = "\
# HELP process_resident_memory_bytes Memory
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 1.5
# HELP servicenav_bridge_way_open Whether the way is open
# TYPE servicenav_bridge_way_open gauge
servicenav_bridge_way_open 1
# HELP servicenav_bridge_calls_total Calls
# TYPE servicenav_bridge_calls_total counter
servicenav_bridge_calls_total{code=\"a\\\"b\\\\c\\nd\"} 2
# HELP servicenav_bridge_call_duration_seconds How long
# TYPE servicenav_bridge_call_duration_seconds histogram
servicenav_bridge_call_duration_seconds_bucket{of=\"x\",le=\"0.5\"} 1
servicenav_bridge_call_duration_seconds_bucket{of=\"x\",le=\"2.5\"} 3
servicenav_bridge_call_duration_seconds_bucket{of=\"x\",le=\"+Inf\"} 4
servicenav_bridge_call_duration_seconds_sum{of=\"x\"} 93.101
servicenav_bridge_call_duration_seconds_count{of=\"x\"} 4
# HELP servicenav_bridge_build_info What runs
# TYPE servicenav_bridge_build_info gauge
servicenav_bridge_build_info{version=\"1.2\"} 1
";
        assert_eq!(text, expected);
        let open = families().encoded(Format::OpenMetrics).unwrap();
        for line in [
            "# TYPE servicenav_bridge_calls counter",
            "# UNIT servicenav_bridge_call_duration_seconds seconds",
            "# TYPE servicenav_bridge_build info",
            "servicenav_bridge_build_info{version=\"1.2\"} 1",
            "servicenav_bridge_call_duration_seconds_bucket{le=\"+Inf\",of=\"x\"} 4",
            "# EOF",
        ] {
            assert!(open.lines().any(|known| known == line), "{line}: {open}");
        }
        assert!(open.ends_with("# EOF\n"));
    }

    #[test]
    fn the_format_is_the_one_that_is_taken() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
        for (accept, format) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/plain", Format::Text),
            (prometheus, Format::OpenMetrics),
        ] {
            assert_eq!(Format::accepted(accept), format, "{accept}");
        }
    }
}
