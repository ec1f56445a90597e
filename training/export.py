"""Writes a quantized net as int8 QOperator ONNX: QuantizeLinear, a chain of QLinearConv, DequantizeLinear, and
the small float tail. The arbiter's weights are written as int8, too, but it computes in floats, and is not quantized before.

`python export.py recognizer runs/recognizer/int8.pt ../models/recognizer.onnx`
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from export_arbiter import arbiter
from graph import Graph
from nets import COLUMNS, NETS, PLACES, SCENE, STRIDE, STRIP, Examiner, Locator, Recognizer
from quantized import LEVELS, STEPS, quantized
from vins import WRITING

INPUT_SCALE = 1 / STEPS


def trunk(graph: Graph, blocks, source: str) -> str:
    """Adds the convolutions; returns the name of the float features."""
    zero, weight_zero = graph.constant("zero", np.uint8(0)), graph.constant("weight_zero", np.int8(0))
    scale = graph.constant("input_scale", np.float32(INPUT_SCALE))
    now = graph.node("QuantizeLinear", [source, scale, zero], "quantized")
    step = INPUT_SCALE
    for i, block in enumerate(blocks):
        weight_scale = float(block.weight_scale())
        weight = torch.round(block.weight.detach() / weight_scale).clamp(-LEVELS, LEVELS).numpy().astype(np.int8)
        bias = np.round(block.bias.detach().numpy() / (step * weight_scale)).clip(-(2**31), 2**31 - 1).astype(np.int32)
        w = graph.constant(f"weight_{i}", weight)
        ws = graph.constant(f"weight_scale_{i}", np.float32(weight_scale))
        b = graph.constant(f"bias_{i}", bias)
        out = graph.constant(f"scale_{i}", np.float32(block.scale.item()))
        pads = [*block.padding, *block.padding]
        now = graph.node(
            "QLinearConv", [now, scale, zero, w, ws, weight_zero, out, zero, b], f"conv_{i}",
            kernel_shape=list(weight.shape[2:]), strides=list(block.stride), pads=pads, dilations=list(block.dilation),
        )
        scale, step = out, block.scale.item()
    return graph.node("DequantizeLinear", [now, scale, zero], "features")


def matmul(graph: Graph, source: str, weight: torch.Tensor, bias: torch.Tensor, name: str) -> str:
    """source @ weightᵀ + bias, in float."""
    w = graph.constant(f"{name}_weight", weight.detach().numpy().T.astype(np.float32))
    b = graph.constant(f"{name}_bias", bias.detach().numpy().astype(np.float32))
    product = graph.node("MatMul", [source, w], f"{name}_product")
    return graph.node("Add", [product, b], name)


def strip_columns(graph: Graph, net) -> str:
    """Adds the trunk of a net that sees strips; returns the name of its features [1,64,F]."""
    features = trunk(graph, net.trunk, "strip")
    shape = graph.constant("columns_shape", np.int64([1, -1, COLUMNS]))
    return graph.node("Transpose", [graph.node("Reshape", [features, shape], "flat")], "columns", perm=[0, 2, 1])


def examiner(net: Examiner, path: Path) -> None:
    graph = Graph()
    matmul(graph, strip_columns(graph, net), net.spell.weight, net.spell.bias, "spelt")
    graph.save(
        path, [("strip", [1, 1, *STRIP])], [("spelt", [1, COLUMNS, len(WRITING) + 2])],
        f"strip: grey 0..1, the text's corners at x 24..232, y 4..28. spelt: logits by column of {WRITING}, beyond the line, nothing new.",
    )


def recognizer(net: Recognizer, path: Path) -> None:
    graph = Graph()
    columns = strip_columns(graph, net)
    look = matmul(graph, columns, net.attention.weight[:, :, 0, 0], net.attention.bias, "look")
    look = graph.node("Transpose", [look], "look_by_place", perm=[0, 2, 1])
    where = graph.node("Add", [look, graph.constant("place", net.place.detach().numpy()[None])], "attention_logits")
    attention = graph.node("Softmax", [where], "attention", axis=2)
    pooled = graph.node("MatMul", [attention, columns], "pooled")
    matmul(graph, pooled, net.classify.weight, net.classify.bias, "characters")
    mean = graph.node("ReduceMean", [columns], "mean", axes=[1], keepdims=0)
    matmul(graph, mean, net.mark.weight, net.mark.bias, "mark")
    edges = graph.node("Relu", [matmul(graph, columns, net.edges.weight, net.edges.bias, "edges")], "edges_relu")
    flat_edges = graph.node("Reshape", [edges, graph.constant("edges_shape", np.int64([1, 16 * COLUMNS]))], "flat_edges")
    matmul(graph, flat_edges, net.corners.weight, net.corners.bias, "corners")
    graph.save(
        path, [("strip", [1, 1, *STRIP])], [("characters", [1, PLACES, len(WRITING)]), ("mark", [1, 1]), ("corners", [1, 8])],
        f"strip: grey 0..1, the text's corners at x 8..248, y 4..28. characters: logits of {WRITING} by place. mark: logit of a whole VIN the right way up. corners: x, y of TL, TR, BR, BL off those places, in widths and heights of the strip.",
    )


def locator(net: Locator, path: Path) -> None:
    graph = Graph()
    features = trunk(graph, net.trunk, "scene")
    # Nothing here knows how large a scene is: vinspect looks at scenes of three sizes.
    cells = graph.node("Transpose", [features], "cells", perm=[0, 2, 3, 1])
    out = matmul(graph, cells, net.head.weight[:, :, 0, 0], net.head.bias, "head")
    by_channel = graph.node("Transpose", [out], "head_by_channel", perm=[0, 3, 1, 2])
    graph.node("DepthToSpace", [by_channel], "map", blocksize=net.SPLIT, mode="CRD")
    rows, columns = SCENE[0] // STRIDE, SCENE[1] // STRIDE
    graph.save(
        path, [("scene", [1, 1, *SCENE])], [("map", [1, net.CHANNELS, rows, columns])],
        "scene: grey 0..1, letter-boxed. map, one cell each 8 pixels: score logit, then x and y of the corners TL, TR, BR, BL of the text, in cells from the cell's middle, and the logit of these being told from BR on instead.",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", choices=NETS)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    a = parser.parse_args()
    net = NETS[a.net]() if a.net == "arbiter" else quantized(NETS[a.net]())
    net.load_state_dict(torch.load(a.weights))
    {"locator": locator, "recognizer": recognizer, "examiner": examiner, "arbiter": arbiter}[a.net](net, a.out)
    print(a.out, a.out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
