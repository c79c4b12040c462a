//! The process that drives a browser, and all that it starts.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// The driver forgets its browser when it is killed. So a shell holds both in a process group of their
/// own, which it ends once nobody holds its input any more: where a test passes, where it panics, and
/// where all tests are stopped from outside.
const SCRIPT: &str = "chromedriver --port=0 &
    exec > /dev/null
    read -r _
    kill -KILL 0";

/// A driver with its browsers, until it is dropped.
pub struct Driver {
    /// Where it listens.
    pub port: u16,
    shell: Child,
    held: Option<ChildStdin>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.held.take());
        let _ = self.shell.wait();
    }
}

impl Driver {
    /// `None` where there is no driver.
    ///
    /// It takes a free port of IPv4, then wants the same one of IPv6, and where another test has that,
    /// it ends ("port not available"). So it is started once more.
    pub fn start() -> Option<Self> {
        let asked = Command::new("chromedriver").arg("--version").output();
        asked.ok().filter(|answer| answer.status.success())?;
        let started = (0..20).find_map(|_| Self::try_start());
        Some(started.expect("chromedriver finds a port"))
    }

    /// `None` where it ends before it listens.
    fn try_start() -> Option<Self> {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let held = shell.stdin.take();
        let output = BufReader::new(shell.stdout.take().unwrap());
        let mut driver = Self { port: 0, shell, held };
        let (port, output) = port(output)?;
        driver.port = port;
        // It goes on to say things, which somebody must take.
        std::thread::spawn(move || output.lines().for_each(drop));
        Some(driver)
    }

    /// The group in which it and its browsers are.
    pub fn group(&self) -> u32 {
        self.shell.id()
    }
}

/// The port that it says it listens on, and the rest of what it says.
fn port(mut output: BufReader<ChildStdout>) -> Option<(u16, BufReader<ChildStdout>)> {
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        let port = line.trim().strip_suffix('.').and_then(|line| line.rsplit_once("on port "));
        if let Some((_, port)) = port {
            return Some((port.parse().unwrap(), output));
        }
        line.clear();
    }
    None
}

mod tests {
    use super::super::{Browser, Look};
    use servicenav_itop_bridge::clock::Clock;
    use std::{process::Command, time::Duration};

    /// The processes of a group that still run, one line for each. One that ended and that nobody has
    /// asked about yet runs no more.
    fn running(group: u32) -> Vec<String> {
        let listed = Command::new("ps").args(["-A", "-o", "pgid=,stat=,args="]).output().unwrap();
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let group = group.to_string();
        let is_of = |line: &&str| {
            let mut words = line.split_whitespace();
            words.next() == Some(&group) && !words.next().is_some_and(|stat| stat.contains('Z'))
        };
        listed.lines().filter(is_of).map(str::to_owned).collect()
    }

    async fn nothing_runs(group: u32) {
        let ended = async {
            while !running(group).is_empty() {
                Clock::system().sleep(Duration::from_millis(20)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(10), ended).await;
        assert!(ended.is_ok(), "{:#?}", running(group));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_browser_outlives_its_test() {
        let Some(browser) = Browser::start(Look::default()).await else { return };
        let group = browser.group();
        let chromium = |lines: &[String]| lines.iter().any(|line| line.contains("--user-data-dir"));
        assert!(chromium(&running(group)), "{:#?}", running(group));
        browser.quit().await;
        nothing_runs(group).await;

        // Nor where a test fails.
        let (told, group) = tokio::sync::oneshot::channel();
        let failing = tokio::spawn(async {
            let browser = Browser::start(Look::default()).await.unwrap();
            told.send(browser.group()).unwrap();
            browser.cdp("No.Such", serde_json::json!({})).await;
        });
        assert!(failing.await.unwrap_err().is_panic());
        nothing_runs(group.await.unwrap()).await;
    }
}
