//! The one place where libtorch's failures become errors.

use audio_frontend::guard::Panicked;

use crate::error::{Error, Result};

/// Runs torch operations. tch's operators panic where libtorch throws; here that becomes an error.
pub(crate) fn guard<T>(operation: &'static str, compute: impl FnOnce() -> Result<T>) -> Result<T> {
    let panicked = |Panicked(reason)| Error::Torch { operation, reason };
    audio_frontend::guard::guard(compute).map_err(panicked)?
}

impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
        Self::Torch { operation: "a tensor operation", reason }
    }
}

/// Makes libtorch (and whatever shares its OpenMP) use one thread in the calling thread: for
/// workers that are as many as the machine has cores.
pub fn use_one_thread() {
    use_threads(1);
}

/// Makes libtorch use this many threads in the calling thread.
pub fn use_threads(threads: usize) {
    tch::set_num_threads(threads.try_into().unwrap_or(i32::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_shape_is_an_error_and_not_a_panic() {
        let wrong = || {
            Ok(tch::Tensor::zeros([2, 3], tch::kind::FLOAT_CPU)
                .matmul(&tch::Tensor::zeros([2, 3], tch::kind::FLOAT_CPU)))
        };
        assert!(matches!(guard("matmul", wrong), Err(Error::Torch { operation: "matmul", .. })));
    }
}
