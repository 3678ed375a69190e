//! How long guests are waited for, and how fast they are written to.

use std::time::Duration;

/// How long guests who write in pieces are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a fragment waits for the next one.
    pub fragment: Duration,
    /// How long the first fragment waits at most.
    pub cap: Duration,
}

/// The limits of one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// So many messages a second go out from our address, and so many at once.
    pub line_per_second: u32,
    /// How often one guest can be written to in the long run.
    pub pair_every: Duration,
    /// So many messages can go to one guest at once.
    pub pair_burst: u32,
}
