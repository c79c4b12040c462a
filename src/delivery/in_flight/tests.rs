//! The rule, told of one delivery after the other.

use std::time::Duration;

use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_oneof},
    prop_assert, proptest,
};

use super::{
    simulation::{Drain, as_the_sandbox, by_default},
    *,
};

fn at(second: u64) -> Moment {
    Moment::from_millis(0).later(Duration::from_secs(second))
}

/// A rule that is told of deliveries which begin and end with as many in flight as may be.
struct Full {
    rule: InFlight,
    now: Moment,
}

impl Full {
    fn new(rule: InFlight) -> Self {
        Self { rule, now: at(0) }
    }

    /// A delivery that takes so long, as all beside it do.
    fn one(&mut self, millis: u64, written: Written) {
        let running = self.rule.limit().into();
        let begun = self.rule.begun(running, self.now);
        self.now = self.now.later(Duration::from_millis(millis) / u32::from(self.rule.limit()));
        self.rule.ended(begun, running, self.now, written);
    }
}

#[test]
fn without_a_backlog_nothing_is_tried() {
    let mut rule = by_default();
    for (running, second) in [1, 2, 3].into_iter().cycle().zip(0..1_000) {
        let begun = rule.begun(running, at(second));
        let ended = at(second).later(Duration::from_millis(200));
        rule.ended(begun, running, ended, Written::Yes);
        assert_eq!(rule.limit(), START);
    }
}

#[test]
fn a_place_that_stays_free_for_a_while_voids_the_round() {
    let mut told = Full::new(by_default());
    for _ in 0..1_000 {
        for _ in 0..10 {
            told.one(200, Written::Yes);
        }
        let _ = told.rule.begun(3, told.now);
    }
    assert_eq!(told.rule.limit(), START);
}

#[test]
fn what_writes_nothing_steers_nothing() {
    let mut told = Full::new(by_default());
    for _ in 0..1_000 {
        told.one(1, Written::Nothing);
    }
    assert_eq!(told.rule.limit(), START);
}

#[test]
fn what_writes_nothing_makes_no_limit_look_slow() {
    let mut round = Round::from(at(0));
    // One of two places writes every two seconds; the other one is taken for ten seconds.
    for second in [2, 4, 6, 8, 10] {
        round.add(at(second - 2), at(second), Written::Yes);
    }
    round.add(at(0), at(10), Written::Nothing);
    assert_eq!(round.throughput(2, at(10)), Some(1.0));
}

#[test]
fn writes_in_vain_lower_it_and_success_raises_it_again() {
    let mut told = Full::new(InFlight::new(2, 16));
    let mut highest = 0;
    for _ in 0..1_000 {
        told.one(30_000, Written::InVain);
        highest = highest.max(told.rule.limit());
    }
    // The first contest is with more, before anything is known to be wrong.
    let home = told.rule.home;
    assert!(home == 2 && highest <= 8, "{home} {highest}");
    for _ in 0..1_500 {
        told.one(200, Written::Yes);
    }
    assert!(told.rule.home > 8, "{}", told.rule.home);
}

#[test]
fn an_interruption_keeps_what_is_known() {
    let mut rule = by_default();
    Drain::new(as_the_sandbox(8), None).by(&mut rule);
    let known = rule.home;
    let mut told = Full::new(rule);
    for _ in 0..100 {
        let limit = told.rule.limit().into();
        let before = told.rule.begun(limit, told.now);
        for _ in 0..3 {
            told.one(30_000, Written::InVain);
        }
        told.rule.interrupted();
        assert_eq!(told.rule.limit(), known);
        // It began before the interruption, and ends after it.
        told.rule.ended(before, limit, told.now, Written::InVain);
    }
    assert_eq!(told.rule.limit(), known);
}

#[derive(Clone, Debug)]
enum Event {
    Ended { running: usize, millis: u64, written: Written },
    Interrupted,
}

fn event() -> impl Strategy<Value = Event> {
    let written = prop_oneof![
        8 => any::<()>().prop_map(|()| Written::Yes),
        1 => any::<()>().prop_map(|()| Written::InVain),
        1 => any::<()>().prop_map(|()| Written::Nothing),
    ];
    prop_oneof![
        50 => (0_usize..40, 0_u64..2_000, written)
            .prop_map(|(running, millis, written)| Event::Ended { running, millis, written }),
        1 => any::<()>().prop_map(|()| Event::Interrupted),
    ]
}

proptest! {
    #[test]
    fn the_limit_stays_within_its_bounds(
        least in any::<u16>(),
        more in prop_oneof![0_u16..20, any::<u16>()],
        small in any::<bool>(),
        events in vec(event(), 0..2_000),
    ) {
        let least = if small { least % 20 } else { least };
        let mut rule = InFlight::new(least, least.saturating_add(more));
        let mut now = at(0);
        for event in events {
            match event {
                Event::Ended { running, millis, written } => {
                    let running = if small { running } else { usize::from(u16::MAX) };
                    let begun = rule.begun(running, now);
                    now = now.later(Duration::from_millis(millis));
                    rule.ended(begun, running, now, written);
                }
                Event::Interrupted => rule.interrupted(),
            }
            prop_assert!(rule.bounds.contains(&rule.limit()) && rule.limit() > 0);
        }
    }
}
