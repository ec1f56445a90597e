//! An int8 network → the same one in float, for processors that multiply floats faster than bytes.
//!
//! Weights stay what they were rounded to. What goes from one layer to the next is cut off where int8 ends, but not rounded.

use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};
use tract_onnx::prelude::*;

use super::constants::{Constants, float_constant, scaled};

/// Rewrites a graph whose int8 layers are all convolutions (QLinearConv) with zero points of 0; another one stays as it is.
pub(super) fn in_float(graph: &mut GraphProto) -> TractResult<()> {
    let constants = Constants::of(graph)?;
    let mut nodes = Vec::new();
    let mut added = Vec::new();
    for node in &graph.node {
        let Some(first) = node.input.first() else {
            return Ok(());
        };
        match node.op_type.as_str() {
            "QLinearConv" => {
                let Some(convolution) = Convolution::of(node, &constants) else {
                    return Ok(());
                };
                convolution.write(node, first, &mut nodes, &mut added)?;
            }
            "QuantizeLinear" | "DequantizeLinear" => {
                if constants.contains(first) || !constants.are_zero(node.input.get(2)) {
                    return Ok(());
                }
                nodes.push(NodeProto {
                    op_type: "Identity".into(),
                    input: vec![first.clone()],
                    ..node.clone()
                });
            }
            other if other.contains("QLinear") || other.contains("Integer") => return Ok(()),
            _ => nodes.push(node.clone()),
        }
    }
    graph.node = nodes;
    graph.initializer.extend(added);
    Ok(())
}

/// A convolution as a QLinearConv says it.
struct Convolution {
    weights: Vec<f32>,
    /// Outputs, inputs, rows, columns.
    shape: Vec<i64>,
    bias: Vec<f32>,
    /// What the largest byte stands for.
    highest: f32,
}

impl Convolution {
    /// None if it is more than this file is for.
    fn of(node: &NodeProto, constants: &Constants) -> Option<Self> {
        let input = |at: usize| node.input.get(at);
        let known = constants.kind(input(7)?)? == u8::datum_type()
            && [2, 5, 7]
                .into_iter()
                .all(|at| constants.are_zero(input(at)));
        if !known {
            return None;
        }
        let (bytes, shape) = constants.floats(input(3))?;
        let outputs = usize::try_from(*shape.first()?).ok()?;
        let input_scale = constants.number(input(1))?;
        // One for all outputs, or one for each.
        let (scales, _) = constants.floats(input(4))?;
        let scale = |output: usize| scales.get(output).or(scales.first()).copied();
        let scales: Vec<f32> = (0..outputs).map(scale).collect::<Option<_>>()?;
        let bias = match input(8) {
            Some(_) => constants.floats(input(8))?.0,
            None => vec![0.0; outputs],
        };
        Some(Self {
            weights: scaled(&bytes, &scales)?,
            shape,
            bias: bias
                .iter()
                .zip(&scales)
                .map(|(bias, scale)| bias * input_scale * scale)
                .collect(),
            highest: f32::from(u8::MAX) * constants.number(input(6))?,
        })
    }

    fn write(
        self,
        node: &NodeProto,
        first: &str,
        nodes: &mut Vec<NodeProto>,
        constants: &mut Vec<TensorProto>,
    ) -> TractResult<()> {
        let output = node
            .output
            .first()
            .ok_or_else(|| TractError::msg("a layer without an output"))?;
        let named = |what: &str| format!("{output}/{what}");
        let mut constant = |what: &str, shape: Vec<i64>, values: Vec<f32>| {
            constants.push(float_constant(named(what), shape, values));
            named(what)
        };
        let outputs = self.bias.len() as i64;
        let weights = constant("weights", self.shape, self.weights);
        let bias = constant("bias", vec![outputs], self.bias);
        let lowest = constant("lowest", vec![], vec![0.0]);
        let highest = constant("highest", vec![], vec![self.highest]);
        nodes.push(NodeProto {
            op_type: "Conv".into(),
            input: vec![first.into(), weights, bias],
            output: vec![named("sum")],
            ..node.clone()
        });
        nodes.push(NodeProto {
            name: named("cut"),
            op_type: "Clip".into(),
            input: vec![named("sum"), lowest, highest],
            output: vec![output.clone()],
            ..NodeProto::default()
        });
        Ok(())
    }
}
