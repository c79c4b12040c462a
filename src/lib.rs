//! The ServiceNav ↔ iTop bridge.

pub mod clock;
