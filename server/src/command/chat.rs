//! `innkeeper chat`: a guest at the terminal, or a program that plays one.

use std::io::IsTerminal as _;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use uuid::Uuid;

use super::{CommandFault, Ending, other};
use crate::app::App;
use crate::channel::local::{Doing, LocalGuest};
use crate::cli;
use crate::config::Config;
use crate::conversation::TurnLine;
use crate::message::{ChannelName, GuestKey, Heard, e164};

/// What a program may write on a line.
const EXPECTED: &str =
    r#"plain text, {"text": …}, {"silence": true}, {"button": id} or {"note": what was heard}"#;

/// A turn as a program writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: Option<String>,
    #[serde(default)]
    silence: bool,
    button: Option<String>,
    note: Option<String>,
}

/// Reads a turn a line until the input ends.
pub(super) async fn run(config: Config, options: cli::Chat) -> Result<Ending, CommandFault> {
    let phone = options.from.as_deref().map(e164_of).transpose()?;
    let app = App::open(&config).await?;
    if !app.receptionist.replies.now().languages().contains(&options.language) {
        return Err(CommandFault::Other(format!(
            "--language {}: expected one of {}",
            options.language,
            app.receptionist.replies.now().languages().join(", ")
        )));
    }
    // Whoever does not say who they are is somebody new each time.
    let name = phone.clone().unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    let key = GuestKey::new(format!("terminal:{name}"));
    let guest = LocalGuest::new(
        app.receptionist.clone(),
        key,
        ChannelName::Terminal,
        options.channel.into(),
        &options.language,
        phone,
    );
    guest.begin().await?;
    let typed = std::io::stdin().is_terminal() && !options.json;
    let mut output = tokio::io::stdout();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    if typed {
        output.write_all("Talk to the receptionist; an empty line or Ctrl-D leaves.\n".as_bytes()).await?;
    }
    loop {
        if typed {
            output.write_all(b"> ").await?;
            output.flush().await?;
        }
        let Some(line) = lines.next_line().await? else {
            break;
        };
        if line.trim().is_empty() {
            if typed {
                break;
            }
            continue;
        }
        let (said, doing) = if options.json { read(&line)? } else { message(&line) };
        let (number, turned) = guest.turn(doing, &mut |_| {}).await.map_err(other)?;
        let line = turned.line(number, &said);
        let text = if options.json {
            serde_json::to_string(&line).map_err(other)? + "\n"
        } else {
            plain(&line, typed)
        };
        output.write_all(text.as_bytes()).await?;
        output.flush().await?;
    }
    app.close().await;
    Ok(Ending::Fine)
}

/// A line of a program: plain text, or an object.
fn read(line: &str) -> Result<(String, Doing), CommandFault> {
    if !line.trim_start().starts_with('{') {
        return Ok(message(line));
    }
    let parsed: Line = serde_json::from_str(line)
        .map_err(|error| CommandFault::Other(format!("standard input: {error}; expected {EXPECTED}")))?;
    let nothing = || {
        let message =
            format!("standard input: {line} says nothing; expected {EXPECTED} with something in it");
        Err(CommandFault::Other(message))
    };
    let is_blank = |text: &Option<String>| text.as_ref().is_none_or(|text| text.trim().is_empty());
    match parsed {
        Line { silence: false, ref text, ref button, ref note }
            if [text, button, note].into_iter().all(is_blank) =>
        {
            nothing()
        }
        Line { note: Some(ref note), .. } if note.trim().is_empty() => nothing(),
        Line { button: Some(ref button), .. } if button.trim().is_empty() => nothing(),
        Line { silence: true, .. } => Ok((String::new(), Doing::Silence)),
        Line { text, button: Some(button), .. } => {
            let text = text.unwrap_or_default();
            let shown = if text.is_empty() { button.clone() } else { text.clone() };
            Ok((shown, Doing::Message { text, button: Some(button) }))
        }
        Line { note: Some(note), .. } => Ok((note.clone(), Doing::Note { heard: Heard::said(note) })),
        Line { text, .. } => Ok(message(&text.unwrap_or_default())),
    }
}

fn message(text: &str) -> (String, Doing) {
    (text.to_owned(), Doing::Message { text: text.to_owned(), button: None })
}

/// A turn for a person to read.
fn plain(line: &TurnLine, typed: bool) -> String {
    let mut text = String::new();
    if !typed {
        text.push_str(&format!("> {}\n", line.guest));
    }
    for reply in &line.replies {
        text.push_str(&reply.text);
        text.push('\n');
        let buttons: Vec<String> = reply.buttons.iter().map(|button| format!("[{}]", button.title)).collect();
        if !buttons.is_empty() {
            text.push_str(&buttons.join(" "));
            text.push('\n');
        }
    }
    text.push('\n');
    text
}

fn e164_of(text: &str) -> Result<String, CommandFault> {
    e164(text).ok_or_else(|| {
        CommandFault::Other(format!(
            "--from {text}: expected a number with + and country code, for example +351912345678"
        ))
    })
}
