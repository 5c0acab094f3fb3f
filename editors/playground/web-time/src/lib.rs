//! In the place of the crate `web-time`: the system's clock where there is one; in a web page one that stands still, so
//! that time limits never pass.

pub use std::time::Duration;
#[cfg(not(target_arch = "wasm32"))]
pub use std::time::Instant;

#[cfg(target_arch = "wasm32")]
pub use still::Instant;

#[cfg(target_arch = "wasm32")]
mod still {
    use super::Duration;

    /// Always now.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Instant(Duration);

    impl Instant {
        /// The one time there is.
        #[must_use]
        pub fn now() -> Self {
            Self(Duration::ZERO)
        }

        /// No time passes.
        #[must_use]
        pub fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        /// A later time; `None` if it is too late to be told.
        #[must_use]
        pub fn checked_add(&self, later: Duration) -> Option<Self> {
            self.0.checked_add(later).map(Self)
        }
    }
}
