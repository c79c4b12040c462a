//! Everything that is tested through HTTP, in one binary.

mod contract;
