//! What the program takes up.

use std::time::Duration;

use servicenav_itop_bridge::clock::Clock;

use crate::{
    lists::CIS,
    processes::{PROGRAM, Process, folder},
    report::Line,
    requests, starts,
    wire::{self, Connection},
    world::assert_tickets,
};

const CONTROLS: u32 = 100_000;

/// Resident memory, idle and with everything in use.
pub async fn memory() -> Vec<Line> {
    let folder = folder();
    let itop = Process::itop(folder.path(), &["--servers", "50000"]).await;
    let bridge = Process::bridge(folder.path(), itop.address).await;
    Clock::system().sleep(Duration::from_secs(3)).await;
    let idle = bridge.memory("VmRSS");
    bridge.stop();

    starts::fill(&itop, folder.path(), CONTROLS).await;
    let bridge = Process::bridge(folder.path(), itop.address).await;
    wire::ask_well(bridge.address, &requests::get(CIS)).await;
    let mut connection = Connection::open(bridge.address).await.expect("a connection");
    for first in (0..CONTROLS).step_by(1_000) {
        let lookup = requests::lookup(first..first + 1_000);
        let answer = connection.exchange(&lookup).await.expect("an answer");
        assert_tickets(answer.body, 1_000);
    }
    vec![
        Line::new("memory, idle", idle, "MB").at_most(25.0),
        Line::new(
            "memory, 50,000 CIs and 100,000 controls looked up",
            bridge.memory("VmRSS"),
            "MB",
        )
        .at_most(120.0),
        Line::new("the same at its highest", bridge.memory("VmHWM"), "MB"),
    ]
}

/// The program on the disk.
pub fn size() -> Vec<Line> {
    let bytes = std::fs::metadata(PROGRAM).expect("the program is there").len();
    let bytes = u32::try_from(bytes).expect("less than 4 GB");
    vec![Line::new("the program on the disk", f64::from(bytes) / 1e6, "MB").at_most(20.0)]
}
