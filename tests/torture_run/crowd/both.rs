//! The bridge and its iTop.

use std::process::{Child, Command, Stdio};

use serde_json::json;
use servicenav_itop_bridge::{clock::Clock, web::hash_token};

use super::BEAT;
use crate::processes::{PROGRAM, end, free_address, start_itop};

/// The bridge and its iTop, ended when this is dropped.
pub struct Both {
    bridge: Child,
    itop: Child,
    pub base: String,
    pub itop_base: String,
    _folder: tempfile::TempDir,
}

impl Drop for Both {
    fn drop(&mut self) {
        end(&mut self.bridge);
        end(&mut self.itop);
    }
}

impl Both {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the databases");
        let (bridge_at, itop_at) = (free_address(), free_address());
        let itop = start_itop(&folder, itop_at, &["--read-ms", "20", "--create-ms", "200"]);
        let token = |name: &str, scopes: &str, more: &str| {
            format!("{{name = '{name}', hash = '{}', scopes = [{scopes}]{more}}}", hash_token(name))
        };
        let wild = ", instance = 'wild', companies = ['id:77']";
        let tokens = [
            token("admin", "'admin'", ""),
            token("honest", "'ingest', 'read'", ""),
            token("wild", "'ingest', 'read'", wild),
            // What one of these holds up is its own.
            token("slow", "'ingest', 'read'", ""),
            token("endless", "'ingest'", ""),
        ];
        let settings = [
            ("SERVER__LISTEN", bridge_at.to_string()),
            ("AUTH__TOKENS", format!("[{}]", tokens.join(", "))),
            ("STORE__PATH", folder.path().join("bridge.db").display().to_string()),
            ("ITOP__URL", format!("http://{itop_at}")),
            ("ITOP__USER", "bridge".to_owned()),
            ("ITOP__PASSWORD", "sandbox".to_owned()),
            ("LOG__FILTER", "error".to_owned()),
        ];
        let bridge = Command::new(PROGRAM)
            .arg("serve")
            .envs(settings.map(|(name, value)| (format!("BRIDGE__{name}"), value)))
            .stdout(Stdio::null())
            .spawn()
            .expect("the bridge starts");
        let (base, itop_base) = (format!("http://{bridge_at}"), format!("http://{itop_at}"));
        let both = Self { bridge, itop, base, itop_base, _folder: folder };
        let (http, clock) = (reqwest::Client::new(), Clock::system());
        for url in [format!("{}/readyz", both.base), format!("{}/sandbox/stats", both.itop_base)] {
            while !http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                clock.sleep(BEAT).await;
            }
        }
        let link = json!({"organization": "Demo", "team": "Helpdesk"}).to_string();
        let request = http.put(format!("{}/api/v1/links/42", both.base)).bearer_auth("admin");
        let request = request.header("content-type", "application/json").body(link);
        let answer = request.send().await.expect("the bridge answers");
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
        both
    }

    pub fn address(&self) -> String {
        self.base.trim_start_matches("http://").to_owned()
    }

    /// The most memory that the bridge has had, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.bridge.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
        kilobytes.unwrap_or(0_u64) << 10
    }
}
