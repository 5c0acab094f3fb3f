//! `dcmc lsp`: the language server.

use super::{OK, USAGE_ERROR};
use clap::Args;
use lsp_server::Connection;

#[derive(Args)]
pub(super) struct Arguments {
    /// Taken from editors that say it; there is no other way.
    #[arg(long, hide = true)]
    stdio: bool,
}

pub(super) fn run(Arguments { stdio: _ }: &Arguments) -> u8 {
    // The threads that read and write end with the program; one of them may still wait for the editor.
    let (connection, _threads) = Connection::stdio();
    match crate::lsp::serve(connection) {
        Ok(()) => OK,
        Err(why) => {
            eprintln!("error: {why}");
            USAGE_ERROR
        }
    }
}
