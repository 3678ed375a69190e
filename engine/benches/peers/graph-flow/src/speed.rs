//! How long it took: by the clock, and by CPU time, which other programs on the machine disturb less.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// Seconds since it was started.
pub struct Stopwatch {
    clock: Instant,
    cpu: f64,
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self { clock: Instant::now(), cpu: cpu_seconds() }
    }

    /// Seconds by the clock.
    pub fn clock(&self) -> f64 {
        self.clock.elapsed().as_secs_f64()
    }

    /// Seconds of CPU time of this process.
    pub fn cpu(&self) -> f64 {
        cpu_seconds() - self.cpu
    }
}

/// Turns a second, in each of several runs.
#[derive(Default)]
pub struct Speeds {
    by_clock: Vec<f64>,
    by_cpu: Vec<f64>,
}

impl Speeds {
    /// Adds a run of so many turns.
    pub fn push(&mut self, turns: usize, took: &Stopwatch) {
        self.by_clock.push(turns as f64 / took.clock());
        self.by_cpu.push(turns as f64 / took.cpu());
    }

    /// The best run by the clock.
    pub fn best(&self) -> f64 {
        self.by_clock.iter().copied().fold(0.0, f64::max)
    }

    /// The speed that counts, and a note on it: CPU time in memory, the clock where there are disks to wait for.
    pub fn summary(&mut self, store: &str, how: &str) -> (f64, String) {
        let (by_clock, by_cpu) = (median(&mut self.by_clock), median(&mut self.by_cpu));
        let (middle, runs, unit, other) = match store {
            "memory" => (by_cpu, &self.by_cpu, "by CPU time", format!("{by_clock:.0} by the clock")),
            _ => (by_clock, &self.by_clock, "by the clock", format!("{by_cpu:.0} by CPU time")),
        };
        let (least, most) = (runs[0], runs[runs.len() - 1]);
        (middle, format!("{how}; median of {}, {least:.0} to {most:.0} {unit}, {other}", runs.len()))
    }
}

/// The median; sorts what it is given.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
