//! Networks on tract, in pure Rust.

use std::io::Cursor;
use std::sync::{Arc, Once};

use tract_onnx::prelude::*;
use tract_onnx::tract_core::knobs;

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

    fn optimised(model: &Model) -> TractResult<TypedModel> {
        choose_kernels();
        onnx()
            .model_for_read(&mut Cursor::new(&*model.bytes))?
            .into_optimized()
    }

    fn plan(model: &Model) -> TractResult<Self> {
        let optimised = Self::optimised(model)?;
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

/// tract's knob that edits what it finds out about the processor, and an environment variable.
const PROCESSOR: &str = "TRACT_CPU_ISA";

/// Keeps tract 0.23 off its int8 kernel for AVX2, before it looks at the processor. That kernel loads by `movq` instead of `vmovq`,
/// in the innermost loop: on an AMD EPYC without AVX-512 one such load takes 150 ns, and a frame ten times as long as
/// with the kernel for AVX. Where there is VNNI neither of them runs.
fn choose_kernels() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if has_avx2_alone()
            && std::env::var_os(PROCESSOR).is_none()
            && !knobs::set_str(PROCESSOR, "-avx2")
        {
            log::warn!(
                "this version of tract has no {PROCESSOR}; it may be slow on this processor"
            );
        }
    });
}

#[cfg(target_arch = "x86_64")]
fn has_avx2_alone() -> bool {
    is_x86_feature_detected!("avx2")
        && !is_x86_feature_detected!("avx512vnni")
        && !is_x86_feature_detected!("avxvnni")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2_alone() -> bool {
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// What gathers the pixels of a convolution shows what it is computed in.
    #[test]
    fn every_convolution_runs_in_int8() {
        for (model, convolutions) in [
            (Model::locator(), 9),
            (Model::recognizer(), 10),
            (Model::proofreader(), 12),
        ] {
            let optimised = Tract::optimised(&model).unwrap();
            let mut in_int8 = 0;
            for node in &optimised.nodes {
                let op = node.op.name();
                assert!(
                    !op.contains("Conv") && !op.contains("DepthWise"),
                    "{op} {}",
                    node.name
                );
                if op.contains("Im2col") {
                    let kind = node.outputs[0].fact.datum_type.unquantized();
                    assert!(
                        kind.is_integer() && kind.size_of() == 1,
                        "{} {kind:?}",
                        node.name
                    );
                    in_int8 += 1;
                }
            }
            assert_eq!(in_int8, convolutions, "{}", model.name);
        }
    }

    #[test]
    fn tract_has_the_knob_that_keeps_it_off_a_kernel() {
        assert!(knobs::all().iter().any(|knob| knob.name == PROCESSOR));
    }

    #[test]
    fn what_is_no_model_is_refused() {
        let nonsense = Model {
            name: "locator",
            bytes: b"nonsense".as_slice().into(),
        };
        let error = Tract::new(&nonsense).err().unwrap().to_string();
        assert!(error.starts_with("the locator network failed"), "{error}");
    }

    #[test]
    fn input_of_another_size_is_an_error() {
        let network = Tract::new(&Model::recognizer()).unwrap();
        assert!(network.run(vec![0.0; 7]).is_err());
    }
}
