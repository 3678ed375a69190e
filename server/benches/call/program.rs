//! The program that is measured, in a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::phrases::Replies;
use crate::setting;

pub(crate) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub(crate) const TOKEN: &str = "a token";
pub(crate) const PUBLIC: &str = "https://hotel.example.com";

/// So long a program may take to start.
const START: Duration = Duration::from_secs(120);

/// Linux counts processor time in hundredths of a second, whatever the machine.
const TICK: Duration = Duration::from_millis(10);

/// What runs, and its folder.
pub(crate) struct Program {
    child: Child,
    folder: PathBuf,
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts it; providers are at this address.
    pub(crate) async fn start(base: &str, replies: Replies) -> Self {
        let folder = std::env::temp_dir().join(format!("innkeeper-bench-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let against = setting("INNKEEPER_BENCH_AGAINST", "");
        let mut command = if against.is_empty() { ours(base, replies) } else { other(&against, base) };
        let log = setting("INNKEEPER_BENCH_LOG", "");
        let errors = if log.is_empty() {
            Stdio::null()
        } else {
            std::fs::OpenOptions::new().create(true).append(true).open(log).expect("a log").into()
        };
        command.current_dir(&folder).kill_on_drop(true).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().expect("the program");
        let mut lines = BufReader::new(child.stdout.take().expect("standard output")).lines();
        let found = async {
            while let Some(line) = lines.next_line().await.expect("a line") {
                if let Some(address) = line.split_once("http://").and_then(|(_, rest)| rest.split('/').next())
                {
                    return address.parse().ok();
                }
            }
            None
        };
        let address = tokio::time::timeout(START, found).await.ok().flatten().expect("an address");
        // What it prints later is not of interest, and must not stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, folder, address }
    }

    fn process(&self, file: &str) -> String {
        let id = self.child.id().expect("it runs");
        std::fs::read_to_string(format!("/proc/{id}/{file}")).expect("it runs, on Linux")
    }

    /// The processor time that it took until now.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = self.process("stat");
        // After the name, which may have anything in it; the twelfth and thirteenth field are user and system time.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: u32 = fields[11..13].iter().map(|ticks| ticks.parse::<u32>().expect("a number")).sum();
        TICK * ticks
    }

    /// Its resident memory, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = self.process("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    pub(crate) async fn stop(mut self) {
        let _ = self.child.kill().await;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn ours(base: &str, replies: Replies) -> Command {
    let program = std::env::var_os("INNKEEPER_BENCH_PROGRAM");
    let mut command = Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_innkeeper").into()));
    command.env_clear().args(["--database", "sqlite://calls.db", "serve"]);
    command.env("TWILIO_ACCOUNT_SID", ACCOUNT).env("TWILIO_AUTH_TOKEN", TOKEN);
    command.env("INNKEEPER__TWILIO__BASE_URL", base).env("INNKEEPER__TWILIO__CATCH_UP_S", "0");
    command.env("INNKEEPER__SERVER__PUBLIC_URL", PUBLIC).env("INNKEEPER__SERVER__BIND", "127.0.0.1:0");
    command.env("DEEPGRAM_API_KEY", "a key").env("INNKEEPER__DEEPGRAM__BASE_URL", base);
    command.env("INNKEEPER__CALL__MOST", "5000");
    if !replies.early {
        command.env("INNKEEPER__STT__LIVE_EAGER_PERCENT", "0");
    }
    command
}

fn other(against: &str, base: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("exec {against}")]).env("DEEPGRAM_BASE_URL", base);
    command.env("DEEPGRAM_API_KEY", "a key");
    command
}
