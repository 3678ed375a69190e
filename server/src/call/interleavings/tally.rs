//! What came about in calls: nothing that is judged may never happen.

/// What came about in calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) calls: u64,
    pub(super) events: u64,
    pub(super) clears: u64,
    pub(super) whole: u64,
    pub(super) part: u64,
    pub(super) resumed: u64,
    pub(super) booked: u64,
    pub(super) unheard_yes: u64,
    pub(super) ended_by_silence: u64,
    pub(super) said_again: u64,
    pub(super) ears_lost: u64,
    pub(super) voices_lost: u64,
    pub(super) bridged: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.events += other.events;
        self.clears += other.clears;
        self.whole += other.whole;
        self.part += other.part;
        self.resumed += other.resumed;
        self.booked += other.booked;
        self.unheard_yes += other.unheard_yes;
        self.ended_by_silence += other.ended_by_silence;
        self.said_again += other.said_again;
        self.ears_lost += other.ears_lost;
        self.voices_lost += other.voices_lost;
        self.bridged += other.bridged;
    }

    /// Whether nothing that is judged never happened.
    pub(super) fn is_everything(&self) -> bool {
        let all = [
            self.clears,
            self.whole,
            self.part,
            self.resumed,
            self.booked,
            self.unheard_yes,
            self.ended_by_silence,
            self.said_again,
            self.ears_lost,
            self.voices_lost,
            self.bridged,
        ];
        all.iter().all(|count| *count > 0)
    }
}
