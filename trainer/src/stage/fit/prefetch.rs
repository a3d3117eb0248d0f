//! Batches made ahead of the network, by a thread of their own.

use std::ops::Range;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

use crate::data::batch::Batch;
use crate::data::sampler::Sampler;
use crate::error::{Error, Result};
use crate::metric::miner::corpus::Draws;

/// Batches that wait at most.
const AHEAD: usize = 3;

/// The batches of a round, in order.
pub struct Prefetch {
    batches: Receiver<Result<Batch>>,
}

impl Prefetch {
    /// Makes the batches of the steps in `round` from `first` on. Those before are only planned, so that
    /// hard negatives are drawn as in a run that was not interrupted.
    pub fn start<'scope, 'env: 'scope>(
        scope: &'scope Scope<'scope, 'env>,
        sampler: &'scope Sampler<'scope>,
        mut draws: Draws<'scope>,
        hard_negatives: usize,
        round: Range<usize>,
        first: usize,
    ) -> Self {
        let (sender, batches) = sync_channel(AHEAD);
        scope.spawn(move || {
            for step in round {
                let plan = sampler.plan(step, hard_negatives, &mut draws);
                // The other side hangs up when it has enough.
                if step >= first && sender.send(sampler.batch(&plan, step)).is_err() {
                    return;
                }
            }
        });
        Self { batches }
    }

    /// The next batch.
    ///
    /// # Errors
    /// What making it reported.
    pub fn next(&self) -> Result<Batch> {
        let gone = |_| Error::Torch { operation: "making batches", reason: "the thread has ended".into() };
        self.batches.recv().map_err(gone)?
    }
}
