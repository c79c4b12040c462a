//! The command `servicenav-itop-bridge`.

fn main() {}
