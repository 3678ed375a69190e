//! The real receptionist behind the webhooks of both vendors, with a double of whoever hears and speaks.

use std::sync::Arc;
use std::time::Duration;

use innkeeper::app::{self, SceneHotel};
use innkeeper::channel::Channel;
use innkeeper::channel::meta::{self, Meta};
use innkeeper::channel::twilio::{self, Twilio};
use innkeeper::clock::ManualClock;
use innkeeper::config::{Config, DatabaseUrl, Overrides};
use innkeeper::conversation::Receptionist;
use innkeeper::inbox::Inbox;
use innkeeper::notes::Notes;
use innkeeper::outbox::Outbox;
use innkeeper::tools::HotelTools;
use innkeeper::turn::{Lanes, Pace};

use crate::rig::{Folder, standing_clock, until};
use crate::support::meta::MetaDouble;
use crate::support::speech::{KEY, SpeechDouble};
use crate::support::twilio::media::Trick;
use crate::support::twilio::{ACCOUNT, Form, PUBLIC, TOKEN, TwilioDouble, message, with};

pub(super) const ANA: &str = "whatsapp:+34600000001";

/// "Two adults", spoken by a synthetic voice whose data is in the public domain; a small recogniser writes "to adults".
pub(super) const NOTE: &[u8] = include_bytes!("../fixtures/two-adults.ogg");

pub(super) struct House {
    pub(super) clock: ManualClock,
    pub(super) receptionist: Arc<Receptionist>,
    pub(super) twilio: TwilioDouble,
    pub(super) meta: MetaDouble,
    pub(super) speech: SpeechDouble,
    folder: Folder,
}

impl House {
    /// Deepgram hears.
    pub(super) async fn open() -> Self {
        Self::open_with(deepgram).await
    }

    /// The same on another database.
    pub(super) async fn open_on(database: &DatabaseUrl) -> Self {
        let address = database.as_str().to_owned();
        Self::open_with(|speech| {
            let mut variables = deepgram(speech);
            variables.push(("DATABASE_URL", address));
            variables
        })
        .await
    }

    /// Whoever these variables name hears and speaks.
    pub(super) async fn open_with(
        variables: impl FnOnce(&SpeechDouble) -> Vec<(&'static str, String)>,
    ) -> Self {
        let (folder, clock) = (Folder::new(), standing_clock());
        let time = || Arc::new(clock.clone());
        let twilio = TwilioDouble::start_on(clock.clone()).await;
        let meta = MetaDouble::start_on(clock.clone()).await;
        let speech = SpeechDouble::start_on(clock.clone()).await;
        let mut all = vec![
            ("TWILIO_ACCOUNT_SID", ACCOUNT.to_owned()),
            ("TWILIO_AUTH_TOKEN", TOKEN.to_owned()),
            ("INNKEEPER__TWILIO__BASE_URL", twilio.base_url()),
            ("INNKEEPER__SERVER__PUBLIC_URL", PUBLIC.to_owned()),
            ("DATABASE_URL", folder.database_url().as_str().to_owned()),
        ];
        all.extend(variables(&speech));
        let all = all.into_iter().map(|(name, value)| (name.to_owned(), value));
        let config = Config::load(None, all, Overrides::default()).expect("a configuration");
        let hotel = SceneHotel::open(time()).await.expect("a hotel");
        let zone = hotel.zone;
        let tools = HotelTools::connect(hotel.address()).await.expect("tools");
        let house = app::house(&tools).await.expect("a house");
        let understander = app::understander(&config, &house).expect("words");
        let hints = app::hints(&config, &house);
        let receptionist = app::receptionist(&config, tools, house, zone, time(), understander).await;
        let receptionist = Arc::new(receptionist.expect("a receptionist"));
        let store = receptionist.store.clone();
        let by_twilio = Arc::new(Twilio::new(&config, time()).expect("an account"));
        let by_meta = Arc::new(Meta::new(&meta.config(), time()).expect("a number"));
        let channels: [Arc<dyn Channel>; 2] = [by_twilio.clone(), by_meta.clone()];
        let recogniser = app::recogniser(&config, time()).expect("a client");
        let answerer = receptionist.clone();
        let notes = Notes::new(answerer, store.clone(), time(), channels.clone(), recogniser, hints);
        let pace = Pace { fragment: Duration::ZERO, cap: Duration::ZERO };
        let lanes = Lanes::new(store.clone(), Arc::new(notes), time(), pace);
        let voice = app::voice(&config, time()).expect("a client");
        let outbox = Arc::new(Outbox::new(store.clone(), time(), channels).speaking(voice));
        tokio::spawn(Arc::clone(&outbox).run());
        let inbox = Inbox::new(store, lanes);
        let routes = twilio::routes(twilio::Webhooks {
            twilio: by_twilio,
            inbox: inbox.clone(),
            outbox: outbox.clone(),
            clock: time(),
        });
        let routes =
            routes.merge(meta::routes(meta::Webhooks { meta: by_meta, inbox, outbox, clock: time() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, routes).await });
        twilio.calls(address);
        meta.calls(address);
        Self { clock, receptionist, twilio, meta, speech, folder }
    }

    /// Ana writes.
    pub(super) async fn writes(&self, sid: &str, words: &str) {
        let called = self.twilio.deliver(&message(sid, ANA, words)).await;
        assert_eq!(called.tries, [Some(200)]);
    }

    /// Ana sends a file as a voice note.
    pub(super) async fn sends(&self, sid: &str, file: &[u8], trick: Trick) {
        let url = self.twilio.holds(file, "audio/ogg", trick);
        let called = self.twilio.deliver(&note(sid, &url)).await;
        assert_eq!(called.tries, [Some(200)]);
    }

    /// Ana says something in a voice note that a recogniser writes down so.
    pub(super) async fn says(&self, sid: &str, words: &str) {
        self.speech.hears(&[(words, 0.97)]);
        self.sends(sid, NOTE, Trick::Honest).await;
    }

    /// What Ana sees last, once she sees so many bubbles.
    pub(super) async fn sees(&self, count: usize) -> String {
        let what = format!("{count} bubbles");
        until(&what, async || self.twilio.phone_of(ANA).len() >= count).await;
        let seen = self.twilio.phone_of(ANA);
        assert_eq!(seen.len(), count, "{seen:#?}");
        seen.last().expect("a bubble").clone()
    }

    /// Where the database is.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }
}

/// Deepgram, played here.
fn deepgram(speech: &SpeechDouble) -> Vec<(&'static str, String)> {
    vec![("DEEPGRAM_API_KEY", KEY.to_owned()), ("INNKEEPER__DEEPGRAM__BASE_URL", speech.deepgram())]
}

/// The form of a voice note.
pub(super) fn note(sid: &str, url: &str) -> Form {
    let media =
        [("MessageType", "audio"), ("NumMedia", "1"), ("MediaContentType0", "audio/ogg"), ("MediaUrl0", url)];
    with(message(sid, ANA, ""), &media)
}
