"""Gives a trained recognizer other first layers, to train on from there.

`python reshape.py runs/first/last.pt runs/plain/init.pt --old fine --new plain --shards shards --real shards/real/train.npz`

The layers that both shapes end with are taken over; those before learn to say what the old ones say.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import augment
from nets import SHAPES, Recognizer
from shards import Shards


def shared(old: str, new: str) -> int:
    """How many layers two shapes have in common at their end."""
    count = 0
    while count < len(SHAPES[new]) and SHAPES[old][-1 - count :] == SHAPES[new][-1 - count :]:
        count += 1
    return count - (SHAPES[old][-1 - count][0] != SHAPES[new][-1 - count][0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--old", choices=SHAPES, required=True)
    parser.add_argument("--new", choices=SHAPES, required=True)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=96)
    a = parser.parse_args()
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    old, new = Recognizer(a.old), Recognizer(a.new)
    old.load_state_dict(torch.load(a.weights))
    count = shared(a.old, a.new)
    first, last = new.trunk[:-count], old.trunk[-count:]
    new.trunk = torch.nn.Sequential(*first, *last)
    for name in ("attention", "classify", "mark", "edges", "corners"):
        setattr(new, name, getattr(old, name))
    new.place = old.place
    teacher = old.trunk[:-count].eval().to(memory_format=torch.channels_last)
    first = first.train().to(memory_format=torch.channels_last)
    data = Shards([*sorted(a.shards.glob("strips_*.npz"))[:3], a.real])
    optimizer = torch.optim.AdamW(first.parameters(), lr=3e-3, weight_decay=0.01)
    spread, total = None, 0.0
    for step in range(a.steps):
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * min(1, (step + 1) / 100, (a.steps - step) / (0.6 * a.steps))
        strips, _, centres, _ = data.batch(rng.integers(0, len(data), a.batch))
        x = augment.weather(augment.jittered_cut(strips, centres)[0]).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                wanted = teacher(x).float()
            told = first(x).float()
        if spread is None:
            spread = wanted.std((0, 2, 3), keepdim=True)
            spread += 0.1 * spread.mean()
        loss = F.mse_loss(told / spread, wanted / spread)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.item()
        if step % 50 == 49:
            print(step + 1, f"unexplained {total / 50:.3f} of the variance", flush=True)
            total = 0.0
    a.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(new.state_dict(), a.out)


if __name__ == "__main__":
    main()
