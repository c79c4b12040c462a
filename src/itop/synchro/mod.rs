//! The doors of iTop beside REST: data synchronization, and CSV at once.
//!
//! Each answers with HTTP 200 whatever has happened, in words for people. So nothing is a success here but
//! what says all that a success says. The rules, each with its test in `tests`:
//!
//! | what fails silently | what is asked of an answer |
//! |---|---|
//! | `ERROR:` above a summary of zeros | `an_error_above_zeros_is_no_success` |
//! | `output=retcode` counts the load alone, and hides dropped dates | the details are asked for: `a_load_names_each_row_that_is_left_out`, `a_date_that_is_dropped_is_told` |
//! | fewer rows than were sent | `rows_that_did_not_arrive_are_no_success` |
//! | a load that ends in the middle | no summary, no success: `what_ends_a_load_is_told_in_words` |
//! | wrong password, or a body that PHP has dropped | `who_is_not_let_in_is_told_so`; which of the two is asked with a short request |
//! | the portal's accounts | `who_is_not_let_in_is_told_so` |
//! | memory used up | the status 500 and its words: `a_death_in_the_middle_is_told_from_no_answer` |
//! | 502 and 504, a page of something else | `a_death_in_the_middle_is_told_from_no_answer` |
//! | a byte order mark, HTML | `what_is_printed_before_it_does_no_harm`; files are sent without |
//! | whoever may load may not synchronize | `whoever_may_load_may_not_synchronize`, in any language of iTop |
//! | a summary in what a row says | the last one counts: `no_value_of_a_row_passes_for_a_summary` |
//! | rows of another length, a key twice | the table is not sent: in `table` |
//! | an export that is a login page, or an error | `only_csv_is_an_export` |
//! | an import without keys, without a charset, with the words of a language | `doors` always says them; `an_import_is_told_row_by_row` |

mod counters;
mod doors;
mod error;
mod export;
mod import;
mod load;
mod page;
mod run;
mod table;
#[cfg(test)]
mod tests;

pub use counters::Counters;
pub use doors::Doors;
pub use error::DoorError;
pub use import::{Import, ImportAnswer, ImportedRow, Outcome};
pub use load::{Loaded, RowIssue};
pub use table::{LEAVE, MAX_TABLE_BYTES, PRIMARY_KEY, Table};
