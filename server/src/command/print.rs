//! Standard output of commands that end by themselves.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write as _};

/// Writes to standard output. Where nobody reads any more (`| head`) the process ends without a word, with 2 like any
/// other failure of its output.
pub(super) fn text(text: Arguments<'_>) {
    let Err(error) = std::io::stdout().lock().write_fmt(text) else { return };
    if error.kind() != ErrorKind::BrokenPipe {
        eprintln!("innkeeper: standard output failed: {error}");
    }
    std::process::exit(2);
}

/// Writes a line to standard output, as [`text`] does.
macro_rules! outln {
    ($($words:tt)*) => { $crate::command::print::text(format_args!("{}\n", format_args!($($words)*))) };
}

/// Writes to standard output, as [`text`] does.
macro_rules! out {
    ($($words:tt)*) => { $crate::command::print::text(format_args!($($words)*)) };
}

pub(super) use {out, outln};

/// A count with its noun: "1 conversation", "2 conversations".
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
