//! The state of a run on disk: killed at any moment, the run goes on from it as if nothing had
//! happened.

use std::collections::HashMap;
use std::path::Path;

use safetensors::SafeTensors;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tch::Tensor;

use crate::embed::write_durably;
use crate::error::{Error, Result};
use crate::model::weights;

/// Key of the plain data in the file's metadata.
const STATE: &str = "state";

/// Named tensors, and a state of plain data.
#[derive(Debug)]
pub struct Checkpoint<S> {
    /// The plain data.
    pub state: S,
    /// The tensors.
    pub tensors: HashMap<String, Tensor>,
}

impl<S: Serialize> Checkpoint<S> {
    /// Writes one safetensors file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Checkpoint`] where something cannot be written down.
    pub fn write(self, path: &Path) -> Result<()> {
        let unwritable = |reason: String| Error::Checkpoint { path: path.into(), reason };
        let state = serde_json::to_string(&self.state).map_err(|error| unwritable(error.to_string()))?;
        let metadata = HashMap::from([(STATE.to_owned(), state)]);
        let bytes = weights::serialise(self.tensors, Some(metadata)).map_err(|error| unwritable(error.to_string()))?;
        write_durably(path, &bytes)
    }
}

impl<S: DeserializeOwned> Checkpoint<S> {
    /// Reads a checkpoint; `None` where there is none.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Checkpoint`] where it is damaged.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { path: path.into(), source }),
        };
        let damaged = |reason: String| Error::Checkpoint { path: path.into(), reason };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(error.to_string()))?;
        let state = header.metadata().as_ref().and_then(|metadata| metadata.get(STATE));
        let state = state.ok_or_else(|| damaged("it holds no state".into()))?;
        let state = serde_json::from_str(state).map_err(|error| damaged(error.to_string()))?;
        let tensors = weights::deserialise(&bytes).map_err(|error| damaged(error.to_string()))?;
        Ok(Some(Self { state, tensors }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_and_state_come_back_and_damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.safetensors");
        assert!(Checkpoint::<Vec<usize>>::read(&path).unwrap().is_none());
        let tensor = Tensor::from_slice(&[1.0_f32, 2.0, 3.0, 4.0]).view([2, 2]);
        let tensors = HashMap::from([("x".to_owned(), tensor.copy())]);
        Checkpoint { state: vec![7_usize, 8], tensors }.write(&path).unwrap();
        let read = Checkpoint::<Vec<usize>>::read(&path).unwrap().unwrap();
        assert_eq!(read.state, [7, 8]);
        assert_eq!(read.tensors["x"], tensor);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(matches!(Checkpoint::<Vec<usize>>::read(&path), Err(Error::Checkpoint { .. })));
    }
}
