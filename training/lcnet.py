"""PP-OCRv6's small text recognizer as it runs (PPLCNetV4 and a light SVTR neck), which the arbiter is made of.

It has seen far more writing than there are photographs of VINs. Its weights are the PaddlePaddle authors', under Apache-2.0; `load` takes
them from the ONNX file that the package rapidocr carries.
"""

import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional as F

BLOCKS = [  # channels, stride down, squeeze and excitation
    (96, 1, True), (96, 1, False), (96, 1, False),
    (192, 2, False), *[(192, 1, True), (192, 1, False)] * 3,
    (384, 2, False), (384, 1, True), (384, 1, False),
]
FEATURES, HEADS, LAYERS = 120, 8, 2


class Stem(nn.Module):
    """Picture [N,1,H,W] → [N,96,H/4,W/4]."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 48, 3, 2, 1)
        self.narrow, self.wide = nn.Conv2d(48, 24, 2), nn.Conv2d(24, 48, 2)
        self.join = nn.Conv2d(96, 48, 3, 2, 1)
        self.out = nn.Conv2d(48, BLOCKS[0][0], 1)

    def forward(self, x):
        one_on = lambda x, value=0.0: F.pad(x, (0, 1, 0, 1), value=value)
        x = F.relu(self.first(x))
        fine = F.relu(self.wide(one_on(F.relu(self.narrow(one_on(x))))))
        coarse = F.max_pool2d(one_on(x, -torch.inf), 2, 1)
        return F.relu(self.out(F.relu(self.join(torch.cat([coarse, fine], 1)))))


class Excite(nn.Module):
    """Each channel by what all of the picture shows."""

    def __init__(self, channels):
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(channels, channels // 4, 1), nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3), keepdim=True)))))


class Mixer(nn.Module):
    """Depthwise 3 × 3, then two layers over the channels, beside which the depthwise output goes on if it can."""

    def __init__(self, inputs, channels, down, excited):
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, (down, 1), 1, groups=inputs)
        self.excited = Excite(inputs) if excited else nn.Identity()
        self.widen, self.narrow = nn.Conv2d(inputs, 2 * inputs, 1), nn.Conv2d(2 * inputs, channels, 1)
        self.passes = down == 1

    def forward(self, x):
        x = self.excited(self.depthwise(x))
        told = self.narrow(F.gelu(self.widen(x)))
        return x + told if self.passes else told


class Layer(nn.Module):
    """A transformer's, with the norm first."""

    def __init__(self):
        super().__init__()
        self.before, self.behind = nn.LayerNorm(FEATURES), nn.LayerNorm(FEATURES)
        self.look, self.seen = nn.Linear(FEATURES, 3 * FEATURES), nn.Linear(FEATURES, FEATURES)
        self.widen, self.narrow = nn.Linear(FEATURES, 2 * FEATURES), nn.Linear(2 * FEATURES, FEATURES)

    def forward(self, x):
        n, t, _ = x.shape
        query, key, value = self.look(self.before(x)).reshape(n, t, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        at = (query * query.shape[-1] ** -0.5 @ key.transpose(2, 3)).softmax(-1)
        x = x + self.seen((at @ value).transpose(1, 2).reshape(n, t, -1))
        return x + self.narrow(F.silu(self.widen(self.behind(x))))


class Lcnet(nn.Module):
    """Picture of a line [N,1,48,W], -1 to 1 → features of its columns [N,W/8,120]."""

    def __init__(self):
        super().__init__()
        self.stem = Stem()
        inputs = [BLOCKS[0][0], *(channels for channels, *_ in BLOCKS)]
        self.blocks = nn.Sequential(*(Mixer(i, *row) for i, row in zip(inputs, BLOCKS)))
        self.aside, self.reduce = nn.Conv2d(inputs[-1], FEATURES, 1), nn.Conv2d(inputs[-1], FEATURES, 1)
        self.near = nn.Conv2d(FEATURES, FEATURES, (1, 7), padding=(0, 3), groups=FEATURES)
        self.far = nn.Sequential(*(Layer() for _ in range(LAYERS)), nn.LayerNorm(FEATURES, eps=1e-6))

    def forward(self, x):
        x = F.avg_pool2d(self.blocks(self.stem(x)), (3, 2))
        aside, x = F.silu(self.aside(x)), F.silu(self.reduce(x))
        x = x + F.silu(self.near(x))
        columns = lambda x: x[:, :, 0].transpose(1, 2)
        return self.far(columns(x)) + columns(aside)


def load(net: Lcnet, path) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """Takes over the weights of PP-OCRv6's ONNX file. Returns its last layer's, and what its classes are: "" is nothing new."""
    model = onnx.load(path)
    characters = next(entry.value for entry in model.metadata_props if entry.key == "character").split("\n")
    known = {c.name: torch.from_numpy(numpy_helper.to_array(c).copy()) for c in model.graph.initializer}
    for n in model.graph.node:
        if n.op_type == "Identity" and n.input[0] in known:
            known[n.output[0]] = known[n.input[0]]
    # In the order they run: convolutions and layers with what is added or normalised behind them, and norms.
    nodes = [n for n in model.graph.node if n.op_type not in ("Constant", "Identity")]
    found = {"Conv": [], "MatMul": [], "Norm": []}
    for n, then in zip(nodes, nodes[1:]):
        if n.op_type in ("Conv", "MatMul") and n.input[1] in known:
            weight = known[n.input[1]]
            if then.op_type == "BatchNormalization":
                gain, shift, mean, variance = (known[name] for name in then.input[1:])
                gain = gain / (variance + 1e-5).sqrt()
                weight, bias = weight * gain[:, None, None, None], shift - mean * gain
            else:
                bias = known[then.input[1]].flatten()
            found[n.op_type].append((weight if n.op_type == "Conv" else weight.T, bias))
        elif n.op_type == "Mul" and then.op_type == "Add" and n.input[1] in known and known[n.input[1]].shape == (FEATURES,):
            found["Norm"].append((known[n.input[1]], known[then.input[1]]))
    last = found["MatMul"].pop()
    first, bias = found["Conv"][0]
    found["Conv"][0] = first.sum(1, keepdim=True), bias  # grey: three times the same
    of = {kind: [m for m in net.modules() if isinstance(m, kind)] for kind in (nn.Conv2d, nn.Linear, nn.LayerNorm)}
    for kind, name in ((nn.Conv2d, "Conv"), (nn.Linear, "MatMul"), (nn.LayerNorm, "Norm")):
        if len(of[kind]) != len(found[name]):
            raise ValueError(f"{path} is not PP-OCRv6_rec_small.onnx: {len(found[name])} layers {name} instead of {len(of[kind])}")
        for layer, (weight, bias) in zip(of[kind], found[name]):
            with torch.no_grad():
                layer.weight.copy_(weight)
                layer.bias.copy_(bias)
    return *last, ["", *characters]
