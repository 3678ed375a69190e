//! What was measured, as rows of a table.

use std::time::{Duration, Instant};

use crate::World;
use crate::book::Turn;

/// What one measurement came to.
pub(crate) struct Row {
    replies: &'static str,
    calls: usize,
    turns: usize,
    share: Vec<Duration>,
    clear: Vec<Duration>,
    whole: Vec<Duration>,
    /// In percent of a core for a call.
    cpu: f64,
    /// KiB for a call: at first, at the end.
    memory: (f64, f64),
    none: usize,
    broken: usize,
}

fn sorted(turns: &[Turn], took: impl Fn(&Turn) -> Option<Duration>) -> Vec<Duration> {
    let mut all: Vec<Duration> = turns.iter().filter_map(took).collect();
    all.sort();
    all
}

fn between(from: Option<Instant>, to: Option<Instant>) -> Option<Duration> {
    Some(to?.saturating_duration_since(from?))
}

impl Row {
    pub(crate) fn new(
        world: &World,
        calls: usize,
        (cpu, took): (Duration, Duration),
        (alone, memory): (u64, &[u64]),
        broken: usize,
    ) -> Self {
        let from = world.from.get().copied().unwrap_or_else(Instant::now);
        let turns = world.book.turns(from);
        let over = Instant::now() - Duration::from_secs(8);
        let meant: Vec<Turn> = turns
            .iter()
            .filter(|turn| turn.answered.is_none() || turn.is_made != world.replies.known)
            .cloned()
            .collect();
        let is_late = |turn: &&Turn| {
            let unanswered = turn.answered.is_none() || turn.interrupts && turn.cleared.is_none();
            unanswered && turn.ended.is_some_and(|ended| ended < over)
        };
        let of = |kib: Option<&u64>| (*kib.unwrap_or(&alone) as f64 - alone as f64) / calls as f64;
        Self {
            replies: world.replies.name(),
            calls,
            turns: meant.len(),
            share: sorted(&meant, |turn| between(turn.ended, turn.answered)),
            clear: sorted(&turns, |turn| between(turn.started, turn.cleared).filter(|_| turn.interrupts)),
            whole: sorted(&meant, |turn| between(turn.spoken, turn.answered)),
            cpu: 100.0 * cpu.as_secs_f64() / took.as_secs_f64() / calls as f64,
            memory: (of(memory.first()), of(memory.last())),
            none: turns.iter().filter(is_late).count(),
            broken,
        }
    }

    pub(crate) fn print(&self) {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let (first, last) = self.memory;
        println!(
            "{:<11} {:>5} {:>6}   {}   {}   {}   {:>6.3} {:>6.1} {:>+6.1} {:>5} {:>6} {:>5}",
            self.replies,
            self.calls,
            self.turns,
            shown(&self.share),
            shown(&self.clear),
            shown(&self.whole),
            self.cpu,
            last,
            last - first,
            self.none,
            self.broken,
            load.split(' ').next().unwrap_or_default(),
        );
    }
}

/// The names of the columns.
pub(crate) fn head() {
    println!(
        "{:<11} {:>5} {:>6}   {:^23}   {:^23}   {:^23}   {:>6} {:>6} {:>6} {:>5} {:>6} {:>5}",
        "replies",
        "calls",
        "turns",
        "share ms",
        "clear ms",
        "voice to voice ms",
        "CPU %",
        "KiB",
        "grew",
        "none",
        "broken",
        "load"
    );
    let each = format!("{:>7} {:>7} {:>7}", "p50", "p95", "p99");
    println!("{:<11} {:>5} {:>6}   {each}   {each}   {each}", "", "", "");
}

fn shown(sorted: &[Duration]) -> String {
    let at = |percent: usize| {
        let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted
            .get(at)
            .map_or_else(|| format!("{:>7}", "-"), |took| format!("{:>7.2}", took.as_secs_f64() * 1000.0))
    };
    [50, 95, 99].map(at).join(" ")
}
