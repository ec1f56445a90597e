"""Takes the float weights back out of an exported net, to train on from where it stands.

`python restore.py recognizer ../models/recognizer.onnx runs/restored/last.pt --shards shards`

Training normalises by the statistics of its batches, which an exported net no longer holds: they are taken from
rendered examples, layer by layer. The arbiter has no such norms.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch.nn import functional as F

import augment
from nets import NETS

RECOGNIZER = {"attention": "look", "classify": "characters", "mark": "mark", "edges": "edges", "corners": "corners"}
HEADS = {"locator": {"head": "head"}, "recognizer": RECOGNIZER, "examiner": {"spell": "spelt"}}


def constants_of(path: Path) -> dict[str, torch.Tensor]:
    return {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in onnx.load(path).graph.initializer}


@torch.no_grad()
def arbiter(path: Path) -> torch.nn.Module:
    """The arbiter of an exported file, which has all of it."""
    constants = constants_of(path)
    net = NETS["arbiter"]()
    for name, parameter in net.named_parameters():
        layer, _, what = name.removeprefix("trunk.1.").rpartition(".")
        value = constants[f"{layer}.{what}"].float()
        scale = constants.get(f"{layer}.scale") if what == "weight" else None
        parameter.copy_(value if scale is None else value * scale.reshape(-1, *[1] * (value.dim() - 1)))
    return net


@torch.no_grad()
def restored(kind: str, path: Path, x: torch.Tensor) -> torch.nn.Module:
    """The net of an exported file; x are some inputs."""
    constants = constants_of(path)
    net = NETS[kind]()
    step = constants["input_scale"]
    for i, block in enumerate(net.trunk):
        scale = constants[f"weight_scale_{i}"]
        block.conv.weight.copy_(constants[f"weight_{i}"].float() * scale)
        bias = constants[f"bias_{i}"].float() * step * scale
        step = constants[f"scale_{i}"]
        x = block.conv(x)
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
        block.norm.running_mean.copy_(mean)
        block.norm.running_var.copy_(variance)
        block.norm.weight.copy_(torch.sqrt(variance + block.norm.eps))
        block.norm.bias.copy_(bias + mean)
        x = F.relu(x + bias[:, None, None])
    for name, source in HEADS[kind].items():
        layer = getattr(net, name)
        layer.weight.copy_(constants[f"{source}_weight"].T.reshape(layer.weight.shape))
        layer.bias.copy_(constants[f"{source}_bias"])
    if "place" in constants:
        net.place.copy_(constants["place"][0])
    return net


def examples(kind: str, shards: Path) -> torch.Tensor:
    """Some rendered inputs of a net."""
    first = lambda pattern: np.load(sorted(shards.glob(pattern))[0])
    shown = first("scenes_*.npz")["pictures"][:64] if kind == "locator" else first("strips_*.npz")["strips"][:1000]
    x = torch.from_numpy(shown)[:, None].float() / 255
    return x if kind == "locator" else augment.cut(x)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", choices=NETS)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--shards", type=Path, help="rendered examples, of which all but the arbiter need some")
    a = parser.parse_args()
    if a.net == "arbiter":
        net = arbiter(a.model)
    elif a.shards is None:
        parser.error(f"the {a.net} needs --shards, for the statistics of what it sees")
    else:
        net = restored(a.net, a.model, examples(a.net, a.shards))
    a.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), a.out)


if __name__ == "__main__":
    main()
