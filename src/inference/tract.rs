//! Networks on tract, in pure Rust.

use std::io::Cursor;
use std::sync::Arc;

use tract_onnx::prelude::*;

use super::{Model, Network, NetworkError};

/// A network that tract has optimised.
pub struct Tract {
    name: &'static str,
    plan: Arc<TypedRunnableModel>,
    input: TVec<usize>,
}

impl Tract {
    /// Reads, checks and optimises a model.
    pub fn new(model: &Model) -> Result<Self, NetworkError> {
        let fail = |reason: TractError| NetworkError {
            network: model.name,
            reason: format!("{reason:#}"),
        };
        Self::plan(model).map_err(fail)
    }

    fn plan(model: &Model) -> TractResult<Self> {
        let optimised = onnx()
            .model_for_read(&mut Cursor::new(&*model.bytes))?
            .into_optimized()?;
        let shape = optimised.input_fact(0)?.shape.as_concrete();
        let input = shape
            .map(TVec::from_slice)
            .ok_or_else(|| TractError::msg("its input has no fixed shape"))?;
        Ok(Self {
            name: model.name,
            plan: optimised.into_runnable()?,
            input,
        })
    }

    fn evaluate(&self, input: Vec<f32>) -> TractResult<Vec<Vec<f32>>> {
        let tensor = Tensor::from_shape(&self.input, &input)?;
        self.plan
            .run(tvec!(tensor.into()))?
            .iter()
            .map(|output| Ok(output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec()))
            .collect()
    }
}

impl Network for Tract {
    fn run(&self, input: Vec<f32>) -> Result<Vec<Vec<f32>>, NetworkError> {
        self.evaluate(input).map_err(|reason| NetworkError {
            network: self.name,
            reason: format!("{reason:#}"),
        })
    }
}
