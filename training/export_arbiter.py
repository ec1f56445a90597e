"""Writes the arbiter as ONNX. Its weights are int8, with a scale for each output, from which the program makes floats once.

Weights and biases are called what the net calls them, so that `restore.py` finds them.
"""

from pathlib import Path

import numpy as np
from torch import nn

from graph import Graph
from lcnet import FEATURES, HEADS, Excite
from nets import STRIP, Arbiter, Enlarged
from quantized import LEVELS
from vins import WRITING

PLAIN = {"strides": [1, 1], "pads": [0, 0, 0, 0], "group": 1}  # what a convolution has that says nothing of it


def rounded(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights as int8, and what one of it is for each output."""
    scale = (np.abs(weight).reshape(len(weight), -1).max(1) / LEVELS).clip(1e-12).astype(np.float32)
    return np.round(weight / scale.reshape(-1, *[1] * (weight.ndim - 1))).astype(np.int8), scale


class ArbiterGraph(Graph):
    """A graph that knows the layers of a net by their names in it."""

    def __init__(self, net: Arbiter):
        super().__init__()
        self.layers = {layer: name for name, layer in net.trunk[-1].named_modules()} | {net.spell: "spell"}
        self.shared = {}

    def add(self, op: str, *inputs: str, **attributes) -> str:
        return self.node(op, list(inputs), str(len(self.nodes)), **attributes)

    def whole(self, *values: int) -> str:
        """Constants that several nodes use."""
        return self.once(f"whole{values}", np.int64(values))

    def number(self, value: float) -> str:
        return self.once(f"number{value}", np.float32(value))

    def once(self, name: str, value) -> str:
        if name not in self.shared:
            self.shared[name] = self.constant(name, value)
        return self.shared[name]

    def parameters(self, layer: nn.Module) -> tuple[str, str]:
        name = self.layers[layer]
        weight, scale = rounded(layer.weight.detach().numpy())
        bytes_and_scale = self.constant(f"{name}.weight", weight), self.constant(f"{name}.scale", scale)
        return self.add("DequantizeLinear", *bytes_and_scale, axis=0), self.constant(f"{name}.bias", layer.bias.detach().numpy())

    def convolution(self, x: str, layer: nn.Conv2d, pads=None) -> str:
        given = {"strides": list(layer.stride), "pads": pads or [*layer.padding, *layer.padding], "group": layer.groups}
        return self.add("Conv", x, *self.parameters(layer), **{name: value for name, value in given.items() if value != PLAIN[name]})

    def linear(self, x: str, layer: nn.Linear) -> str:
        weight, bias = self.parameters(layer)
        return self.add("Add", self.add("MatMul", x, self.add("Transpose", weight, perm=[1, 0])), bias)

    def norm(self, x: str, layer: nn.LayerNorm) -> str:
        mean = lambda x: self.add("ReduceMean", x, axes=[-1], keepdims=1)
        off = self.add("Sub", x, mean(x))
        deviation = self.add("Sqrt", self.add("Add", mean(self.add("Mul", off, off)), self.number(layer.eps)))
        gain, shift = (self.constant(f"{self.layers[layer]}.{what}", getattr(layer, what).detach().numpy()) for what in ("weight", "bias"))
        return self.add("Add", self.add("Mul", self.add("Div", off, deviation), gain), shift)

    def relu(self, x: str) -> str:
        return self.add("Relu", x)

    def silu(self, x: str) -> str:
        return self.add("Mul", x, self.add("Sigmoid", x))

    def gelu(self, x: str) -> str:
        part = self.add("Add", self.add("Erf", self.add("Mul", x, self.number(0.5**0.5))), self.number(1))
        return self.add("Mul", self.add("Mul", x, part), self.number(0.5))

    def stem(self, x: str, stem) -> str:
        one_on = [0, 0, 1, 1]
        x = self.relu(self.convolution(x, stem.first))
        coarse = self.add("MaxPool", x, kernel_shape=[2, 2], strides=[1, 1], pads=one_on)
        fine = self.relu(self.convolution(x, stem.narrow, one_on))
        fine = self.relu(self.convolution(fine, stem.wide, one_on))
        x = self.add("Concat", coarse, fine, axis=1)
        return self.relu(self.convolution(self.relu(self.convolution(x, stem.join)), stem.out))

    def block(self, x: str, block) -> str:
        x = self.convolution(x, block.depthwise)
        if isinstance(block.excited, Excite):
            mean = self.add("ReduceMean", x, axes=[2, 3], keepdims=1)
            gate = self.convolution(self.relu(self.convolution(mean, block.excited.squeeze)), block.excited.excite)
            x = self.add("Mul", x, self.add("HardSigmoid", gate, alpha=1 / 6, beta=0.5))
        told = self.convolution(self.gelu(self.convolution(x, block.widen)), block.narrow)
        return self.add("Add", x, told) if block.passes else told

    def layer(self, x: str, layer) -> str:
        each = FEATURES // HEADS
        looks = self.linear(self.norm(x, layer.before), layer.look)

        def part(k: int, *perm: int) -> str:
            some = self.add("Slice", looks, self.whole(k * FEATURES), self.whole((k + 1) * FEATURES), self.whole(2))
            return self.add("Transpose", self.add("Reshape", some, self.whole(1, -1, HEADS, each)), perm=perm)

        query, key, value = part(0, 0, 2, 1, 3), part(1, 0, 2, 3, 1), part(2, 0, 2, 1, 3)
        fits = self.add("MatMul", self.add("Mul", query, self.number(each**-0.5)), key)
        seen = self.add("Transpose", self.add("MatMul", self.add("Softmax", fits, axis=3), value), perm=[0, 2, 1, 3])
        x = self.add("Add", x, self.linear(self.add("Reshape", seen, self.whole(1, -1, FEATURES)), layer.seen))
        return self.add("Add", x, self.linear(self.silu(self.linear(self.norm(x, layer.behind), layer.widen)), layer.narrow))

    def columns(self, x: str, count: int) -> str:
        return self.add("Transpose", self.add("Reshape", x, self.whole(1, FEATURES, count)), perm=[0, 2, 1])


def arbiter(net: Arbiter, path: Path) -> None:
    graph, trunk = ArbiterGraph(net), net.trunk[-1]
    size = graph.whole(1, 1, *Enlarged.SIZE)
    x = graph.add("Resize", "strip", "", "", size, mode="linear", coordinate_transformation_mode="half_pixel")
    x = graph.stem(graph.add("Add", graph.add("Mul", x, graph.number(2)), graph.number(-1)), trunk.stem)
    for block in trunk.blocks:
        x = graph.block(x, block)
    x = graph.add("AveragePool", x, kernel_shape=[3, 2], strides=[3, 2])
    aside, x = graph.silu(graph.convolution(x, trunk.aside)), graph.silu(graph.convolution(x, trunk.reduce))
    x = graph.add("Add", x, graph.silu(graph.convolution(x, trunk.near)))
    aside, x = graph.columns(aside, net.COLUMNS), graph.columns(x, net.COLUMNS)
    for layer in trunk.far[:-1]:
        x = graph.layer(x, layer)
    spelt = graph.linear(graph.add("Add", graph.norm(x, trunk.far[-1]), aside), net.spell)
    graph.save(
        path, [("strip", [1, 1, *STRIP])], [(spelt, [1, net.COLUMNS, len(WRITING) + 2])],
        f"strip: grey 0..1, the text's corners at x 16..240, y 4..28. Output: logits by column of {WRITING}, beyond the line, nothing new. Made of PP-OCRv6's small text recognizer, (c) PaddlePaddle Authors, Apache-2.0.",
    )
