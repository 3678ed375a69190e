//! Where settings come from, and what is said about wrong ones.

use std::path::PathBuf;

use innkeeper::config::{Config, HotelAt, LlmProvider, Overrides, ReplyBy};
use secrecy::ExposeSecret;

use crate::rig::Folder;

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn from_environment(pairs: &[(&str, &str)]) -> Config {
    Config::load(None, variables(pairs), Overrides::default()).expect("a configuration")
}

/// The complaints about a file and variables, a line each.
fn complaints(file: &str, pairs: &[(&str, &str)]) -> String {
    let folder = Folder::new();
    let path = folder.file("innkeeper.toml");
    std::fs::write(&path, file).expect("a file");
    let error = Config::load(Some(&path), variables(pairs), Overrides::default()).expect_err("a complaint");
    error.to_string().replace(path.to_str().expect("a path"), "innkeeper.toml")
}

#[test]
fn nothing_needs_to_be_set() {
    let config = from_environment(&[]);
    assert_eq!(config.server.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.database.as_str(), "sqlite://innkeeper.db");
    assert!(config.server.public_url.is_none() && config.hotel.is_none() && config.flows.is_none());
    assert!(config.twilio.account_sid.is_none() && config.twilio.auth_token.is_none());
    assert_eq!(config.twilio.reply, ReplyBy::Rest);
    assert!(config.llm.is_none(), "a model without a key is off");
}

#[test]
fn a_later_layer_wins() {
    let folder = Folder::new();
    let path = folder.file("mine.toml");
    std::fs::write(&path, "[database]\nurl = 'sqlite://file.db'\n[flows]\ndir = 'mine'\n").expect("a file");
    let mut environment = Vec::new();
    let load = |environment: &[(&str, &str)], overrides: Overrides| {
        Config::load(Some(&path), variables(environment), overrides).expect("a configuration")
    };
    let url = |config: Config| config.database.as_str().to_owned();
    assert_eq!(url(load(&environment, Overrides::default())), "sqlite://file.db");
    environment.push(("DATABASE_URL", "postgres://customary/x"));
    assert_eq!(url(load(&environment, Overrides::default())), "postgres://customary/x");
    environment.insert(0, ("INNKEEPER__DATABASE__URL", "postgres://ours/x"));
    assert_eq!(url(load(&environment, Overrides::default())), "postgres://ours/x");
    let overrides = Overrides { database: Some("sqlite::memory:".to_owned()), ..Overrides::default() };
    let config = load(&environment, overrides);
    assert_eq!(config.flows, Some(PathBuf::from("mine")));
    assert_eq!(url(config), "sqlite::memory:");
}

#[test]
fn an_empty_customary_variable_counts_as_absent() {
    let config = from_environment(&[("DATABASE_URL", ""), ("GROQ_API_KEY", "")]);
    assert_eq!(config.database.as_str(), "sqlite://innkeeper.db");
    assert!(config.llm.is_none());
}

#[test]
fn providers_read_their_customary_variables() {
    let config = from_environment(&[
        ("TWILIO_ACCOUNT_SID", "AC1"),
        ("TWILIO_AUTH_TOKEN", "hush"),
        ("META_APP_SECRET", "a"),
        ("META_VERIFY_TOKEN", "b"),
        ("META_ACCESS_TOKEN", "c"),
        ("GROQ_API_KEY", "d"),
        ("DEEPGRAM_API_KEY", "e"),
        ("ELEVENLABS_API_KEY", "f"),
        ("OPENAI_API_KEY", "g"),
    ]);
    let shown = [
        &config.twilio.auth_token,
        &config.meta.app_secret,
        &config.meta.verify_token,
        &config.meta.access_token,
        &config.llm.as_ref().expect("a model").api_key,
        &config.deepgram.api_key,
        &config.elevenlabs.api_key,
        &config.openai.api_key,
    ]
    .map(|secret| secret.as_ref().expect("a secret").expose_secret().to_owned());
    assert_eq!(shown, ["hush", "a", "b", "c", "d", "e", "f", "g"]);
    assert_eq!(config.twilio.account_sid.as_deref(), Some("AC1"));
    assert!(!format!("{config:?}").contains("hush"), "a secret is never shown");
}

#[test]
fn a_model_of_ones_own_needs_no_key() {
    let config = from_environment(&[
        ("INNKEEPER__LLM__PROVIDER", "compatible"),
        ("INNKEEPER__LLM__BASE_URL", "http://127.0.0.1:11434/v1/"),
        ("INNKEEPER__LLM__TIMEOUT_MS", "1500"),
    ]);
    let model = config.llm.expect("a model");
    assert_eq!(model.provider, LlmProvider::Compatible);
    assert_eq!(model.base_url.as_str(), "http://127.0.0.1:11434/v1");
    assert_eq!(model.timeout.as_millis(), 1500);
    assert!(model.api_key.is_none());
}

#[test]
fn openai_lends_its_key_and_address_to_the_model() {
    let config = from_environment(&[("INNKEEPER__LLM__PROVIDER", "openai"), ("OPENAI_API_KEY", "k")]);
    let model = config.llm.expect("a model");
    assert_eq!(model.base_url.as_str(), "https://api.openai.com/v1");
    assert_eq!(model.api_key.expect("a key").expose_secret(), "k");
}

#[test]
fn a_hotel_is_an_address_or_a_command() {
    let at = |value| from_environment(&[("INNKEEPER__HOTEL__MCP", value)]).hotel.expect("a hotel");
    assert!(
        matches!(at("http://127.0.0.1:9/mcp"), HotelAt::Url(url) if url.as_str() == "http://127.0.0.1:9/mcp")
    );
    let HotelAt::Command { program, arguments } = at("python3 hotel.py --quiet") else { panic!("a command") };
    assert_eq!((program.as_str(), arguments), ("python3", vec!["hotel.py".to_owned(), "--quiet".to_owned()]));
}

#[test]
fn a_senders_number_may_carry_the_channels_prefix() {
    let config = from_environment(&[("INNKEEPER__TWILIO__WHATSAPP_FROM", "whatsapp:+14155238886")]);
    assert_eq!(config.twilio.whatsapp_from.as_deref(), Some("+14155238886"));
}

#[test]
fn every_mistake_is_a_sentence_with_its_place() {
    let file = "[server]\nbnd = '0.0.0.0:80'\nbind = 'everywhere'\n[twilio]\nreply = 'smoke'\ntimeout_ms = 'soon'\n\
                [llm]\nbase_url = 'ftp://models'\n[kitchen]\nopen = true\n[prompts]\ndir = 7\n";
    let environment = [("DATABASE_URL", "mysql://u:pw@h/d"), ("INNKEEPER__TWILIO__ACCOUNT", "AC1")];
    insta::assert_snapshot!(complaints(file, &environment), @r#"
    innkeeper.toml, line 10: there is no key `kitchen.open`; the sections are call, database, deepgram, elevenlabs, flows, hotel, llm, meta, openai, pace, prompts, server, stt, tts, twilio, whatsapp
    innkeeper.toml, line 2: there is no key `server.bnd`; did you mean `server.bind`?
    the variable INNKEEPER__TWILIO__ACCOUNT: there is no key `twilio.account`; did you mean `twilio.account_sid`?
    innkeeper.toml, line 3: `server.bind` is "everywhere", but must be an address and a port, for example 127.0.0.1:8080
    the variable DATABASE_URL: `database.url` is "mysql://h/d", but must be sqlite://FILE, sqlite::memory: or postgres://…
    innkeeper.toml, line 12: `prompts.dir` is 7, but must be a text in quotation marks
    innkeeper.toml, line 5: `twilio.reply` is "smoke", but must be rest or twiml
    innkeeper.toml, line 6: `twilio.timeout_ms` is "soon", but must be a number of milliseconds, 1 or more
    innkeeper.toml, line 8: `llm.base_url` is "ftp://models", but must be an address that begins with http:// or https://
    "#);
}

#[test]
fn a_file_that_is_not_toml_is_said_to_be_so_with_its_line() {
    insta::assert_snapshot!(complaints("[server]\nbind = \n", &[]), @"innkeeper.toml, line 2: this is not TOML: string values must be quoted, expected literal string");
}

#[test]
fn a_named_file_must_be_there() {
    let missing = PathBuf::from("/nowhere/innkeeper.toml");
    let error = Config::load(Some(&missing), Vec::new(), Overrides::default()).expect_err("a complaint");
    assert!(error.to_string().starts_with("the configuration file /nowhere/innkeeper.toml cannot be read:"));
}

#[test]
fn every_key_of_the_default_file_is_explained() {
    let defaults = include_str!("../../src/config.default.toml");
    let mut explained = false;
    for line in defaults.lines() {
        if line.starts_with('#') {
            explained = true;
        } else if line.is_empty() || line.starts_with('[') {
            explained = false;
        } else if line.contains(" = ") {
            let section_says_it =
                ["verify_token", "access_token", "phone_number_id", "base_url", "timeout_ms", "model"];
            let key = line.split(' ').next().expect("a key");
            assert!(explained || section_says_it.contains(&key), "{key} has no explanation");
        }
    }
}
