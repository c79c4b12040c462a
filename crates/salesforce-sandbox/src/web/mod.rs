//! HTTP: requests as they come in, and who answers them.

mod batch;
mod call;
mod collections;
mod composite;
mod graph;
mod inspect;
mod pages;
mod resources;
mod serve;
mod sobjects;

pub(crate) use self::{
    batch::pieces,
    call::{Answer, Call, form},
    resources::Usage,
    serve::serve,
    sobjects::not_allowed,
};
