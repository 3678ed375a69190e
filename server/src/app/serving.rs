//! What answers over HTTP, and what works in the background meanwhile.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio_util::sync::CancellationToken;

use super::{App, StartFault};
use crate::call;
use crate::channel::line::Callee;
use crate::channel::meta::{self, Meta};
use crate::channel::twilio::{self, Missed, Off, Twilio, voice};
use crate::channel::{Channel, Colleagues, local};
use crate::config::{Config, ReplyBy};
use crate::console::{self, Watching};
use crate::conversation::Receptionist;
use crate::http::{Gate, health};
use crate::inbox::Inbox;
use crate::message::ChannelName;
use crate::notes::Notes;
use crate::outbox::Outbox;
use crate::turn::{Alarm, Answerer, Lanes, Pace};

/// How long after the provider had to answer a message may still be on its way to it.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

impl App {
    /// Everything that answers over HTTP, behind the gate. Starts what works in the background until `stop`.
    ///
    /// # Errors
    /// The messages that a stop or a crash left over cannot be read.
    pub async fn routes(&self, config: &Config, stop: &CancellationToken) -> Result<Router, StartFault> {
        let store = &self.receptionist.store;
        let sending = config.twilio.timeout.max(config.meta.timeout) + ON_ITS_WAY;
        store.enrol(config.lease, sending).await?;
        local::reject_left_over(store).await?;
        call::end_left_over(store).await?;
        let answerer: Arc<dyn Answerer> = Arc::<Receptionist>::clone(&self.receptionist);
        let alarm = Alarm::new(
            self.receptionist.store.clone(),
            Arc::clone(&self.receptionist.clock),
            answerer,
            &[ChannelName::Console],
        );
        let watching = Arc::new(Watching::new(Arc::clone(&self.receptionist.clock)));
        let calls = self.calls(config, Arc::<Watching>::clone(&watching), stop)?;
        let callee: Arc<dyn Callee> = Arc::new(calls);
        let twilio = Twilio::new(config, Arc::clone(&self.receptionist.clock)).map(Arc::new);
        let telephone = self.telephone(config, twilio.as_ref(), Arc::clone(&callee));
        let (whatsapp, alarm) = self.whatsapp(config, twilio, stop, alarm).await?;
        let stopped = stop.clone();
        tokio::spawn(async move { stopped.run_until_cancelled(alarm.run()).await });
        let routes = health(self.receptionist.store.clone())
            .merge(console::routes(
                Arc::clone(&self.receptionist),
                self.reloaded.subscribe(),
                (callee, watching),
                stop,
            ))
            .merge(whatsapp)
            .merge(telephone)
            .merge(self.hotel_routes(stop));
        Ok(Gate::new(&config.server).guard(routes))
    }

    /// Telephone calls by Twilio, or a route that says what is missing.
    fn telephone(
        &self,
        config: &Config,
        twilio: Result<&Arc<Twilio>, &Off>,
        callee: Arc<dyn Callee>,
    ) -> Router {
        let receptionist = &self.receptionist;
        let clock = Arc::clone(&receptionist.clock);
        let (replies, house) = (Arc::clone(&receptionist.replies), receptionist.house.clone());
        let words = voice::Words::new(replies, house, &config.telephone.language);
        let manner = voice::Manner::new(config, super::hints(config, &receptionist.house).terms);
        match twilio {
            Ok(twilio) => {
                let twilio = Arc::clone(twilio);
                voice::routes(voice::Webhooks { twilio, callee, words, manner, clock })
            }
            Err(off) => voice::refusing(off, words),
        }
    }

    /// WhatsApp by Twilio and by Meta: their webhooks, the lanes behind them and the outbox; or routes that say what is
    /// missing.
    async fn whatsapp(
        &self,
        config: &Config,
        twilio: Result<Arc<Twilio>, Off>,
        stop: &CancellationToken,
        mut alarm: Alarm,
    ) -> Result<(Router, Alarm), StartFault> {
        let (store, clock) = (self.receptionist.store.clone(), Arc::clone(&self.receptionist.clock));
        let meta = Meta::new(config, Arc::clone(&clock)).map(Arc::new);
        let mut channels: Vec<Arc<dyn Channel>> = Vec::new();
        channels.extend(twilio.as_ref().ok().map(|twilio| Arc::<Twilio>::clone(twilio) as Arc<dyn Channel>));
        channels.extend(meta.as_ref().ok().map(|meta| Arc::<Meta>::clone(meta) as Arc<dyn Channel>));
        let names: Vec<ChannelName> = channels.iter().map(|channel| channel.name()).collect();
        let templates = [
            (ChannelName::Twilio, config.twilio.templates.clone()),
            (ChannelName::Meta, config.meta.templates.clone()),
        ];
        let voice = super::voice(config, Arc::clone(&clock))?;
        let recogniser = super::recogniser(config, Arc::clone(&clock))?;
        if !names.is_empty() && recogniser.is_none() {
            tracing::info!("voice notes are not heard: set [stt] and its provider's key in innkeeper.toml");
        }
        let notes = Notes::new(
            Arc::<Receptionist>::clone(&self.receptionist),
            store.clone(),
            Arc::clone(&clock),
            channels.clone(),
            recogniser,
            super::hints(config, &self.receptionist.house),
        );
        let outbox = Outbox::new(store.clone(), Arc::clone(&clock), channels)
            .with_templates(templates)
            .no_faster(ChannelName::Twilio, config.twilio.rates)
            .no_faster(ChannelName::Meta, config.meta.rates)
            .speaking(voice);
        let outbox = Arc::new(outbox);
        // One lane a guest, whichever way they write.
        let pace = match &twilio {
            Ok(twilio) if twilio.reply() == ReplyBy::Twiml => Pace::WAITED_FOR,
            Ok(_) | Err(_) => Pace { fragment: config.pace.fragment, cap: config.pace.cap },
        };
        let lanes = Lanes::new(store.clone(), Arc::new(notes), Arc::clone(&clock), pace);
        let inbox = Inbox::new(store.clone(), lanes.clone());
        if !names.is_empty() {
            alarm = alarm.through(lanes, &names);
            let (sending, stopped) = (Arc::clone(&outbox), stop.clone());
            tokio::spawn(async move { stopped.run_until_cancelled(sending.run()).await });
            let left_over = inbox.recover(&names).await?;
            if left_over > 0 {
                tracing::info!(left_over, "messages that had no answer yet are taken up again");
            }
            let (watching, stopped) = (inbox.clone().watch(names, Arc::clone(&clock)), stop.clone());
            tokio::spawn(async move { stopped.run_until_cancelled(watching).await });
            if let Ok(twilio) = &twilio
                && !config.twilio.catch_up.is_zero()
            {
                let missed = Missed::new(Arc::clone(twilio), inbox.clone(), store, config.twilio.catch_up);
                let stopped = stop.clone();
                tokio::spawn(async move { stopped.run_until_cancelled(missed.run()).await });
            }
        }
        let by_twilio = match twilio {
            Ok(twilio) => twilio::routes(twilio::Webhooks {
                twilio,
                inbox: inbox.clone(),
                outbox: Arc::clone(&outbox),
                clock: Arc::clone(&clock),
            }),
            Err(off) => {
                tracing::info!("{off}");
                twilio::refusing(&off)
            }
        };
        let by_meta = match meta {
            Ok(meta) => {
                let colleagues: Arc<dyn Colleagues> = Arc::<Receptionist>::clone(&self.receptionist);
                meta::routes_beside(meta::Webhooks { meta, inbox, outbox, clock }, Some(colleagues))
            }
            Err(off) => {
                tracing::info!("{off}");
                meta::refusing(&off)
            }
        };
        Ok((by_twilio.merge(by_meta), alarm))
    }
}
