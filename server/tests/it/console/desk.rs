//! The desk's page in the system's Chromium, driven by `tests/browser/desk.mjs`, with a guest on WhatsApp.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::browser::{NO_BROWSER, pictures, scripts, skipped};
use crate::desk::{ANA, Desk, HUMAN, WISH};
use crate::rig::PATIENCE;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_at_the_page_helps_a_guest_and_the_bot_goes_on() {
    let scripts = match scripts() {
        Ok(scripts) => scripts,
        Err(why) => return skipped(why),
    };
    let mut desk = Desk::open().await;
    desk.hear(WISH).await;
    desk.shown(1).await;
    let mut command = Command::new("node");
    command.arg("desk.mjs").arg(desk.console.url("")).arg(pictures()).current_dir(&scripts);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("node");
    let mut lines = BufReader::new(child.stdout.take().expect("output")).lines();
    let mut said = Vec::new();
    // The script says how far it is; the guest does something then.
    while let Some(line) =
        tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("a line")
    {
        match line.as_str() {
            "opened" => desk.hear(HUMAN).await,
            "written" => {
                assert_eq!(desk.shown(3).await[2], "Hello, Anna here. A cot is no problem.");
                desk.hear("Wonderful! Is it free?").await;
            }
            "given back" => {
                let shown = desk.shown(4).await;
                assert!(shown[3].starts_with("Anna from the reception has helped you"), "{shown:?}");
                desk.hear("sea view, please. What have you got?").await;
                assert!(desk.shown(5).await[4].contains("sea view"), "the bot goes on");
                desk.writes_too_late().await;
                desk.is_never_answered("9", &["Are you still there?"]).await;
            }
            _ => {}
        }
        said.push(line);
    }
    let ran = child.wait_with_output().await.expect("an end");
    if ran.status.code() == Some(NO_BROWSER) {
        return skipped("there is no Chromium on this machine");
    }
    assert!(ran.status.success(), "{said:?}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(said.last().map(String::as_str), Some("ok"), "{said:?}");
    assert_eq!(desk.twilio.phone_of(ANA).len(), 5, "and nothing came twice");
    desk.console.close().await;
}
