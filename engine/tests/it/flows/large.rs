//! A flow of two hundred states and forty slots: what is right in it is found right, and a slip in it alone is told.

use std::fmt::Write as _;

use innkeeper_engine::flow::Rule;

use super::{check_text, rules};

const SECTIONS: usize = 20;

/// A flow in sections, each a state with states, a history, regions and a call that writes; every section promises
/// something about itself.
fn large() -> String {
    let mut text = String::from(
        "flow: large\ndescription: The guest wants everything, one after the other.\nevents: [paid, moved]\nslots:\n",
    );
    for section in 0..SECTIONS {
        writeln!(text, "  eggs_{section}: integer\n  name_{section}: person_name").unwrap();
    }
    text.push_str("on:\n  cancel: { target: dropped }\n  moved: { say: moved }\nnever:\n");
    for section in 0..SECTIONS {
        writeln!(text, "  - {{ call: order_breakfast, guard: not (eggs_{section} or not eggs_{section}) }}")
            .unwrap();
    }
    text.push_str("always:\n");
    for section in 0..SECTIONS {
        writeln!(text, "  - {{ state: reading_{section}, holds: eggs_{section} and name_{section} and offers_{section} }}")
            .unwrap();
        writeln!(text, "  - {{ before: ordering_{section}, passed: reading_{section} }}").unwrap();
    }
    text.push_str("states:\n");
    for section in 0..SECTIONS {
        let next =
            if section + 1 < SECTIONS { format!("section_{}", section + 1) } else { "ended".to_owned() };
        writeln!(
            text,
            "  section_{section}:
    entry: {{ raise: moved }}
    done: {next}
    on: {{ question: aside_{section} }}
    after: {{ 1d: dropped }}
    states:
      beginning_{section}:
        parallel: true
        done: looking_{section}
        states:
          left_{section}:
            states:
              asking_{section}: {{ collect: [eggs_{section}], target: asked_{section} }}
              asked_{section}: {{ final: asked }}
          right_{section}:
            states:
              naming_{section}: {{ collect: [name_{section}], target: named_{section}, on: {{ paid: {{ raise: moved }} }} }}
              named_{section}: {{ final: named }}
      looking_{section}:
        invoke: get_room_availability
        with: {{ start_date: today, end_date: today, guests: eggs_{section} }}
        save: offers_{section}
        fresh_for: 5m
        done: [{{ guard: offers_{section}.rooms | length > 0, target: reading_{section} }}, trying_{section}]
        error: trying_{section}
      trying_{section}: {{ ask: try_again, target: looking_{section} }}
      reading_{section}: {{ confirm: [eggs_{section}, name_{section}, offers_{section}], yes: ordering_{section}, no: beginning_{section} }}
      ordering_{section}:
        invoke: order_breakfast
        with: {{ eggs: eggs_{section}, remarks: name_{section} }}
        done: over_{section}
        error: {{ say: sorry, target: trying_{section} }}
        unknown: hand_over
      over_{section}: {{ final: over }}
      back_{section}: {{ history: deep, target: beginning_{section} }}
  aside_{section}: {{ ask: what_else, target: back_{section} }}"
        )
        .unwrap();
    }
    text.push_str("  ended: { final: done }\n  dropped: { final: dropped }\n");
    text
}

#[test]
fn a_flow_of_two_hundred_states_and_forty_slots_is_checked() {
    match check_text(&large()) {
        Ok(flows) => {
            let flow = flows.get("large").unwrap();
            assert!(flow.states.len() >= 200, "{} states", flow.states.len());
            assert_eq!(flow.slots.len(), 40);
        }
        Err(mistakes) => panic!("it is good, but:\n{mistakes}"),
    }
}

#[test]
fn a_slip_in_a_large_flow_is_told_alone() {
    let slip = |from: &str, to: &str| {
        let text = large();
        assert!(text.contains(from), "{from}");
        rules(&text.replacen(from, to, 1))
    };
    assert_eq!(slip("target: asked_7 }", "target: askd_7 }"), [Rule::UnknownState]);
    assert_eq!(slip("yes: ordering_9", "yes: trying_9"), [Rule::Unreachable]);
    assert_eq!(slip("no: beginning_11", "no: ordering_11"), [Rule::Unconfirmed]);
    assert_eq!(slip("passed: reading_12", "passed: trying_12"), [Rule::Violated]);
    assert_eq!(slip("holds: eggs_13", "holds: eggs_14"), [Rule::Violated]);
}
