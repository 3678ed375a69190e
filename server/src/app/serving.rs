//! What answers over HTTP, and what works in the background meanwhile.

use std::sync::Arc;

use axum::Router;
use tokio_util::sync::CancellationToken;

use super::{App, StartFault};
use crate::channel::twilio::{self, Twilio, Webhooks};
use crate::channel::{Channel, local};
use crate::config::{Config, ReplyBy};
use crate::console;
use crate::conversation::Receptionist;
use crate::http::{Gate, health};
use crate::inbox::Inbox;
use crate::message::ChannelName;
use crate::outbox::Outbox;
use crate::turn::{Alarm, Answerer, Lanes, Pace};

impl App {
    /// Everything that answers over HTTP, behind the gate. Starts what works in the background until `stop`.
    ///
    /// # Errors
    /// The messages that a stop or a crash left over cannot be read.
    pub async fn routes(&self, config: &Config, stop: &CancellationToken) -> Result<Router, StartFault> {
        local::reject_left_over(&self.receptionist.store).await?;
        let answerer: Arc<dyn Answerer> = Arc::<Receptionist>::clone(&self.receptionist);
        let alarm = Alarm::new(
            self.receptionist.store.clone(),
            Arc::clone(&self.receptionist.clock),
            answerer,
            &[ChannelName::Console],
        );
        let (twilio, alarm) = self.twilio(config, stop, alarm).await?;
        let stopped = stop.clone();
        tokio::spawn(async move { stopped.run_until_cancelled(alarm.run()).await });
        let routes = health(self.receptionist.store.clone())
            .merge(console::routes(Arc::clone(&self.receptionist), self.reloaded.subscribe()))
            .merge(twilio)
            .merge(self.hotel_routes(stop));
        Ok(Gate::new(&config.server).guard(routes))
    }

    /// WhatsApp by Twilio: its webhooks, the lanes behind them and the outbox; or routes that say what is missing.
    async fn twilio(
        &self,
        config: &Config,
        stop: &CancellationToken,
        alarm: Alarm,
    ) -> Result<(Router, Alarm), StartFault> {
        let twilio = match Twilio::new(config) {
            Ok(twilio) => Arc::new(twilio),
            Err(off) => {
                tracing::info!("{off}");
                return Ok((twilio::refusing(&off), alarm));
            }
        };
        let (store, clock) = (self.receptionist.store.clone(), Arc::clone(&self.receptionist.clock));
        let pace = match twilio.reply() {
            ReplyBy::Rest => Pace::CHAT,
            ReplyBy::Twiml => Pace::WAITED_FOR,
        };
        let answerer: Arc<dyn Answerer> = Arc::<Receptionist>::clone(&self.receptionist);
        let lanes = Lanes::new(store.clone(), answerer, Arc::clone(&clock), pace);
        let alarm = alarm.through(lanes.clone(), &[ChannelName::Twilio]);
        let inbox = Inbox::new(store.clone(), lanes);
        let channel: Arc<dyn Channel> = Arc::<Twilio>::clone(&twilio);
        let outbox = Arc::new(Outbox::new(store, Arc::clone(&clock), [channel]));
        let (sending, stopped) = (Arc::clone(&outbox), stop.clone());
        tokio::spawn(async move { stopped.run_until_cancelled(sending.run()).await });
        let left_over = inbox.recover(&[ChannelName::Twilio]).await?;
        if left_over > 0 {
            tracing::info!(left_over, "messages that had no answer yet are taken up again");
        }
        Ok((twilio::routes(Webhooks { twilio, inbox, outbox, clock }), alarm))
    }
}
