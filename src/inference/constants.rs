//! The constants of a graph, before tract sees it; and weights stored as bytes, which become the floats they stand for.

use std::collections::HashMap;

use tract_onnx::data_resolver::MmapDataResolver;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto, tensor_proto::DataType};
use tract_onnx::prelude::*;
use tract_onnx::tensor::load_tensor;

/// What is known of a graph before it runs, by name.
pub(super) struct Constants(HashMap<String, Tensor>);

impl Constants {
    pub(super) fn of(graph: &GraphProto) -> TractResult<Self> {
        let constants = graph.initializer.iter().map(|constant| {
            let tensor = load_tensor(&MmapDataResolver, constant, None)?;
            Ok((constant.name.clone(), tensor))
        });
        constants.collect::<TractResult<_>>().map(Self)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What its numbers are.
    pub(super) fn kind(&self, name: &str) -> Option<DatumType> {
        self.0.get(name).map(Tensor::datum_type)
    }

    /// As floats, and its shape.
    pub(super) fn floats(&self, name: Option<&String>) -> Option<(Vec<f32>, Vec<i64>)> {
        let tensor = self.0.get(name?)?;
        let shape = tensor.shape().iter().map(|&side| side as i64).collect();
        let floats = tensor.cast_to::<f32>().ok()?;
        let floats = floats.try_as_plain_ram().ok()?.as_slice::<f32>().ok()?;
        Some((floats.to_vec(), shape))
    }

    pub(super) fn number(&self, name: Option<&String>) -> Option<f32> {
        self.floats(name)?.0.first().copied()
    }

    /// Whether zero points are 0, as they are if they are left out.
    pub(super) fn are_zero(&self, name: Option<&String>) -> bool {
        let given = name.filter(|name| !name.is_empty());
        given.is_none_or(|name| {
            let points = self.floats(Some(name));
            points.is_some_and(|(points, _)| points.iter().all(|&point| point == 0.0))
        })
    }
}

/// What bytes of weights stand for, with a scale for each output or one for all; none without scales.
pub(super) fn scaled(bytes: &[f32], scales: &[f32]) -> Option<Vec<f32>> {
    let each = bytes.len().checked_div(scales.len())?.max(1);
    let rows = bytes.chunks(each).zip(scales);
    let values = rows.flat_map(|(row, scale)| row.iter().map(move |byte| byte * scale));
    Some(values.collect())
}

/// A constant.
pub(super) fn float_constant(name: String, dims: Vec<i64>, float_data: Vec<f32>) -> TensorProto {
    TensorProto {
        name,
        dims,
        data_type: DataType::Float.into(),
        float_data,
        ..TensorProto::default()
    }
}

/// Computes, once, what a graph makes of constants alone by DequantizeLinear, with a scale for each output or one for all.
pub(super) fn unpack_weights(graph: &mut GraphProto) -> TractResult<()> {
    let constants = Constants::of(graph)?;
    let mut unpacked = Vec::new();
    graph
        .node
        .retain(|node| match unpacked_weights(node, &constants) {
            Some(weights) => {
                unpacked.push(weights);
                false
            }
            None => true,
        });
    graph.initializer.extend(unpacked);
    Ok(())
}

fn unpacked_weights(node: &NodeProto, constants: &Constants) -> Option<TensorProto> {
    if node.op_type != "DequantizeLinear" || !constants.are_zero(node.input.get(2)) {
        return None;
    }
    let (bytes, shape) = constants.floats(node.input.first())?;
    let (scales, _) = constants.floats(node.input.get(1))?;
    let by_output = scales.len() > 1;
    let axis = node.attribute.iter().find(|given| given.name == "axis");
    if by_output
        && (axis.map(|axis| axis.i) != Some(0) || Some(&(scales.len() as i64)) != shape.first())
    {
        return None;
    }
    let output = node.output.first()?.clone();
    Some(float_constant(output, shape, scaled(&bytes, &scales)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tract_onnx::pb::AttributeProto;

    use super::*;

    fn dequantize(input: &str, axis: Option<i64>) -> NodeProto {
        let axis = axis.map(|i| AttributeProto {
            name: "axis".into(),
            i,
            ..AttributeProto::default()
        });
        NodeProto {
            op_type: "DequantizeLinear".into(),
            input: vec![input.into(), "scale".into()],
            output: vec!["weights".into()],
            attribute: axis.into_iter().collect(),
            ..NodeProto::default()
        }
    }

    fn graph(node: NodeProto, scales: &[f32]) -> GraphProto {
        let bytes = TensorProto {
            name: "bytes".into(),
            dims: vec![2, 3],
            data_type: DataType::Int8.into(),
            int32_data: vec![1, -2, 3, 4, 5, -127],
            ..TensorProto::default()
        };
        let scale = float_constant("scale".into(), vec![scales.len() as i64], scales.to_vec());
        GraphProto {
            node: vec![node],
            initializer: vec![bytes, scale],
            ..GraphProto::default()
        }
    }

    #[test]
    fn each_output_has_its_scale() {
        let mut graph = graph(dequantize("bytes", Some(0)), &[0.5, 2.0]);
        unpack_weights(&mut graph).unwrap();
        assert!(graph.node.is_empty());
        let weights = graph.initializer.last().unwrap();
        assert_eq!(
            (weights.name.as_str(), &*weights.dims),
            ("weights", &[2, 3][..])
        );
        assert_eq!(weights.float_data, [0.5, -1.0, 1.5, 8.0, 10.0, -254.0]);
    }

    #[test]
    fn one_scale_is_for_all() {
        let mut graph = graph(dequantize("bytes", None), &[2.0]);
        unpack_weights(&mut graph).unwrap();
        let weights = graph.initializer.last().unwrap();
        assert_eq!(weights.float_data, [2.0, -4.0, 6.0, 8.0, 10.0, -254.0]);
    }

    #[test]
    fn what_is_not_constant_or_scaled_otherwise_stays() {
        for (input, axis, scales) in [
            ("strip", Some(0), &[0.5, 2.0][..]),
            ("bytes", Some(1), &[0.5, 2.0, 1.0]),
            ("bytes", None, &[0.5, 2.0]),
            ("bytes", Some(0), &[]),
        ] {
            let mut graph = graph(dequantize(input, axis), scales);
            unpack_weights(&mut graph).unwrap();
            assert_eq!((graph.node.len(), graph.initializer.len()), (1, 2));
        }
    }
}
