//! What a convolution sees, as the matrix that is multiplied by its weights.
//!
//! tract writes this matrix byte by byte, in an order that its int8 kernels ask for; that took twice as long as multiplying it. Here
//! whole rows are copied and then woven into that order, to the same bytes.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::conv::Im2Col;
use tract_onnx::tract_core::tract_linalg::mmm::{
    EagerPackedInput, MMMInputValue, PackedExoticFact, PackedMatrixStorage,
};
use tract_onnx::tract_core::tract_linalg::pack::{PackedFormat, PackedI8K4};

/// Has an optimised model unfold what it can this way.
pub(super) fn unfold_by_rows(model: &mut TypedModel) {
    for at in 0..model.nodes.len() {
        if let Some(unfold) = Unfold::of(model, &model.nodes[at]) {
            model.nodes[at].op = Box::new(unfold);
        }
    }
}

/// Rows of the blocks that kernels multiply at once, if they do.
const BLOCK: usize = 4;

/// Down and along.
type Two<T> = (T, T);

/// A picture of bytes [channels, rows, columns] → a matrix of one row for each weight of a filter (channel by channel, line by line),
/// and one column for each place of the filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Unfold {
    /// What it does instead of.
    plain: Im2Col,
    packed: PackedExoticFact,
    order: Order,
    picture: Two<usize>,
    kernel: Two<usize>,
    stride: Two<usize>,
    dilation: Two<usize>,
    /// How far the first place is beyond the picture's first pixel.
    padding: Two<usize>,
    places: Two<usize>,
}

/// How a kernel wants its matrix: panels of so many columns, in them blocks of rows, in these column by column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Order {
    columns: usize,
    /// Rows of a block: 1 or [`BLOCK`].
    rows: usize,
    /// Bytes of a panel.
    panel: usize,
    alignment: usize,
}

impl Order {
    fn of(fact: &PackedExoticFact) -> Option<Self> {
        let (k, format) = (fact.k, &fact.format);
        if let Some(format) = format.downcast_ref::<PackedI8K4>() {
            return Some(Self {
                columns: format.r,
                rows: BLOCK,
                panel: format.single_panel_len(k),
                alignment: format.alignment(),
            });
        }
        let format = format.downcast_ref::<PackedFormat>()?;
        Some(Self {
            columns: format.r,
            rows: 1,
            panel: format.single_panel_len(k),
            alignment: format.alignment(),
        })
    }
}

impl Unfold {
    /// None for what is none of the networks' convolutions: not of bytes, in groups, of several pictures, or without a fixed size.
    fn of(model: &TypedModel, node: &TypedNode) -> Option<Self> {
        let plain = node.op_as::<Im2Col>()?;
        let input = model.outlet_fact(*node.inputs.first()?).ok()?;
        let output = node.outputs.first()?.fact.exotic_fact()?;
        Self::instead_of(plain, input, output.downcast_ref()?)
    }

    fn instead_of(plain: &Im2Col, input: &TypedFact, packed: &PackedExoticFact) -> Option<Self> {
        let spec = &plain.pool_spec;
        let shape = spec.data_format.shape(input.shape.as_concrete()?).ok()?;
        let [rows, columns] = *shape.hw_dims() else {
            return None;
        };
        let padding = spec.computed_padding(&[rows, columns]);
        let unfold = Self {
            plain: plain.clone(),
            packed: packed.clone(),
            order: Order::of(packed)?,
            picture: (rows, columns),
            kernel: (spec.kernel_shape[0], spec.kernel_shape[1]),
            stride: (spec.stride(0), spec.stride(1)),
            dilation: (spec.dilation(0), spec.dilation(1)),
            padding: (padding[0].pad_before, padding[1].pad_before),
            places: (padding[0].convoluted, padding[1].convoluted),
        };
        let weights = shape.c() * unfold.kernel.0 * unfold.kernel.1;
        let places = unfold.count();
        let known = input.datum_type.size_of() == 1
            && plain.group == 1
            && shape.n().is_none_or(|&pictures| pictures == 1)
            && !spec.data_format.c_is_last()
            && weights == packed.k
            && packed.mn.to_usize().ok()? == places
            && weights * places > 0;
        known.then_some(unfold)
    }

    /// Places of the filter.
    fn count(&self) -> usize {
        self.places.0 * self.places.1
    }

    /// The matrix of a picture; `beyond` is what lies around it.
    fn matrix(&self, picture: &[u8], beyond: u8, matrix: &mut [u8]) {
        let places = self.count();
        let width = places.next_multiple_of(self.order.columns);
        let taps = self.kernel.0 * self.kernel.1;
        let mut block = vec![0; self.order.rows * width];
        let mut woven = block.clone();
        for first in (0..self.packed.k).step_by(self.order.rows) {
            for (at, row) in block.chunks_exact_mut(width).enumerate() {
                let (channel, tap) = ((first + at) / taps, (first + at) % taps);
                if first + at < self.packed.k {
                    let pixels = self.picture.0 * self.picture.1;
                    let channel = &picture[channel * pixels..][..pixels];
                    let tap = (tap / self.kernel.1, tap % self.kernel.1);
                    self.row(channel, tap, beyond, &mut row[..places]);
                } else {
                    row.fill(0);
                }
            }
            let block = if self.order.rows == BLOCK {
                weave(&block, &mut woven);
                &woven
            } else {
                &block
            };
            let size = self.order.rows * self.order.columns;
            let panels = matrix.chunks_exact_mut(self.order.panel);
            for (panel, part) in panels.zip(block.chunks_exact(size)) {
                panel[first * self.order.columns..][..size].copy_from_slice(part);
            }
        }
    }

    /// What one weight sees of its channel, place by place.
    fn row(&self, channel: &[u8], tap: Two<usize>, beyond: u8, row: &mut [u8]) {
        let off = |tap: usize, dilation: usize, padding: usize| {
            (tap * dilation) as isize - padding as isize
        };
        let down = off(tap.0, self.dilation.0, self.padding.0);
        let along = off(tap.1, self.dilation.1, self.padding.1);
        let stride = self.stride.1;
        // The places at which it sees the picture, of a line.
        let from = |pixel: isize| (pixel - along).max(0).unsigned_abs().div_ceil(stride);
        let first = from(0).min(self.places.1);
        let last = from(self.picture.1 as isize).clamp(first, self.places.1);
        for (place, to) in row.chunks_exact_mut(self.places.1).enumerate() {
            let line = (place * self.stride.0).checked_add_signed(down);
            let Some(line) = line.filter(|&line| line < self.picture.0) else {
                to.fill(beyond);
                continue;
            };
            to[..first].fill(beyond);
            to[last..].fill(beyond);
            if first == last {
                continue;
            }
            let start = (first * stride).saturating_add_signed(along);
            let seen = &channel[line * self.picture.1..][..self.picture.1][start..];
            let to = &mut to[first..last];
            if stride == 1 {
                to.copy_from_slice(&seen[..to.len()]);
            } else {
                let seen = seen.iter().step_by(stride);
                to.iter_mut().zip(seen).for_each(|(to, from)| *to = *from);
            }
        }
    }
}

/// A block of rows, column by column.
fn weave(block: &[u8], to: &mut [u8]) {
    let rows: [&[u8]; BLOCK] = std::array::from_fn(|row| {
        let width = block.len() / BLOCK;
        &block[row * width..][..width]
    });
    let (to, _) = to.as_chunks_mut();
    for (column, to) in to.iter_mut().enumerate() {
        // As one number: so it is compiled for many columns at once.
        let [a, b, c, d] = rows.map(|row| u32::from(row[column]));
        *to = (a | b << 8 | c << 16 | d << 24).to_le_bytes();
    }
}

impl Op for Unfold {
    fn name(&self) -> StaticName {
        "Unfold".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Unfold {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let beyond = inputs.get(1).and_then(|value| value.as_bytes().first());
        let kind = inputs[0].datum_type();
        let panels = self.count().div_ceil(self.order.columns);
        let size = [panels * self.order.panel];
        let mut matrix = Tensor::zero_aligned::<u8>(&size, self.order.alignment)?;
        self.matrix(
            inputs[0].as_bytes(),
            beyond.copied().unwrap_or(0),
            matrix.as_bytes_mut(),
        );
        let packed: Box<dyn MMMInputValue> = Box::new(EagerPackedInput {
            fact: self.packed.clone(),
            packed: matrix.into_blob()?.into(),
            panel_bytes: self.order.panel,
            mn: self.count(),
        });
        let output = PackedMatrixStorage::new_batched(&[1, 1], tvec!(packed));
        Ok(tvec!(output.into_tensor(kind).into_tvalue()))
    }
}

impl TypedOp for Unfold {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        self.plain.output_facts(inputs)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use tract_onnx::tract_core::ops::cnn::{PaddingSpec, PoolSpec};
    use tract_onnx::tract_core::ops::nn::DataFormat;
    use tract_onnx::tract_core::tract_linalg::MmmDispatch;
    use tract_onnx::tract_core::tract_linalg::mmm::Query;

    use super::*;

    /// What is read of a matrix, panel by panel; a panel may end with bytes that nobody reads.
    fn panels(matrix: &Tensor, order: &Order) -> (PackedExoticFact, Vec<Vec<u8>>) {
        let storage: &PackedMatrixStorage = matrix.try_storage_as().unwrap();
        let matrix: &EagerPackedInput = storage.value().downcast_ref().unwrap();
        let read = matrix.fact.k.next_multiple_of(order.rows) * order.columns;
        let panels = matrix.packed.as_bytes().chunks_exact(matrix.panel_bytes);
        let panels = panels.map(|panel| panel[..read].to_vec());
        (matrix.fact.clone(), panels.collect())
    }

    /// Whether this is what tract makes of a picture, in every order that kernels of this processor ask for.
    fn unfolds_as_tract_does(spec: &PoolSpec, picture: &Tensor, beyond: i8) -> bool {
        let k = spec.input_channels * spec.kernel_shape.iter().product::<usize>();
        let kernels = MmmDispatch::native().suitable(&Query {
            weight: i8::datum_type().into(),
            activation: i8::datum_type(),
            accumulators: tvec!(i32::datum_type()),
            store: None,
            allow_extractor: false,
            m: None,
            k: Some(k),
            n: None,
        });
        let input = i8::fact(picture.shape());
        !kernels.is_empty()
            && kernels.into_iter().all(|(kernel, packing, _)| {
                let plain = Im2Col::new(spec.clone(), 1, k, &input.shape, kernel, packing).unwrap();
                let facts = plain.output_facts(&[&input]).unwrap();
                let packed = facts[0].exotic_fact().unwrap().downcast_ref().unwrap();
                let ours = Unfold::instead_of(&plain, &input, packed).unwrap();
                let ops: [&dyn EvalOp; 2] = [&plain, &ours];
                let [theirs, these] = ops.map(|op| {
                    let inputs = [picture.clone(), tensor0(beyond)].map(Tensor::into_tvalue);
                    let outputs = op.eval_out_of_plan(inputs.into_iter().collect());
                    panels(&outputs.unwrap().unwrap()[0], &ours.order)
                });
                theirs == these
            })
    }

    proptest! {
        #[test]
        fn any_convolution_is_unfolded_as_tract_does(
            (channels, rows, columns) in (1usize..6, 1usize..8, 1usize..40),
            kernel in (1usize..5, 1usize..6),
            stride in (1usize..3, 1usize..4),
            dilation in (1usize..4, 1usize..9),
            before in (0usize..4, 0usize..17),
            after in (0usize..4, 0usize..17),
            seed: u8,
        ) {
            let reach = |kernel: usize, dilation: usize| (kernel - 1) * dilation + 1;
            prop_assume!(rows + before.0 + after.0 >= reach(kernel.0, dilation.0));
            prop_assume!(columns + before.1 + after.1 >= reach(kernel.1, dilation.1));
            let spec = PoolSpec {
                data_format: DataFormat::NCHW,
                kernel_shape: tvec!(kernel.0, kernel.1),
                padding: PaddingSpec::Explicit(tvec!(before.0, before.1), tvec!(after.0, after.1)),
                dilations: Some(tvec!(dilation.0, dilation.1)),
                strides: Some(tvec!(stride.0, stride.1)),
                input_channels: channels,
                output_channels: 3,
            };
            let pixels = (0..channels * rows * columns).map(|at| (at as u8).wrapping_mul(37).wrapping_add(seed) as i8);
            let pixels = pixels.collect::<Vec<_>>();
            let picture = Tensor::from_shape(&[1, channels, rows, columns], &pixels).unwrap();
            prop_assert!(unfolds_as_tract_does(&spec, &picture, -128));
        }
    }
}
