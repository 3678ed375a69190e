//! SCXML's semantics, case by case, after the test suite of the W3C's implementation report.
//!
//! A case is a file under `scxml/`: which tests of the suite it stands for, what they state in our words, what is done
//! and what must be seen; then, after `---`, the chart, in our language. `scxml/suite.yaml` lists every test of the
//! suite with its case, or with the reason why it does not apply.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;

use crate::chart::{Chart, Seen};

/// The head of a case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    /// The tests of the suite that it stands for.
    w3c: Vec<String>,
    /// What they state.
    states: String,
    /// What is done, in order.
    play: Vec<Act>,
}

/// One input and what must be seen of it. What is not named is not looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    /// What is done.
    #[serde(rename = "do")]
    what: Do,
    /// Data of an event.
    #[serde(default)]
    data: Json,
    /// The states left and entered, in order.
    moves: Option<String>,
    /// The prompts said, in order.
    said: Option<String>,
    /// The active states afterwards.
    at: Option<String>,
    /// The outcome the flow ends with.
    ends: Option<String>,
    /// The calls made, in order.
    calls: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Do {
    /// The flow begins.
    Start,
    /// An event comes from outside.
    Event(String),
    /// So many seconds pass.
    Pass(i64),
    /// A call is answered; the data is its result.
    Answer(u32),
    /// A call fails.
    Fail(u32),
}

/// A test of the suite: how it is covered.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Covered {
    /// By this case.
    Case(String),
    /// Not at all, for this reason.
    Not(String),
}

/// The files of all cases.
fn cases() -> Vec<PathBuf> {
    let mut cases = crate::files::yaml("tests/it/scxml");
    cases.retain(|file| !file.ends_with("suite.yaml"));
    cases
}

fn read(path: &Path) -> (Head, Vec<String>) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut parts = text.split("\n---\n").map(str::to_owned);
    let head = parts.next().unwrap();
    let head = serde_saphyr::from_str(&head).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (head, parts.collect())
}

#[test]
fn every_case_behaves_as_scxml_says() {
    let mut wrong: Vec<String> = Vec::new();
    for case in cases() {
        wrong.extend(check(&case).err().map(|why| format!("{}: {why}", case.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Plays a case; says what was seen where something else was expected.
fn check(path: &Path) -> Result<(), String> {
    let (head, flows) = read(path);
    let flows: Vec<&str> = flows.iter().map(String::as_str).collect();
    let flows =
        crate::chart::try_check(crate::chart::ROOT, &flows).map_err(|mistakes| mistakes.to_string())?;
    let mut chart = Chart::on(flows);
    for (number, act) in head.play.iter().enumerate() {
        let seen = perform(&mut chart, act);
        let calls = seen.called();
        let fits = act.moves.as_ref().is_none_or(|moves| *moves == seen.moves)
            && act.said.as_ref().is_none_or(|said| *said == seen.said)
            && act.at.as_ref().is_none_or(|at| *at == chart.at())
            && act.calls.as_ref().is_none_or(|expected| *expected == calls)
            && act.ends == seen.ends;
        if !fits {
            let Seen { moves, said, ends, trace, .. } = seen;
            return Err(format!(
                "{}\n  act {}: moves {moves:?}, said {said:?}, at {:?}, ends {ends:?}, calls {calls:?}\n  {trace:?}",
                head.states,
                number + 1,
                chart.at(),
            ));
        }
    }
    Ok(())
}

fn perform(chart: &mut Chart, act: &Act) -> Seen {
    match &act.what {
        Do::Start => chart.start(),
        Do::Event(name) => chart.event(name, act.data.clone()),
        Do::Pass(seconds) => chart.later(*seconds),
        Do::Answer(call) => chart.answer(*call, act.data.clone()),
        Do::Fail(call) => chart.input(innkeeper_engine::Input::Answered {
            call: *call,
            outcome: innkeeper_engine::Outcome::Error { code: "broken".to_owned(), message: String::new() },
        }),
    }
}

#[test]
fn every_test_of_the_suite_has_a_case_or_a_reason() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/scxml");
    let text = std::fs::read_to_string(here.join("suite.yaml")).unwrap();
    let suite: BTreeMap<String, Covered> = serde_saphyr::from_str(&text).unwrap();
    let all: BTreeSet<&str> = SUITE.split_whitespace().collect();
    let listed: BTreeSet<&str> = suite.keys().map(String::as_str).collect();
    assert_eq!(listed, all);
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in cases() {
        let stem = case.file_stem().unwrap().to_string_lossy().into_owned();
        told.insert(stem, read(&case).0.w3c.into_iter().collect());
    }
    let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (test, covered) in suite {
        match covered {
            Covered::Case(case) => _ = wanted.entry(case).or_default().insert(test),
            Covered::Not(reason) => assert!(reason.len() >= 16, "{test} needs a reason"),
        }
    }
    assert_eq!(told, wanted, "each case names the tests that the table gives it");
}

/// The numbers of the suite: the mandatory tests, the manual ones among them, then the optional ones.
const SUITE: &str = "\
    144 147 148 149 150 151 152 153 155 156 158 159 172 173 174 175 176 178 179 183 185 186 187 189 190 191 192 194 \
    198 199 200 205 207 208 210 215 216 220 223 224 225 226 228 229 230 232 233 234 235 236 237 239 240 241 242 243 \
    244 245 247 250 252 253 276 277 279 280 286 287 294 298 301 302 303 304 307 309 310 311 312 313 314 318 319 321 \
    322 323 324 325 326 329 330 331 332 333 335 336 337 338 339 342 343 344 346 347 348 349 350 351 352 354 355 364 \
    372 375 376 377 378 387 388 396 399 401 402 403a 403b 403c 404 405 406 407 409 411 412 413 415 416 417 419 421 \
    422 423 436 487 488 495 496 500 501 503 504 505 506 521 525 527 528 529 530 533 550 551 552 553 554 570 576 579 \
    580 \
    193 201 278 444 445 446 448 449 451 452 453 456 457 459 460 509 510 518 519 520 522 531 532 534 557 558 560 561 \
    562 567 569 577 578";
