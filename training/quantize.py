"""Quantizes trained weights: folds the norms, equalizes the layers, takes the activations' scales from real inputs.

`python quantize.py recognizer runs/recognizer/last.pt runs/recognizer/int8.pt --shards shards --real ../../shared/real`

Says how far the int8 net is from the float one. `train_*.py --int8` fine-tunes on the 8-bit grid instead, should it be
too far.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import augment
from nets import NETS
from quantized import on_grid, quantized, settle
from train_locator import Photographs
from shards import Shards


def strips(shards: Path, net: str) -> torch.Tensor:
    """Cuts of photographs, well and badly cut."""
    data = Shards([shards / "real" / "train.npz"])
    index = np.arange(0, len(data), 6)
    whole, _, centres, _ = data.batch(index)
    if net == "examiner":
        return torch.cat([augment.examined_cut(whole, centres)[0] for _ in range(2)])
    return torch.cat([augment.cut(whole), augment.jittered_cut(whole, centres)[0]])


def scenes(shards: Path, real: Path) -> torch.Tensor:
    """Photographs at any place and tilt, and rendered scenes."""
    rng = np.random.default_rng(1)
    photographs = Photographs(shards / "real" / "quads.tsv", real)
    shown = [photographs.draw(rng)[0] for _ in range(60)]
    rendered = np.load(sorted(shards.glob("scenes_*.npz"))[0])["pictures"][:60]
    return torch.from_numpy(np.concatenate([np.stack(shown), rendered]))[:, None].float() / 255


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", choices=[name for name in NETS if name != "arbiter"])
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--real", type=Path, required=True)
    a = parser.parse_args()
    torch.manual_seed(1)
    net = NETS[a.net]().eval()
    net.load_state_dict(torch.load(a.weights))
    x = scenes(a.shards, a.real) if a.net == "locator" else strips(a.shards, a.net)
    first = lambda out: out[0] if isinstance(out, tuple) else out
    with torch.no_grad():
        before = first(net(x))
        net = quantized(net).eval()
        settle(net, x.split(32))
        after = first(net(on_grid(x)))
    if a.net != "locator":
        print(f"same character: {(before.argmax(-1) == after.argmax(-1)).float().mean():.4f}")
    else:
        text = (before[:, :1] > 0).expand(-1, 8, -1, -1)
        print(f"score logits differ by {(before - after)[:, 0].abs().mean():.3f}, corners by {(before - after)[:, 1:9][text].abs().mean():.3f} cells")
    torch.save(net.state_dict(), a.out)


if __name__ == "__main__":
    main()
