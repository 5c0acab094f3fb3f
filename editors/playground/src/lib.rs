//! The front end of dcmc for a web page: one request as JSON in, one reply as JSON out.
//!
//! [`Playground::reply`] is all there is. In WebAssembly a page writes the request where [`page::input`] says, calls
//! [`page::answer`], and reads the reply where [`page::output`] says.

#![warn(missing_docs)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod examples;
mod missing;
mod playground;
mod problems;
mod rows;
mod units;

pub use examples::{EXAMPLES, Example};
pub use playground::Playground;

/// What a page calls. A page has one thread.
pub mod page {
    use crate::Playground;
    use std::cell::RefCell;

    thread_local! {
        static PLAYGROUND: RefCell<Playground> = RefCell::default();
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(vec![]) };
    }

    /// Where to write a request of `length` bytes of UTF-8.
    #[unsafe(no_mangle)]
    pub extern "C" fn input(length: usize) -> *mut u8 {
        BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            buffer.resize(length, 0);
            buffer.as_mut_ptr()
        })
    }

    /// Answers the request; the number of bytes of the reply.
    #[unsafe(no_mangle)]
    pub extern "C" fn answer() -> usize {
        let request = BUFFER.take();
        let reply = PLAYGROUND.with_borrow_mut(|p| p.reply(&String::from_utf8_lossy(&request)));
        let length = reply.len();
        BUFFER.set(reply.into_bytes());
        length
    }

    /// Where the reply stands, until the next request.
    #[unsafe(no_mangle)]
    pub extern "C" fn output() -> *const u8 {
        BUFFER.with_borrow(|buffer| buffer.as_ptr())
    }
}
