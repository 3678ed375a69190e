//! How Twilio calls us: time-outs, the fallback, retries, and the disorder of a network.

use std::time::Duration;

use futures::future::{Either, select};
use innkeeper::clock::Clock as _;

use super::form::{field, sign, status, with};
use super::{Asked, PUBLIC, TwilioDouble};
use crate::support::dice::Dice;
use crate::support::phone::Bubble;

/// How long Twilio waits for an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// What came of calling a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Called {
    /// The status of each try; none where there was no answer in time.
    pub(crate) tries: Vec<Option<u16>>,
    /// The answer's body.
    pub(crate) body: String,
    /// Whether the fallback was called.
    pub(crate) fell_back: bool,
}

/// How status reports come.
#[derive(Clone, Debug, Default)]
pub(crate) enum Reports {
    /// Not at all.
    #[default]
    None,
    /// Each once, in order, after the answer to sending.
    Clean,
    /// Lost, doubled, out of order, and some before the answer to sending.
    Wild(Dice),
}

impl TwilioDouble {
    /// Calls the webhook for a message of a guest: waits fifteen seconds of the test's clock; then, and after an answer
    /// that is not good, tries again as often as was configured, with the same token, and at last calls the fallback.
    /// What the answer says arrives on the guest's telephone.
    pub(crate) async fn deliver(&self, form: &[(String, String)]) -> Called {
        let (server, route, fallback, retries) = {
            let mut exchange = self.exchange();
            let now = self.clock.now();
            exchange.heard_at.insert(field(form, "From").to_owned(), now);
            let server = exchange.server.expect("a server to call");
            (server, exchange.rules.route.clone(), exchange.rules.fallback.clone(), exchange.rules.retries)
        };
        let token = uuid::Uuid::new_v4().to_string();
        let mut called = Called { tries: Vec::new(), body: String::new(), fell_back: false };
        for _ in 0..=retries {
            let signature = sign(&format!("{PUBLIC}{route}"), form);
            let request = self.post_as(server, &route, form, Some(&signature), &token);
            match select(Box::pin(request), self.clock.sleep(READ_TIMEOUT)).await {
                Either::Left(((code, body), _)) => {
                    called.tries.push(Some(code));
                    if code < 300 {
                        self.show_answer(field(form, "From"), &body);
                        called.body = body;
                        return called;
                    }
                }
                Either::Right(_) => called.tries.push(None),
            }
        }
        if let Some(fallback) = fallback {
            let error = format!("{PUBLIC}{route}");
            let form = with(form.to_vec(), &[("ErrorCode", "11200"), ("ErrorUrl", &error)]);
            let signature = sign(&format!("{PUBLIC}{fallback}"), &form);
            let (code, body) = self.post_as(server, &fallback, &form, Some(&signature), &token).await;
            called.tries.push(Some(code));
            called.body = body;
            called.fell_back = true;
        }
        called
    }

    /// Brings messages as a bad network does: some twice, some two at a time, none more than five places from its own.
    pub(crate) async fn deliver_wildly(&self, forms: &[super::Form], dice: &mut Dice) {
        let mut all: Vec<super::Form> = forms.to_vec();
        for form in forms {
            if dice.chance(30) {
                let at = dice.below(all.len());
                all.insert(at, form.clone());
            }
        }
        dice.jostle(&mut all, 5);
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at((1 + dice.below(2)).min(rest.len()));
            futures::future::join_all(now.iter().map(|form| self.deliver(form))).await;
            rest = later;
        }
    }

    /// What an answer in TwiML says.
    fn show_answer(&self, to: &str, body: &str) {
        for (number, part) in body.split("<Message").skip(1).enumerate() {
            let text = part.split_once('>').and_then(|(_, rest)| rest.split_once("</Message>"));
            let text = text.expect("a whole message").0.replace("&lt;", "<").replace("&gt;", ">");
            let text = text.replace("&quot;", "\"").replace("&amp;", "&");
            self.phones.show(to, &format!("reply {number}"), Bubble::Text(text));
        }
    }

    /// Reports how far a message got; `fails` is the code of its failure.
    pub(super) async fn report_chain(&self, sid: &str, asked: &Asked, fails: Option<u32>) {
        let (server, reports) = {
            let mut exchange = self.exchange();
            let reports = match &mut exchange.rules.reports {
                Reports::None => Reports::None,
                Reports::Clean => Reports::Clean,
                Reports::Wild(dice) => {
                    dice.roll();
                    Reports::Wild(dice.clone())
                }
            };
            (exchange.server, reports)
        };
        let Some(server) = server else { return };
        let stages: &[&str] = match fails {
            Some(_) => &["queued", "sent", "failed"],
            None => &["queued", "sent", "delivered", "read"],
        };
        let mut stages = stages.to_vec();
        let mut early = 0;
        match reports {
            Reports::None => return,
            Reports::Clean => {}
            Reports::Wild(mut dice) => {
                // The last word is never lost, or nobody could know it.
                let last = stages.len() - 1;
                let lost: Vec<bool> = (0..last).map(|_| dice.chance(30)).collect();
                stages = stages
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| *at == last || !lost[*at])
                    .map(|(_, stage)| *stage)
                    .collect();
                let twice = stages[dice.below(stages.len())];
                stages.push(twice);
                dice.shuffle(&mut stages);
                early = dice.below(stages.len());
            }
        }
        let path = asked.report_to.strip_prefix(PUBLIC).unwrap_or_default().to_owned();
        let code = fails.map(|code| code.to_string());
        let forms: Vec<super::Form> = stages
            .iter()
            .map(|stage| {
                let form = with(status(sid, stage, &[]), &[("To", &asked.to)]);
                match &code {
                    Some(code) if *stage == "failed" => with(form, &[("ErrorCode", code)]),
                    _ => form,
                }
            })
            .collect();
        let (before, after) = forms.split_at(early);
        for form in before {
            self.try_post(server, &path, form).await;
        }
        let (double, after) = (self.clone(), after.to_vec());
        tokio::spawn(async move {
            for form in after {
                double.try_post(server, &path, &form).await;
            }
        });
    }
}
