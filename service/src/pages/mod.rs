//! Pages for the people of a partner, over HTTPS or on this machine alone, and how they sign in. docs/pages.md.
//!
//! They are made on the server and need no script. Of the partner they know what [`Desk`](crate::desk::Desk) lends.
//!
//! - `run`: listening; `tls`: the certificate; `setup`: what the configuration comes to;
//! - `routes`: from a request to its answer; `paths`: where it is to; `response`: what a browser gets of an answer;
//! - `signing_in`: signing in and out; `request`: cookies, forms and where a request comes from; `multipart`:
//!   forms with a file; `refusal`: a response that says what is wrong;
//! - `provider`: signing in by OpenID Connect; `attempt`: one attempt at that, bound to a browser; `token`: what is
//!   checked of a token; `session`: who is signed in; `person`: who that is, and what they may;
//! - `kept`: what is kept in memory of somebody between two requests;
//! - `dutch`: what the library says in English, by its codes;
//! - `shell`: what is around each page; `words`: its two languages;
//! - `screens`: the pages themselves, in one table with what each needs.
//!
//! To add a page, write a function from a view to markup beside the others in `screens`, and a row of that table.

mod attempt;
mod dutch;
mod kept;
mod multipart;
mod paths;
mod person;
mod provider;
mod refusal;
mod request;
mod response;
mod routes;
mod run;
mod screens;
mod secret;
mod session;
mod setup;
mod shell;
mod signing_in;
mod tls;
mod token;

pub use run::{ListeningPages, check};
pub use setup::PagesError;
