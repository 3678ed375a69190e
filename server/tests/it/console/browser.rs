//! The chat page and the call page in the system's Chromium, driven by `tests/browser/chat.mjs` and `call.mjs`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::rig::Console;
use crate::rig::{Folder, loudly};

/// Set to `1` where a browser must be there, so that its absence cannot go unnoticed.
const REQUIRE: &str = "INNKEEPER_REQUIRE_BROWSER";

/// Where the pictures go.
const PICTURES: &str = "INNKEEPER_SCREENSHOTS";

/// How the script says that there is no browser.
pub(super) const NO_BROWSER: i32 = 77;

const HOW: &str = "Install Node.js and Chromium (Debian: apt-get install nodejs npm chromium), then: \
                   npm ci --prefix server/tests/browser";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_are_booked_on_the_page_at_a_desk_and_on_a_phone() {
    driven("chat.mjs", &["Ana Sousa", "Dora Lima"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_booked_on_the_call_page() {
    driven("call.mjs", &["Ana Silva"]).await;
}

/// Has a script drive the pages; then these guests have bookings, and nobody else.
async fn driven(script: &str, booked: &[&str]) {
    let (scripts, pictures) = match scripts() {
        Ok(scripts) => (scripts, pictures()),
        Err(why) => return skipped(why),
    };
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let mut command = Command::new("node");
    command.arg(script).arg(console.url("")).arg(&pictures).current_dir(&scripts).stdin(Stdio::null());
    let ran = tokio::task::spawn_blocking(move || command.output()).await.expect("a thread").expect("node");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(NO_BROWSER) {
        return skipped("there is no Chromium on this machine");
    }
    assert!(ran.status.success(), "{said}\nSee {}", pictures.display());
    println!("{said}");
    let hotel = console.app.hotel.as_ref().expect("the embedded hotel");
    let mut names: Vec<String> =
        hotel.bookings().await.expect("rows").into_iter().map(|row| row.customer_name).collect();
    names.sort();
    assert_eq!(names, booked, "what the page said was booked is booked, and nothing else");
    console.close().await;
}

/// Where the scripts are, if they can be run.
pub(super) fn scripts() -> Result<PathBuf, &'static str> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).status();
    if !node.is_ok_and(|status| status.success()) {
        return Err("there is no node on this machine");
    }
    if !scripts.join("node_modules/playwright-core").exists() {
        return Err("playwright-core is not installed");
    }
    Ok(scripts)
}

/// Where pictures go.
pub(super) fn pictures() -> PathBuf {
    std::env::var_os(PICTURES)
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("console"), PathBuf::from)
}

/// Says why, loudly.
pub(super) fn skipped(why: &str) {
    let required = std::env::var_os(REQUIRE).is_some_and(|value| value == "1");
    assert!(!required, "{REQUIRE}=1, but {why}. {HOW}");
    loudly(&format!("SKIPPED: the console's page was not tried in a browser: {why}. {HOW}"));
}
