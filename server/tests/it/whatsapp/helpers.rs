//! Forms that Twilio's own helper libraries sign are believed, and tampered ones are not.
//!
//! The libraries are those that Twilio's customers use: for Python in a virtual environment below `tests/twilio`, for
//! Node.js in its `node_modules`. Each also says what it thinks of our double's signatures.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use innkeeper::channel::twilio::{Content, Keys, Refusal, is_signed};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use crate::rig::loudly;
use crate::support::twilio::{PUBLIC, TOKEN, message, sign, with};

/// Set to `1` where the libraries must be there, so that their absence cannot go unnoticed.
const REQUIRE: &str = "INNKEEPER_REQUIRE_TWILIO_HELPERS";

const HOW: &str = "python3 -m venv server/tests/twilio/venv && server/tests/twilio/venv/bin/pip install -r \
                   server/tests/twilio/requirements.txt && npm ci --prefix server/tests/twilio";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/twilio")
}

/// How a library's script is started, where it is installed.
fn library(name: &str) -> Option<Command> {
    let folder = folder();
    let (there, program, script) = match name {
        "python" => (folder.join("venv/bin/python"), folder.join("venv/bin/python"), "sign.py"),
        _ => (folder.join("node_modules/twilio/package.json"), PathBuf::from("node"), "sign.cjs"),
    };
    if there.exists() {
        let mut command = Command::new(program);
        command.arg(folder.join(script)).current_dir(folder);
        return Some(command);
    }
    assert!(
        std::env::var_os(REQUIRE).is_none(),
        "{REQUIRE} is set, and Twilio's library for {name} is not installed"
    );
    loudly(&format!(
        "SKIPPED: Twilio's library for {name} is not installed; this runs these tests too: {HOW}"
    ));
    None
}

/// What a library makes of one form.
#[derive(Deserialize)]
struct Signed {
    /// Its signature.
    signature: String,
    /// Whether it believes the signature of our double.
    believes: bool,
}

fn believes_and_is_believed(name: &str) {
    let Some(mut command) = library(name) else { return };
    let ana = "whatsapp:+34600000001";
    let forms: Vec<Vec<(String, String)>> = vec![
        message("1", ana, "Hello."),
        message("2", ana, "2 nights, 12–14 Dec 👍 & \"a view\" + 50% = ça?"),
        with(message("3", ana, ""), &[("NumMedia", "1"), ("MediaUrl0", "https://api.twilio.com/x?y=1&z")]),
        with(message("4", "whatsapp:ES.77", "línea\nuna\r\ndos\t"), &[("ExternalUserId", "whatsapp:ES.77")]),
        vec![
            ("b".to_owned(), "1".to_owned()),
            ("B".to_owned(), "2".to_owned()),
            ("a".to_owned(), String::new()),
        ],
    ];
    let urls = [
        format!("{PUBLIC}/twilio/whatsapp"),
        format!("{PUBLIC}/twilio/status?m=7"),
        format!("{PUBLIC}:443/twilio/whatsapp"),
    ];
    let mut asked = Vec::new();
    for url in &urls {
        for form in &forms {
            asked.push((url, form));
        }
    }
    let input: Vec<_> = asked
        .iter()
        .map(|(url, form)| json!({"token": TOKEN, "url": url, "form": form, "signature": sign(url, form)}))
        .collect();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the library");
    let stdin = child.stdin.take().expect("standard input");
    serde_json::to_writer(stdin, &input).expect("what it is asked");
    let output = child.wait_with_output().expect("an answer");
    assert!(output.status.success(), "{name}'s script failed");
    let signed: Vec<Signed> = serde_json::from_slice(&output.stdout).expect("signatures");
    assert_eq!(signed.len(), asked.len());
    let keys = Keys { auth_token: SecretString::from(TOKEN), secondary: None, shared_key: None };
    for ((url, form), Signed { signature, believes }) in asked.into_iter().zip(signed) {
        let check = |url: &str, form: &[(String, String)]| {
            is_signed(&keys, Some(&signature), None, url, Content::Form(form))
        };
        assert!(believes, "{name} believes our double for {url} {form:?}");
        assert_eq!(check(url, form), Ok(()), "{name} signed {url} {form:?}");
        assert_eq!(check(&url.replace("/twilio/", "/Twilio/"), form), Err(Refusal::Wrong), "another address");
        for at in 0..form.len() {
            let mut tampered = form.clone();
            tampered[at].1.push('x');
            assert_eq!(check(url, &tampered), Err(Refusal::Wrong), "{name}: {} was changed", form[at].0);
            let mut without = form.clone();
            without.remove(at);
            assert_eq!(check(url, &without), Err(Refusal::Wrong), "{name}: {} is gone", form[at].0);
        }
    }
}

#[test]
fn forms_of_the_python_library_are_believed() {
    believes_and_is_believed("python");
}

#[test]
fn forms_of_the_node_library_are_believed() {
    believes_and_is_believed("node");
}
