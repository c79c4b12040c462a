//! Sequences that once did not hold.
