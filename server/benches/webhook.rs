//! How fast guests' messages are taken and answered: the program itself, with a provider that is played here.
//!
//! `cargo bench --bench webhook` measures one program on SQLite. `INNKEEPER_BENCH_POSTGRES=postgres://…/empty` measures
//! three programs on that database. `INNKEEPER_BENCH_RATE` is messages a second (200), `INNKEEPER_BENCH_SECONDS` for how
//! long (10). `INNKEEPER_BENCH_PROGRAM` is another build of the program to measure. Every message is a whole sentence, so
//! that nobody is waited for; no language model is asked.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's own time")]

#[path = "../tests/it/support/caller/sign.rs"]
mod sign;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "a token";
const SENDER: &str = "+14155238886";
const PUBLIC: &str = "https://hotel.example.com";

/// When what was asked of the provider, by the guest or by the message.
#[derive(Clone, Default)]
struct Provider {
    sent: Arc<Mutex<HashMap<String, Instant>>>,
    marked: Arc<Mutex<HashMap<String, Instant>>>,
}

/// A form out of a request's body.
fn read(body: &[u8]) -> HashMap<String, String> {
    let body = std::str::from_utf8(body).expect("a form");
    reqwest::Url::parse(&format!("http://x/?{body}")).expect("a form").query_pairs().into_owned().collect()
}

async fn send(State(provider): State<Provider>, body: Bytes) -> (StatusCode, Json<Value>) {
    let form = read(&body);
    let mut sent = provider.sent.lock().expect("sent");
    let sid = format!("SM9{:0>31}", sent.len());
    sent.entry(form["To"].clone()).or_insert_with(Instant::now);
    (StatusCode::CREATED, Json(json!({"sid": sid, "status": "queued"})))
}

async fn mark(State(provider): State<Provider>, body: Bytes) -> Json<Value> {
    let form = read(&body);
    provider.marked.lock().expect("marks").entry(form["messageId"].clone()).or_insert_with(Instant::now);
    Json(json!({"success": true}))
}

fn message(number: usize) -> (String, String, Vec<(String, String)>) {
    let (sid, guest) = (format!("SM{number:0>32}"), format!("whatsapp:+346{number:08}"));
    let form = vec![
        ("MessageSid", sid.clone()),
        ("AccountSid", ACCOUNT.to_owned()),
        ("From", guest.clone()),
        ("To", format!("whatsapp:{SENDER}")),
        ("Body", "What time is breakfast?".to_owned()),
        ("MessageType", "text".to_owned()),
        ("NumMedia", "0".to_owned()),
    ];
    (sid, guest, form.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

async fn serve(database: &str, base: &str) -> (Child, SocketAddr) {
    let program = std::env::var_os("INNKEEPER_BENCH_PROGRAM");
    let mut command = Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_innkeeper").into()));
    command.env_clear().current_dir(std::env::temp_dir()).kill_on_drop(true).args([
        "--database",
        database,
        "serve",
    ]);
    command.env("TWILIO_ACCOUNT_SID", ACCOUNT).env("TWILIO_AUTH_TOKEN", TOKEN);
    command.env("INNKEEPER__TWILIO__BASE_URL", base).env("INNKEEPER__TWILIO__WHATSAPP_FROM", SENDER);
    command.env("INNKEEPER__SERVER__PUBLIC_URL", PUBLIC).env("INNKEEPER__SERVER__BIND", "127.0.0.1:0");
    command.env("INNKEEPER__TWILIO__LINE_PER_S", "100000").env("INNKEEPER__TWILIO__CATCH_UP_S", "0");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program");
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().expect("standard output"));
    output.read_line(&mut line).await.expect("a line");
    let address =
        line.split_once("http://").and_then(|(_, rest)| rest.split('/').next()).expect("an address");
    (child, address.parse().expect("an address"))
}

fn told(what: &str, mut all: Vec<Duration>) {
    all.sort();
    let at = |percent: usize| all.get((all.len() * percent / 100).min(all.len().saturating_sub(1)));
    let shown =
        [50, 95, 99].map(|percent| format!("p{percent} {:?}", at(percent).copied().unwrap_or_default()));
    println!("{what}: {} of them, {}", all.len(), shown.join(", "));
}

async fn measure(name: &str, database: &str, programs: usize, rate: u32, seconds: u32) {
    let provider = Provider::default();
    let routes = Router::new()
        .route("/2010-04-01/Accounts/{account}/Messages.json", post(send))
        .route("/v2/Indicators/Typing.json", post(mark))
        .with_state(provider.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let mut servers = Vec::new();
    for _ in 0..programs {
        servers.push(serve(database, &base).await);
    }
    let http = reqwest::Client::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    let mut calls = tokio::task::JoinSet::new();
    let count = usize::try_from(rate * seconds).expect("a number");
    for number in 0..count {
        ticks.tick().await;
        let (sid, guest, form) = message(number);
        let request = http
            .post(format!("http://{}/twilio/whatsapp", servers[number % programs].1))
            .header("X-Twilio-Signature", sign::sign(TOKEN, &format!("{PUBLIC}/twilio/whatsapp"), &form))
            .form(&form);
        calls.spawn(async move {
            let began = Instant::now();
            let status = request.send().await.expect("an answer").status();
            assert_eq!(status, 200);
            (sid, guest, began, began.elapsed())
        });
    }
    let called = calls.join_all().await;
    let patience = Instant::now();
    while provider.sent.lock().expect("sent").len() < count && patience.elapsed() < Duration::from_secs(120) {
        ticks.tick().await;
    }
    let (sent, marked) = (provider.sent.lock().expect("sent"), provider.marked.lock().expect("marks"));
    println!("{name}: {programs} programs, {rate} messages a second for {seconds} s");
    told("  webhook answered", called.iter().map(|(.., took)| *took).collect());
    let mark = called.iter().filter_map(|(sid, _, began, _)| Some(*marked.get(sid)? - *began)).collect();
    told("  somebody writes is shown", mark);
    let answer = called.iter().filter_map(|(_, guest, began, _)| Some(*sent.get(guest)? - *began)).collect();
    told("  answer given to the provider", answer);
}

fn main() {
    // The second time it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let number =
        |name: &str, or: u32| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or);
    let (rate, seconds) = (number("INNKEEPER_BENCH_RATE", 200), number("INNKEEPER_BENCH_SECONDS", 10));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    match std::env::var("INNKEEPER_BENCH_POSTGRES") {
        Ok(url) => runtime.block_on(measure("PostgreSQL", &url, 3, rate, seconds)),
        Err(_) => {
            let file = std::env::temp_dir().join(format!("innkeeper-bench-{}.db", uuid::Uuid::new_v4()));
            let url = format!("sqlite://{}", file.display());
            runtime.block_on(measure("SQLite", &url, 1, rate, seconds));
            let _ = std::fs::remove_file(file);
        }
    }
}
