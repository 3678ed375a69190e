//! `innkeeper understand`: what sentences mean, for programs.

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, BufWriter};

use super::{CommandFault, Ending, other};
use crate::app;
use crate::config::Config;
use crate::understand;

/// Answers JSON lines in the order they come.
pub(super) async fn run(config: Config) -> Result<Ending, CommandFault> {
    let understander = app::understander(&config, &app::House::new())?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut output = BufWriter::new(tokio::io::stdout());
    while let Some(line) = lines.next_line().await? {
        if line.trim().is_empty() {
            continue;
        }
        let answer = understand::line(&understander, &line).await.map_err(other)?;
        output.write_all(answer.as_bytes()).await?;
        output.write_all(b"\n").await?;
        output.flush().await?;
    }
    Ok(Ending::Fine)
}
