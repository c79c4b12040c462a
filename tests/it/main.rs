//! Everything that is tested through HTTP, in one binary.

#![expect(clippy::unwrap_used, reason = "clippy takes only test functions themselves for tests")]

mod access;
mod at_the_write;
mod behind_a_proxy;
mod browsers;
mod check;
mod check_obstacles;
mod check_relayed;
mod clock_jumps;
mod companies_never_mix;
mod contract;
mod database_files;
mod every_answer;
#[path = "../fault_proxy.rs"]
mod fault_proxy;
mod few_files;
mod front;
mod held_back;
mod hostile;
mod in_flight;
mod in_front;
mod inbox;
mod lines;
mod links;
mod lists;
mod lists_cached;
mod live;
mod main_job;
mod many_cis;
mod model;
mod open_and_health;
mod outages;
mod program;
mod proxy_sign_in;
mod receiving;
mod refusals;
mod rejected;
mod reload;
mod right_ticket;
mod secrets;
mod serve;
mod session;
mod share_of_itop;
mod stream;
mod stuck;
mod tenancy;
mod ticket_status;
mod tickets;
mod tls;
mod tolerance;
mod unclear_outcomes;
mod waiting;
mod which_ticket;
mod who_did_what;
mod world;
