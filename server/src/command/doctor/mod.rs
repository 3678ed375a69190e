//! `innkeeper doctor`: what works, what does not, and what to do about it.
//!
//! It asks what the program itself would ask: the database, the hotel, the providers by their configured addresses, and
//! itself by the address that the world uses. Nothing is sent to a guest and nothing is changed.

mod asking;
mod calls;
mod meta;
mod public;
mod speech;
mod twilio;

use super::print::{counted, outln};
use super::{CommandFault, Ending};
use crate::app::{App, StartFault};
use crate::config::Config;
use crate::fault::chain;
use crate::versions;
use asking::Asking;

/// How something is.
enum Finding {
    /// It works.
    Fine(String),
    /// It is switched off, which is a choice.
    Off(String),
    /// Nobody can be asked: a person has to look.
    Look(String),
    /// It does not work.
    Broken {
        /// What is wrong.
        what: String,
        /// What to do.
        fix: String,
    },
}

/// Checks everything and prints a line each.
pub(super) async fn run(config: Config) -> Result<Ending, CommandFault> {
    let mut findings = vec![Finding::Fine("configuration: read without mistakes".to_owned())];
    let mut asking = Asking::new()?;
    let app = App::open(&config).await;
    match &app {
        Ok(app) => {
            let flows = app.receptionist.driver.versions.current().iter().count();
            let tools = app.receptionist.tools.catalog().len();
            findings.push(Finding::Fine("database: opened, its tables are up to date".to_owned()));
            findings.push(Finding::Fine(format!(
                "hotel: reached over MCP, {}, time zone {}",
                counted(tools as u64, "tool", "tools"),
                app.receptionist.zone
            )));
            findings.push(Finding::Fine(format!(
                "flows and prompts: {}, no mistakes",
                counted(flows as u64, "flow", "flows")
            )));
            findings.push(conversations(app).await);
        }
        Err(fault) => findings.push(not_started(fault)),
    }
    findings.push(port(&config, &mut asking).await);
    let store = app.as_ref().ok().map(|app| &app.receptionist.store);
    findings.extend(public::findings(&config, &mut asking).await);
    findings.extend(twilio::findings(&config, store, &mut asking).await);
    findings.extend(calls::finding(&config, &mut asking).await);
    findings.extend(meta::findings(&config, &mut asking).await);
    findings.extend(asking.clock());
    findings.push(model(&config, &mut asking).await);
    findings.push(speech::hearing(&config).await);
    findings.push(speech::speaking(&config).await);
    if let Ok(app) = app {
        app.close().await;
    }
    let mut broken = 0;
    for finding in findings {
        match finding {
            Finding::Fine(what) => outln!("fine    {what}"),
            Finding::Off(what) => outln!("off     {what}"),
            Finding::Look(what) => outln!("look    {what}"),
            Finding::Broken { what, fix } => {
                broken += 1;
                outln!("broken  {what}\n        to fix: {fix}");
            }
        }
    }
    Ok(if broken == 0 { Ending::Fine } else { Ending::NotFine })
}

impl Finding {
    fn broken(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Broken { what: what.into(), fix: fix.into() }
    }
}

/// What keeps the program from starting.
fn not_started(fault: &StartFault) -> Finding {
    let (what, fix) = match fault {
        StartFault::Hotel(_) | StartFault::Store(_) | StartFault::Versions(_) => (
            "database",
            "see that [database] url (or DATABASE_URL) names a database that is running and lets this user in, or a \
             file in a folder that exists and can be written to",
        ),
        StartFault::Tools(_) | StartFault::House(_) => (
            "hotel",
            "see that [hotel] mcp names a server that is running, or leave it empty for the built-in hotel",
        ),
        StartFault::Wrong(_)
        | StartFault::Words(_)
        | StartFault::Instructions(_)
        | StartFault::Phrasing(_)
        | StartFault::File { .. } => (
            "flows and prompts",
            "look at --flows and --prompts; `innkeeper flows check` shows each mistake in its place",
        ),
        StartFault::Model(_) => ("language model", "look at [llm]"),
        StartFault::Speech(_) => ("speech", "look at [stt] and [tts]"),
    };
    Finding::broken(format!("{what}: {}", chain(fault)), fix)
}

/// Whether the flows of every open conversation are here.
async fn conversations(app: &App) -> Finding {
    let fix = "`innkeeper flows migrate --plan` shows them; `innkeeper flows migrate --end-lost` ends those whose flows are lost, so that their guests' next messages begin others".to_owned();
    match versions::pinned(&app.receptionist.store, &app.receptionist.driver.versions).await {
        Ok(lost) if lost.is_empty() => {
            Finding::Fine("live conversations: the flows of each are here".to_owned())
        }
        Ok(lost) => {
            let each = lost.iter().map(|lost| {
                format!("{} on version {}, which is lost: {}", lost.conversations, lost.version, lost.why)
            });
            let each: Vec<String> = each.collect();
            Finding::Broken { what: format!("live conversations: {}", each.join("; ")), fix }
        }
        Err(fault) => Finding::Broken { what: format!("live conversations: {}", chain(&fault)), fix },
    }
}

async fn port(config: &Config, asking: &mut Asking) -> Finding {
    let bind = config.server.bind;
    let error = match tokio::net::TcpListener::bind(bind).await {
        Ok(_) => return Finding::Fine(format!("address: {bind} is free")),
        Err(error) => error,
    };
    match asking.get(&format!("http://{bind}/healthz")).await {
        Ok(answer) if answer.status.is_success() && answer.instance.is_some() => {
            Finding::Fine(format!("address: an innkeeper is listening on {bind}"))
        }
        Ok(_) | Err(_) => Finding::Broken {
            what: format!("address: {bind} cannot be listened on: {error}"),
            fix: "set [server] bind to a free port".to_owned(),
        },
    }
}

async fn model(config: &Config, asking: &mut Asking) -> Finding {
    let Some(llm) = &config.llm else {
        return Finding::Off("language model: no key; the embedded rules understand alone".to_owned());
    };
    match asking.get(&format!("{}/models", llm.base_url)).await {
        Ok(answer) if answer.status.is_server_error() => Finding::Broken {
            what: format!("language model: {} answers {}", llm.base_url, answer.status),
            fix: "wait, or set another [llm] base_url; guests are understood by the rules meanwhile"
                .to_owned(),
        },
        Ok(_) => Finding::Fine(format!("language model: {} at {} is reached", llm.model, llm.base_url)),
        Err(error) => Finding::Broken {
            what: format!("language model: {} does not answer: {error}", llm.base_url),
            fix: "correct [llm] base_url; guests are understood by the rules meanwhile".to_owned(),
        },
    }
}
