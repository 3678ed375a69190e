//! Every error code of both vendors that is written down anywhere, with what may be done about it.

use innkeeper::channel::Action::{
    self, Later, Never, Once, OnlyAsAnswer, Operator, OptedOut, Unheard, Unreachable, WindowClosed,
};
use innkeeper::channel::{meta, twilio};

const TWILIO: &[(Action, &[u32])] = &[
    (Operator, &[11200, 12100, 12200, 12300, 20003, 63002, 63007, 63008, 63019, 63031]),
    (Later, &[20429, 60728, 63017, 63018, 63038]),
    (
        Never,
        &[
            20404, 21211, 21212, 21606, 21617, 21619, 21655, 21656, 30007, 30008, 30036, 63005, 63013, 63021,
            63030,
        ],
    ),
    (OptedOut, &[21610, 63014]),
    (OnlyAsAnswer, &[21654]),
    (WindowClosed, &[63016]),
    (Unreachable, &[21608, 63003, 63015, 63024, 63032, 63033, 63049]),
    (Once, &[63023]),
    (Unheard, &[1, 30006, 63001, 63022, 99999]),
];

const META: &[(Action, &[u32])] = &[
    (
        Operator,
        &[
            0, 3, 10, 190, 200, 201, 250, 299, 368, 130_497, 131_005, 131_031, 131_037, 131_042, 131_044,
            131_045, 133_010,
        ],
    ),
    (
        Later,
        &[1, 2, 4, 80007, 130_429, 131_000, 131_016, 131_048, 131_056, 131_057, 131_064, 133_016, 135_000],
    ),
    (WindowClosed, &[131_047]),
    (OptedOut, &[131_050]),
    (Unreachable, &[130_472, 131_021, 131_026, 131_030, 131_049, 131_062]),
    (
        Never,
        &[
            100, 131_008, 131_009, 131_051, 131_052, 131_053, 132_000, 132_001, 132_005, 132_007, 132_008,
            132_012, 132_015, 132_016, 132_068, 132_069, 138_006,
        ],
    ),
    (Unheard, &[5, 300, 131_001, 132_002, 999_999]),
];

#[test]
fn every_error_code_has_its_action() {
    for (action, codes) in TWILIO {
        for code in *codes {
            let refusal = twilio::meaning(*code);
            assert_eq!((refusal.action, refusal.code), (*action, Some(*code)), "Twilio's {code}");
            assert!(!refusal.reason.is_empty());
        }
    }
    for (action, codes) in META {
        for code in *codes {
            let refusal = meta::meaning(*code);
            assert_eq!((refusal.action, refusal.code), (*action, Some(*code)), "Meta's {code}");
            assert!(!refusal.reason.is_empty());
        }
    }
    assert!(meta::meaning(131_056).after.is_some(), "a guest is left alone for a while");
}

#[test]
fn what_nobody_knows_alarms() {
    let alarming: Vec<Action> = Action::ALL.into_iter().filter(|action| action.alarms()).collect();
    assert_eq!(alarming, [Operator, Unheard]);
}
