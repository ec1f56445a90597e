//! Networks on tract, in pure Rust.

use std::io::Cursor;
use std::sync::Arc;

use tract_onnx::prelude::*;

use super::constants::unpack_weights;
use super::float::in_float;
use super::unfold::unfold_by_rows;
use super::{Model, Network, NetworkError};

/// A network that tract has optimised.
pub struct Tract {
    name: &'static str,
    plan: Arc<TypedRunnableModel>,
    input: TVec<usize>,
}

impl Tract {
    /// Reads, checks and optimises a model, for the input that it is stored with.
    pub fn new(model: &Model) -> Result<Self, NetworkError> {
        Self::build(model, None)
    }

    /// The same for an input of another shape.
    pub fn with_input(model: &Model, shape: &[usize]) -> Result<Self, NetworkError> {
        Self::build(model, Some(shape))
    }

    fn build(model: &Model, shape: Option<&[usize]>) -> Result<Self, NetworkError> {
        let fail = |reason: TractError| NetworkError {
            network: model.name,
            reason: format!("{reason:#}"),
        };
        Self::optimised(model, shape, Arithmetic::fastest())
            .and_then(|optimised| Self::of(model.name, optimised))
            .map_err(fail)
    }

    fn optimised(
        model: &Model,
        shape: Option<&[usize]>,
        arithmetic: Arithmetic,
    ) -> TractResult<TypedModel> {
        choose_kernels();
        let onnx = onnx().with_ignore_output_shapes(shape.is_some());
        let mut proto = onnx.proto_model_for_read(&mut Cursor::new(&*model.bytes))?;
        if let Some(graph) = &mut proto.graph {
            unpack_weights(graph)?;
            if arithmetic == Arithmetic::Float {
                in_float(graph)?;
            }
        }
        let mut inferred = onnx.model_for_proto_model(&proto)?;
        if let Some(shape) = shape {
            inferred.set_input_fact(0, f32::fact(shape).into())?;
        }
        let mut optimised = inferred.into_optimized()?;
        unfold_by_rows(&mut optimised);
        Ok(optimised)
    }

    fn of(name: &'static str, optimised: TypedModel) -> TractResult<Self> {
        let shape = optimised.input_fact(0)?.shape.as_concrete();
        let input = shape
            .map(TVec::from_slice)
            .ok_or_else(|| TractError::msg("its input has no fixed shape"))?;
        Ok(Self {
            name,
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

/// tract's knob that edits what it finds out about the processor; an environment variable, too.
#[cfg(any(test, target_arch = "x86_64"))]
const PROCESSOR: &str = "TRACT_CPU_ISA";

/// Keeps tract 0.23.9 off its int8 kernel for AMX, before it looks at the processor: that kernel reads up to a thousand bytes past
/// the end of what it multiplies (`avx512amx_mmm_i32_16x16` steps by 64 rows, and rows are packed by 4), which is the end of the
/// program when nothing is mapped there. Processors with AMX have VNNI.
#[cfg(target_arch = "x86_64")]
fn choose_kernels() {
    use tract_onnx::tract_core::knobs;

    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let asked = std::env::var(PROCESSOR).unwrap_or_default();
        knobs::set_str(PROCESSOR, &format!("{asked},-amx-int8"));
    });
}

#[cfg(not(target_arch = "x86_64"))]
fn choose_kernels() {}

/// What convolutions are computed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arithmetic {
    Int8,
    Float,
}

impl Arithmetic {
    /// Of this processor. Int8 is what the models are made for; but on x86 with AVX2 and without VNNI tract computes it three times
    /// more slowly than floats with its kernel for AVX, and on an AMD EPYC 40 times with the one for AVX2, which it prefers.
    fn fastest() -> Self {
        if has_avx2_alone() {
            Self::Float
        } else {
            Self::Int8
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2_alone() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
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

    use tract_onnx::tract_core::knobs;

    use super::*;

    #[test]
    fn tract_has_the_knob_that_keeps_it_off_a_kernel() {
        assert!(knobs::all().iter().any(|knob| knob.name == PROCESSOR));
    }

    /// What unfolds the picture for a convolution shows what it is computed in; and that it is not tract's own.
    #[test]
    fn every_convolution_runs_in_int8() {
        for (model, convolutions) in [
            (Model::locator(), 9),
            (Model::recognizer(), 10),
            (Model::examiner(), 10),
        ] {
            let optimised = Tract::optimised(&model, None, Arithmetic::Int8).unwrap();
            let mut in_int8 = 0;
            for node in &optimised.nodes {
                let op = node.op.name();
                assert!(
                    !["Conv", "DepthWise", "Im2col"]
                        .iter()
                        .any(|name| op.contains(name)),
                    "{op} {}",
                    node.name
                );
                if op == "Unfold" {
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

    /// What is computed of its weights would be computed for each line, else.
    #[test]
    fn the_arbiter_has_no_bytes_left() {
        let optimised = Tract::optimised(&Model::arbiter(), None, Arithmetic::Int8).unwrap();
        for node in &optimised.nodes {
            let kind = node.outputs[0].fact.datum_type;
            assert!(kind.size_of() > 1, "{} {kind:?}", node.op.name());
        }
    }

    /// The two differ by what int8 rounds between layers.
    #[test]
    fn float_says_what_int8_says() {
        for (model, pixels) in [
            (Model::locator(), 288 * 512),
            (Model::recognizer(), 32 * 256),
            (Model::examiner(), 32 * 256),
        ] {
            let said = |arithmetic| {
                let optimised = Tract::optimised(&model, None, arithmetic).unwrap();
                let network = Tract::of(model.name, optimised).unwrap();
                let waves = (0..pixels).map(|at| 0.5 + 0.5 * (at as f32 * 0.37).sin());
                network.run(waves.collect()).unwrap().concat()
            };
            let (int8, float) = (said(Arithmetic::Int8), said(Arithmetic::Float));
            let off = int8.iter().zip(&float).map(|(a, b)| (a - b).abs());
            let mean = off.sum::<f32>() / int8.len() as f32;
            let size = int8.iter().map(|a| a.abs()).sum::<f32>() / int8.len() as f32;
            assert!(mean < 0.05 * size, "{}: {mean} of {size}", model.name);
            assert_ne!(int8, float, "{}", model.name);
        }
    }
}
