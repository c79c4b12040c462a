//! The pages in a real browser: headless Chromium, driven as a person would use it.

mod companies;
mod desks;
mod driver;
mod equipment;
mod forms;
mod freshness;
mod inbox;
mod live;
mod migration;
mod pages;
mod sign_in;

use std::time::Duration;

use serde_json::{Value, json};
use servicenav_itop_bridge::clock::Clock;
use thirtyfour::{
    ChromiumLikeCapabilities as _, DesiredCapabilities, Key, TypingData, WebDriver, WebElement,
};

use driver::Driver;

/// How long a condition may take to come true before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a page is looked at.
#[derive(Clone, Copy)]
pub struct Look {
    /// In pixels.
    pub width: u32,
    pub dark: bool,
    /// What the browser asks for.
    pub language: &'static str,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: 1320, dark: false, language: "en" }
    }
}

/// A browser of its own, with a profile of its own, until it is dropped.
pub struct Browser {
    driver: WebDriver,
    // Dropped before its profile: what is ended has nothing to write any more.
    process: Driver,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It would be asked to end, which where a test fails takes a minute.
        std::mem::forget(self.driver.clone());
    }
}

impl Browser {
    /// `None` where there is no Chromium; `tests/run` installs it, and then it must be there.
    pub async fn start(look: Look) -> Option<Self> {
        let Some(process) = tokio::task::spawn_blocking(Driver::start).await.unwrap() else {
            let is_needed = std::env::var_os("BRIDGE_TESTS_WITH_CHROMIUM").is_some();
            assert!(!is_needed, "chromedriver cannot be started");
            eprintln!("left out, for there is no Chromium: tests/run installs it");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut capabilities = DesiredCapabilities::chrome();
        let size = format!("--window-size={},900", look.width.max(500));
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-background-networking",
            &size,
            &format!("--user-data-dir={}", profile.path().display()),
            &format!("--accept-lang={}", look.language),
            &format!("--lang={}", look.language),
        ] {
            capabilities.add_arg(argument).unwrap();
        }
        let prefs = json!({"intl.accept_languages": look.language});
        capabilities.add_experimental_option("prefs", prefs).unwrap();
        let address = format!("http://127.0.0.1:{}", process.port);
        let driver = WebDriver::new(address, capabilities).await.unwrap();
        let browser = Self { driver, process, _profile: profile };
        browser.look(look).await;
        Some(browser)
    }

    /// Looks in another way from now on.
    pub async fn look(&self, look: Look) {
        let scheme = if look.dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.cdp("Emulation.setEmulatedMedia", media).await;
        let size =
            json!({"width": look.width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Whether the network is there.
    pub async fn connected(&self, is_connected: bool) {
        self.cdp("Network.enable", json!({})).await;
        let network = json!({
            "offline": !is_connected, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1
        });
        self.cdp("Network.emulateNetworkConditions", network).await;
    }

    pub async fn cdp(&self, method: &str, parameters: Value) -> Value {
        self.driver.cdp().send_raw(method, parameters).await.unwrap()
    }

    /// The group of processes in which all of it runs.
    pub fn group(&self) -> u32 {
        self.process.group()
    }

    pub async fn open(&self, address: &str) {
        self.driver.goto(address).await.unwrap();
    }

    /// Goes on in a window of its own, which is seen like those that there are.
    pub async fn window(&self) {
        let window = self.driver.new_window().await.unwrap();
        self.driver.switch_to_window(window).await.unwrap();
    }

    /// Goes on in another tab of the same window, behind which the present one is not seen.
    pub async fn tab(&self) {
        let tab = self.driver.new_tab().await.unwrap();
        self.driver.switch_to_window(tab).await.unwrap();
    }

    pub async fn address(&self) -> String {
        self.driver.current_url().await.unwrap().to_string()
    }

    /// The value of an expression in the page.
    pub async fn js(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// Goes back, as its button does. A script that calls for it may run twice: the driver runs a script
    /// again whose page goes away meanwhile.
    pub async fn back(&self) {
        self.driver.back().await.unwrap();
    }

    /// Waits until an expression in the page is true, and fails the test with what there is instead.
    pub async fn until(&self, expression: &str) {
        let waiting = async {
            while self.js(&format!("Boolean({expression})")).await != json!(true) {
                Clock::system().sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            let text = self.js("document.body.innerText").await;
            panic!(
                "never true: {expression}\n{}\n{}",
                self.address().await,
                text.as_str().unwrap()
            );
        }
    }

    /// Waits until the page says this somewhere.
    pub async fn says(&self, text: &str) {
        self.until(&format!("document.body.innerText.includes({})", json!(text))).await;
    }

    /// Waits for an element that can be seen.
    pub async fn element(&self, css: &str) -> WebElement {
        self.until(&format!("document.querySelector({})?.checkVisibility()", json!(css))).await;
        self.driver.find(thirtyfour::By::Css(css)).await.unwrap()
    }

    /// Presses keys wherever the focus is.
    pub async fn press(&self, keys: impl Into<TypingData>) {
        self.driver.action_chain().send_keys(keys).perform().await.unwrap();
    }

    /// What axe-core finds of WCAG 2.1 A and AA in the page, one line for each; empty where it is right.
    pub async fn barriers(&self) -> Vec<String> {
        let axe =
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/node_modules/axe-core/axe.min.js");
        let axe = match std::fs::read_to_string(axe) {
            Ok(axe) => axe,
            Err(error) => {
                let is_needed = std::env::var_os("BRIDGE_TESTS_WITH_CHROMIUM").is_some();
                assert!(!is_needed, "axe-core cannot be read: {error}");
                eprintln!("barriers are not looked for: tests/run has npm fetch axe-core");
                return Vec::new();
            }
        };
        self.driver.execute(axe, Vec::new()).await.unwrap();
        let run = "const done = arguments[arguments.length - 1];
             axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})
                .then((found) => done(found.violations.flatMap((violation) => violation.nodes.map(
                    (node) => `${violation.id}: ${node.target} ${node.failureSummary}`))));";
        let found = self.driver.execute_async(run, Vec::new()).await.unwrap();
        found
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap().to_owned())
            .collect()
    }

    /// A picture of what is seen of the page, as PNG.
    pub async fn picture(&self) -> Vec<u8> {
        self.driver.screenshot_as_png().await.unwrap()
    }

    /// Ends it in good order.
    pub async fn quit(self) {
        self.driver.clone().quit().await.unwrap();
    }
}

/// The key that leaves a field.
pub const ESCAPE: Key = Key::Escape;

/// The key that opens a row.
pub const ENTER: Key = Key::Enter;
