//! The program.

use std::process::ExitCode;

use clap::Parser as _;
use innkeeper::cli::Cli;
use tracing_subscriber::EnvFilter;

/// Conversations allocate much and briefly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Standard output belongs to conversations and to MCP.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,innkeeper=info")),
        )
        .init();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("innkeeper: the TLS provider was set before the program began");
        return ExitCode::from(2);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("innkeeper: no runtime: {error}");
            return ExitCode::from(2);
        }
    };
    runtime.block_on(innkeeper::command::run(cli, std::env::vars().collect()))
}
