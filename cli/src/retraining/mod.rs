//! One night's retraining: what it learns from, what it makes of that, whether that serves.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | [`RetrainConfig`](config::RetrainConfig): recipe, bounds, what is kept |
//! | [`night`] | its steps, one after the other |
//! | [`summary`] | what it came to |
//! | [`journal`] | what is told on the way, and noted in the catalogue |
//! | [`lesson`] | tracks, labels, judges and preferences of a night |
//! | [`preferences`] | what listeners said and did, as preferences |
//! | [`candidate`] | the model that a night's training comes to |
//! | [`judgement`] | the candidate beside the model that serves |
//! | [`adoption`] | how a model comes to serve |
//! | [`delegate`] | another program that embeds |
//! | [`neighbours`] | which tracks got other neighbours |
//! | [`collection`] | what is kept of models, and how long |
//! | [`metrics`] | figures for Prometheus |

pub mod adoption;
pub mod candidate;
pub mod collection;
pub mod config;
pub mod delegate;
pub mod journal;
pub mod judgement;
pub mod lesson;
pub mod metrics;
pub mod neighbours;
pub mod night;
pub mod preferences;
pub mod summary;
