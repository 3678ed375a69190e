//! The provider of a run: one of the doubles, in bad weather.

use std::net::SocketAddr;

use futures::future::join_all;
use innkeeper::clock::{Clock as _, ManualClock, SystemClock};
use tokio::process::Command;

use super::super::program::WHATSAPP;
use crate::support::dice::Dice;
use crate::support::meta::{self, MetaDouble, hook};
use crate::support::phone::Phones;
use crate::support::twilio::deliver::Reports;
use crate::support::twilio::{ACCOUNT, PUBLIC, SENDER, TOKEN, TwilioDouble, message};

/// What a guest says.
#[derive(Clone, Debug)]
pub(super) struct Said {
    /// The provider's id for it.
    pub(super) id: String,
    /// The guest's digits.
    pub(super) guest: String,
    pub(super) text: String,
}

/// One of the doubles.
pub(super) enum Provider {
    Twilio(TwilioDouble),
    Meta(MetaDouble),
}

impl Provider {
    pub(super) async fn twilio(dice: &mut Dice) -> Self {
        let twilio = TwilioDouble::start(SystemClock.now()).await;
        twilio.rules(|rules| {
            rules.weather = Some(Dice::new(dice.roll()));
            let wild = Dice::new(dice.roll());
            rules.reports = if dice.chance(50) { Reports::Wild(wild) } else { Reports::Clean };
        });
        Self::Twilio(twilio)
    }

    pub(super) async fn meta(dice: &mut Dice) -> Self {
        let meta = MetaDouble::start_on(ManualClock::new(SystemClock.now())).await;
        meta.rules(|rules| {
            rules.weather = Some(Dice::new(dice.roll()));
            rules.reports = true;
            rules.opaque = true;
            rules.again = true;
            rules.dice = dice.chance(50).then(|| Dice::new(dice.roll()));
        });
        Self::Meta(meta)
    }

    /// Leads a program here.
    pub(super) fn configure(&self, command: &mut Command) {
        command.env("INNKEEPER__SERVER__PUBLIC_URL", PUBLIC);
        let variables = match self {
            Self::Twilio(twilio) => vec![
                ("TWILIO_ACCOUNT_SID", ACCOUNT.to_owned()),
                ("TWILIO_AUTH_TOKEN", TOKEN.to_owned()),
                ("INNKEEPER__TWILIO__BASE_URL", twilio.base_url()),
                ("INNKEEPER__TWILIO__WHATSAPP_FROM", SENDER.trim_start_matches("whatsapp:").to_owned()),
                ("INNKEEPER__TWILIO__CATCH_UP_S", "2".to_owned()),
            ],
            Self::Meta(meta) => {
                let mut variables = meta.variables();
                variables.push(("INNKEEPER__META__REPORTED_WITHIN_S", "3".to_owned()));
                variables
            }
        };
        command.envs(variables);
        let vendor = match self {
            Self::Twilio(_) => "TWILIO",
            Self::Meta(_) => "META",
        };
        for (name, value) in
            [("TIMEOUT_MS", "2000"), ("LINE_PER_S", "100000"), ("PAIR_EVERY_MS", "1"), ("PAIR_BURST", "1000")]
        {
            command.env(format!("INNKEEPER__{vendor}__{name}"), value);
        }
    }

    /// Whom it calls.
    pub(super) fn calls(&self, server: SocketAddr) {
        match self {
            Self::Twilio(twilio) => twilio.calls(server),
            Self::Meta(meta) => meta.calls(server),
        }
    }

    /// Its clock goes on with the machine's.
    pub(super) fn tick(&self) {
        match self {
            Self::Twilio(twilio) => twilio.set_now(SystemClock.now().max(twilio.clock.now())),
            Self::Meta(meta) => {
                let ahead = SystemClock.now() - meta.clock.now();
                meta.clock.advance(ahead.to_std().unwrap_or_default());
            }
        }
    }

    /// Whether what nobody took is always brought again. Twilio gives some up, and can be asked for them.
    pub(super) fn never_gives_up(&self) -> bool {
        matches!(self, Self::Meta(_))
    }

    /// Whether what it took can be asked for; otherwise it only reports.
    pub(super) fn can_be_asked(&self) -> bool {
        matches!(self, Self::Twilio(_))
    }

    /// Notes what a guest said, whether or not it reaches anybody.
    pub(super) fn hears(&self, said: &Said) {
        if let Self::Twilio(twilio) = self {
            twilio.note_heard(&form(said));
        }
    }

    /// Brings what a guest said: in one request where that can be, else all at once. Says whether all of it was taken.
    pub(super) async fn brings(&self, server: SocketAddr, said: &[Said]) -> bool {
        match self {
            Self::Twilio(twilio) => {
                let all = said.iter().map(|said| async move {
                    twilio.try_post(server, WHATSAPP, &form(said)).await == Some(200)
                });
                join_all(all).await.into_iter().all(|taken| taken)
            }
            Self::Meta(meta) => {
                let messages: Vec<_> =
                    said.iter().map(|said| hook::text(&said.id, &said.guest, &said.text)).collect();
                let body = hook::batch(&[hook::change(&messages, &[])]);
                meta.try_post(server, &body, Some(&hook::sign(body.as_bytes()))).await == Some(200)
            }
        }
    }

    pub(super) fn phones(&self) -> &Phones {
        match self {
            Self::Twilio(twilio) => &twilio.phones,
            Self::Meta(meta) => &meta.phones,
        }
    }

    /// The address of a guest's telephone.
    pub(super) fn phone_of(&self, guest: &str) -> String {
        match self {
            Self::Twilio(_) => key(guest),
            Self::Meta(_) => guest.to_owned(),
        }
    }

    /// The id that it gives the message of this number.
    pub(super) fn id(&self, number: usize) -> String {
        match self {
            Self::Twilio(_) => format!("SM{number:0>32}"),
            Self::Meta(_) => format!("wamid.{}{number}", meta::NUMBER),
        }
    }
}

/// Who a guest is to the program.
pub(super) fn key(guest: &str) -> String {
    format!("whatsapp:+{guest}")
}

fn form(said: &Said) -> crate::support::twilio::Form {
    message(said.id.trim_start_matches("SM").trim_start_matches('0'), &key(&said.guest), &said.text)
}
