//! `innkeeper doctor`: what works, what does not, and what to do about it.

mod speech;

use std::time::Duration;

use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};

use super::{CommandFault, Ending};
use crate::app::App;
use crate::config::{Config, ReplyBy};
use crate::fault::chain;
use crate::versions;

/// How long an address may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How something is.
enum Finding {
    /// It works.
    Fine(String),
    /// It is switched off, which is a choice.
    Off(String),
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
    match App::open(&config).await {
        Ok(app) => {
            let flows = app.receptionist.driver.versions.current().iter().count();
            let tools = app.receptionist.tools.catalog().len();
            findings.push(Finding::Fine("database: opened, its tables are up to date".to_owned()));
            findings.push(Finding::Fine(format!("hotel: reached over MCP, {tools} tools, time zone {}", app.receptionist.zone)));
            findings.push(Finding::Fine(format!("flows and prompts: {flows} flows, no mistakes")));
            findings.push(conversations(&app).await);
            app.close().await;
        }
        Err(fault) => findings.push(Finding::Broken {
            what: chain(&fault),
            fix: "look at [database] url, [hotel] mcp, --flows and --prompts; `innkeeper flows check` shows mistakes in flows"
                .to_owned(),
        }),
    }
    findings.push(port(&config).await);
    findings.push(twilio(&config));
    findings.push(meta(&config).await);
    findings.push(public_address(&config).await);
    findings.push(model(&config).await);
    findings.push(speech::hearing(&config).await);
    findings.push(speech::speaking(&config).await);
    let mut broken = 0;
    for finding in findings {
        match finding {
            Finding::Fine(what) => println!("fine    {what}"),
            Finding::Off(what) => println!("off     {what}"),
            Finding::Broken { what, fix } => {
                broken += 1;
                println!("broken  {what}\n        to fix: {fix}");
            }
        }
    }
    Ok(if broken == 0 { Ending::Fine } else { Ending::NotFine })
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

async fn port(config: &Config) -> Finding {
    let bind = config.server.bind;
    let error = match tokio::net::TcpListener::bind(bind).await {
        Ok(_) => return Finding::Fine(format!("address: {bind} is free")),
        Err(error) => error,
    };
    match reach(&format!("http://{bind}/healthz")).await {
        Ok(status) if status.is_success() => {
            Finding::Fine(format!("address: an innkeeper is listening on {bind}"))
        }
        Ok(_) | Err(_) => Finding::Broken {
            what: format!("address: {bind} cannot be listened on: {error}"),
            fix: "set [server] bind to a free port".to_owned(),
        },
    }
}

fn twilio(config: &Config) -> Finding {
    let twilio = &config.twilio;
    match (&twilio.account_sid, &twilio.auth_token, &config.server.public_url) {
        (None, None, _) => {
            Finding::Off("WhatsApp by Twilio: no TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN".to_owned())
        }
        (Some(_), Some(_), Some(public)) => {
            let how = match twilio.reply {
                ReplyBy::Rest => "over REST",
                ReplyBy::Twiml => "inside the webhook's answer (TwiML)",
            };
            Finding::Fine(format!("WhatsApp by Twilio: webhook {public}/twilio/whatsapp, answered {how}"))
        }
        (account, token, public) => {
            let missing: Vec<&str> = [
                (account.is_none(), "TWILIO_ACCOUNT_SID"),
                (token.is_none(), "TWILIO_AUTH_TOKEN"),
                (public.is_none(), "[server] public_url, the address Twilio calls"),
            ]
            .into_iter()
            .filter_map(|(missing, name)| missing.then_some(name))
            .collect();
            Finding::Broken {
                what: "WhatsApp by Twilio: half configured".to_owned(),
                fix: format!("set {}", missing.join(" and ")),
            }
        }
    }
}

/// Whether the number at Meta can be reached with what is configured.
async fn meta(config: &Config) -> Finding {
    let meta = &config.meta;
    let keys = [
        (meta.app_secret.is_none(), "META_APP_SECRET"),
        (meta.verify_token.is_none(), "META_VERIFY_TOKEN"),
        (meta.access_token.is_none(), "META_ACCESS_TOKEN"),
        (meta.phone_number_id.is_none(), "[meta] phone_number_id"),
        (config.server.public_url.is_none(), "[server] public_url, the address Meta calls"),
    ];
    let name = "WhatsApp by Meta";
    if keys[..4].iter().all(|(missing, _)| *missing) {
        return Finding::Off(format!("{name}: no META_APP_SECRET, META_VERIFY_TOKEN and META_ACCESS_TOKEN"));
    }
    let missing: Vec<&str> = keys.into_iter().filter_map(|(missing, key)| missing.then_some(key)).collect();
    let (Some(token), Some(number), Some(public), true) =
        (&meta.access_token, &meta.phone_number_id, &config.server.public_url, missing.is_empty())
    else {
        let fix = format!("set {}", missing.join(" and "));
        return Finding::Broken { what: format!("{name}: half configured"), fix };
    };
    let broken =
        |what: String, fix: &str| Finding::Broken { what: format!("{name}: {what}"), fix: fix.to_owned() };
    match reach_with(&format!("{}/{number}?fields=id", meta.base_url), Some(token)).await {
        Ok(status) if status.is_success() => {
            Finding::Fine(format!("{name}: number {number} is reached; webhook {public}/meta/webhook"))
        }
        Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => broken(
            "the access token is refused".to_owned(),
            "make a token of a system user with whatsapp_business_messaging, and set META_ACCESS_TOKEN",
        ),
        Ok(status) if status.is_client_error() => broken(
            format!("number {number} is answered with {status}"),
            "set [meta] phone_number_id to the number's id (not the number), and give the token access to it",
        ),
        Ok(status) => {
            broken(format!("{} answers {status}", meta.base_url), "wait, or correct [meta] base_url")
        }
        Err(error) => {
            broken(format!("{} does not answer: {error}", meta.base_url), "correct [meta] base_url")
        }
    }
}

async fn public_address(config: &Config) -> Finding {
    let Some(public) = &config.server.public_url else {
        return Finding::Off("public address: no [server] public_url".to_owned());
    };
    match reach(&format!("{public}/healthz")).await {
        Ok(status) if status.is_success() => {
            Finding::Fine(format!("public address: {public} reaches an innkeeper"))
        }
        Ok(status) => Finding::Broken {
            what: format!("public address: {public}/healthz answers {status}"),
            fix: "start innkeeper, and point the tunnel or proxy at [server] bind".to_owned(),
        },
        Err(error) => Finding::Broken {
            what: format!("public address: {public} does not answer: {error}"),
            fix: "start innkeeper and the tunnel, or correct [server] public_url".to_owned(),
        },
    }
}

async fn model(config: &Config) -> Finding {
    let Some(llm) = &config.llm else {
        return Finding::Off("language model: no key; the embedded rules understand alone".to_owned());
    };
    match reach(&format!("{}/models", llm.base_url)).await {
        Ok(status) if status.is_server_error() => Finding::Broken {
            what: format!("language model: {} answers {status}", llm.base_url),
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

async fn reach(url: &str) -> Result<StatusCode, String> {
    reach_with(url, None).await
}

async fn reach_with(url: &str, token: Option<&SecretString>) -> Result<StatusCode, String> {
    let client = reqwest::Client::builder().timeout(PATIENCE).build().map_err(|error| error.to_string())?;
    let mut request = client.get(url);
    if let Some(token) = token {
        request = request.bearer_auth(token.expose_secret());
    }
    let response = request.send().await.map_err(|error| chain(&error.without_url()))?;
    Ok(response.status())
}
