//! Weights as safetensors.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// Why weights cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes are damaged.
    #[error("the weights are damaged: {0}")]
    Format(#[from] safetensors::SafeTensorError),
    /// A variable has another type or shape, or none.
    #[error("the weights {name} have shape {found:?}, expected {expected:?}")]
    Shape {
        /// The variable.
        name: String,
        /// Shape in the bytes; empty where it is missing.
        found: Vec<i64>,
        /// Shape in the network.
        expected: Vec<i64>,
    },
    /// libtorch could not copy a tensor.
    #[error("libtorch failed to copy weights: {0}")]
    Copy(#[from] tch::TchError),
}

/// Named tensors as safetensors bytes (f32, sorted by name: the same weights give the same bytes).
///
/// # Errors
/// [`WeightsError::Copy`].
pub fn serialise(
    named: impl IntoIterator<Item = (String, Tensor)>,
    metadata: Option<HashMap<String, String>>,
) -> Result<Vec<u8>, WeightsError> {
    let mut arrays = Vec::new();
    for (name, tensor) in named {
        let flat = tensor.detach().to_device(Device::Cpu).to_kind(Kind::Float).contiguous().f_view([-1])?;
        let values = Vec::<f32>::try_from(&flat)?;
        let shape: Vec<usize> = tensor.size().iter().map(|&size| size as usize).collect();
        arrays.push((name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>()));
    }
    arrays.sort_by(|a, b| a.0.cmp(&b.0));
    let views = arrays
        .iter()
        .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?)));
    let views: Result<Vec<_>, safetensors::SafeTensorError> = views.collect();
    Ok(safetensors::serialize(views?, metadata)?)
}

/// What [`serialise`] wrote.
///
/// # Errors
/// [`WeightsError::Format`]; [`WeightsError::Shape`] for anything but f32.
pub fn deserialise(bytes: &[u8]) -> Result<HashMap<String, Tensor>, WeightsError> {
    let mut named = HashMap::new();
    for (name, view) in SafeTensors::deserialize(bytes)?.tensors() {
        let shape: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
        if view.dtype() != Dtype::F32 {
            return Err(WeightsError::Shape { name, found: Vec::new(), expected: shape });
        }
        let value = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let values: Vec<f32> = view.data().chunks_exact(4).map(value).collect();
        named.insert(name, Tensor::f_from_slice(&values)?.f_view(shape.as_slice())?);
    }
    Ok(named)
}

/// Those of the named tensors whose names begin with `prefix`, without it.
///
/// # Errors
/// [`WeightsError::Copy`].
pub fn named_to_bytes(
    named: impl IntoIterator<Item = (String, Tensor)>,
    prefix: &str,
) -> Result<Vec<u8>, WeightsError> {
    let below = |(name, tensor): (String, Tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor));
    serialise(named.into_iter().filter_map(below), None)
}

/// Sets the variables below `prefix`.
///
/// # Errors
/// [`WeightsError`].
pub fn from_bytes(variables: &VarStore, prefix: &str, bytes: &[u8]) -> Result<(), WeightsError> {
    set(variables, prefix, &deserialise(bytes)?)
}

/// Sets the variables below `prefix` from named tensors without it; others are passed over.
///
/// # Errors
/// [`WeightsError::Shape`], [`WeightsError::Copy`].
pub fn set(variables: &VarStore, prefix: &str, named: &HashMap<String, Tensor>) -> Result<(), WeightsError> {
    let _no_gradients = tch::no_grad_guard();
    for (full_name, mut variable) in variables.variables() {
        let Some(name) = full_name.strip_prefix(prefix) else { continue };
        match named.get(name) {
            Some(tensor) if tensor.size() == variable.size() => variable.f_copy_(tensor)?,
            other => {
                let found = other.map(Tensor::size).unwrap_or_default();
                return Err(WeightsError::Shape { name: name.into(), found, expected: variable.size() });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tch::nn;

    use super::*;

    #[test]
    fn weights_survive_a_round_trip_and_another_shape_is_refused() {
        let make = |size| {
            let variables = VarStore::new(Device::Cpu);
            let layer = nn::linear(variables.root() / "encoder" / "head", 3, size, Default::default());
            (variables, layer)
        };
        let ((from, layer), (to, copy), (other, _)) = (make(2), make(2), make(4));
        let to_bytes = || named_to_bytes(from.variables(), "encoder.").unwrap();
        let bytes = to_bytes();
        assert_eq!(bytes, to_bytes());
        from_bytes(&to, "encoder.", &bytes).unwrap();
        assert_eq!(layer.ws, copy.ws);
        assert!(matches!(from_bytes(&other, "encoder.", &bytes), Err(WeightsError::Shape { .. })));
        assert!(from_bytes(&to, "encoder.", &bytes[..20]).is_err());
    }
}
