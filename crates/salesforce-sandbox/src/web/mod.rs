//! HTTP: requests as they come in, and who answers them.

mod batch;
mod call;
mod collections;
mod composite;
mod graph;
mod inspect;
mod resources;
mod serve;
mod sobjects;

pub(crate) use self::{
    call::{Answer, Call, form},
    resources::Usage,
    serve::serve,
};
