//! The ServiceNav ↔ iTop bridge.

pub mod clock;
pub mod sandbox;
