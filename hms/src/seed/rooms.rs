//! The demonstration hotel's rooms, seasons and prices.

/// A kind of room.
pub(super) struct TypeSeed {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) max_guests: i32,
    pub(super) beds: &'static str,
    pub(super) size_m2: i32,
}

/// A part of every year, with its prices as a share of the low season's.
pub(super) struct SeasonSeed {
    pub(super) name: &'static str,
    pub(super) from: (i32, i32),
    pub(super) to: (i32, i32),
    pub(super) priority: i32,
    pub(super) percent: i64,
    pub(super) weekend_euros: i64,
}

/// A rule on arrivals in a part of every year.
pub(super) struct RestrictionSeed {
    pub(super) room_type: Option<&'static str>,
    pub(super) from: (i32, i32),
    pub(super) to: (i32, i32),
    pub(super) min_nights: i32,
    pub(super) closed_to_arrival: bool,
}

pub(super) const TYPES: &[TypeSeed] = &[
    TypeSeed {
        code: "single",
        name: "Single",
        description: "A quiet room for one, with a writing desk.",
        max_guests: 1,
        beds: "one single bed",
        size_m2: 14,
    },
    TypeSeed {
        code: "double",
        name: "Double",
        description: "A room for two with one large bed and an armchair by the window.",
        max_guests: 2,
        beds: "one double bed",
        size_m2: 20,
    },
    TypeSeed {
        code: "twin",
        name: "Twin",
        description: "A room for two with two separate beds.",
        max_guests: 2,
        beds: "two single beds",
        size_m2: 21,
    },
    TypeSeed {
        code: "family",
        name: "Family",
        description: "Two connected rooms for up to five, with bunk beds for children.",
        max_guests: 5,
        beds: "one double bed, one single bed and one bunk bed",
        size_m2: 36,
    },
    TypeSeed {
        code: "suite",
        name: "Suite",
        description: "A bedroom and a living room on the top floor, with a balcony.",
        max_guests: 4,
        beds: "one king-size bed and one sofa bed",
        size_m2: 48,
    },
];

/// Number, type, view, whether it is accessible. The floor is the number's first digit.
pub(super) const ROOMS: &[(i32, &str, &str, bool)] = &[
    (101, "single", "city", false),
    (102, "single", "garden", false),
    (103, "double", "garden", true),
    (104, "double", "city", false),
    (105, "twin", "garden", true),
    (106, "twin", "city", false),
    (201, "single", "city", false),
    (202, "single", "sea", false),
    (203, "double", "sea", true),
    (204, "double", "sea", false),
    (205, "twin", "garden", false),
    (206, "family", "garden", false),
    (301, "single", "city", false),
    (302, "double", "garden", false),
    (303, "double", "sea", false),
    (304, "double", "sea", false),
    (305, "twin", "sea", false),
    (306, "family", "sea", false),
    (401, "double", "city", false),
    (402, "twin", "city", false),
    (403, "family", "garden", false),
    (404, "family", "sea", false),
    (405, "suite", "sea", false),
    (406, "suite", "garden", false),
];

/// The price of a night in the low season, in euros, by type and view.
pub(super) const RATES: &[(&str, &str, i64)] = &[
    ("single", "city", 70),
    ("single", "garden", 76),
    ("single", "sea", 90),
    ("double", "city", 100),
    ("double", "garden", 110),
    ("double", "sea", 140),
    ("twin", "city", 96),
    ("twin", "garden", 106),
    ("twin", "sea", 136),
    ("family", "garden", 160),
    ("family", "sea", 190),
    ("suite", "garden", 220),
    ("suite", "sea", 280),
];

const fn season(
    name: &'static str,
    from: (i32, i32),
    to: (i32, i32),
    priority: i32,
    percent: i64,
    weekend_euros: i64,
) -> SeasonSeed {
    SeasonSeed { name, from, to, priority, percent, weekend_euros }
}

pub(super) const SEASONS: &[SeasonSeed] = &[
    season("low season", (1, 1), (12, 31), 0, 100, 0),
    season("spring", (4, 1), (6, 14), 10, 120, 10),
    season("summer", (6, 15), (9, 15), 10, 150, 20),
    season("autumn", (9, 16), (10, 31), 10, 120, 10),
    season("turn of the year", (12, 27), (1, 2), 20, 150, 20),
];

pub(super) const RESTRICTIONS: &[RestrictionSeed] = &[
    RestrictionSeed { room_type: None, from: (12, 25), to: (12, 25), min_nights: 1, closed_to_arrival: true },
    RestrictionSeed {
        room_type: None,
        from: (12, 30),
        to: (12, 31),
        min_nights: 2,
        closed_to_arrival: false,
    },
    RestrictionSeed {
        room_type: Some("suite"),
        from: (7, 1),
        to: (8, 31),
        min_nights: 2,
        closed_to_arrival: false,
    },
];
