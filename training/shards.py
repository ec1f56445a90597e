"""Strips in memory, as strips.py, cut_real.py and cut_others.py write them, and scenes as scenes.py does."""

from collections.abc import Iterator
from copy import copy
from pathlib import Path

import numpy as np
import torch

import augment
from nets import WIDE_STRIP

COLUMNS = ("strips", "labels", "centres", "marks")


class Shards:
    """All strips of a folder or a file, in memory."""

    def __init__(self, paths: list[Path]):
        parts = [np.load(p) for p in paths]
        ends = np.cumsum([len(p["marks"]) for p in parts])
        # There are gigabytes of strips: each file's go where they stay.
        self.strips = np.empty((ends[-1], *WIDE_STRIP), np.uint8)
        for end, part in zip(ends, parts):
            self.strips[end - len(part["marks"]) : end] = part["strips"]
        self.labels = np.concatenate([p["labels"] for p in parts])
        self.centres = np.concatenate([p["centres"] for p in parts]).astype(np.float32)
        self.marks = np.concatenate([p["marks"] for p in parts])

    def __len__(self):
        return len(self.strips)

    def split(self, count):
        """Takes the first strips out; they are a copy, so as not to hold the others."""
        first = copy(self)
        for name in COLUMNS:
            column = getattr(self, name)
            setattr(first, name, column[:count].copy())
            setattr(self, name, column[count:])
        return first

    def evenly(self):
        """Chances of the strips: those of a model (the first eight characters) together as the root of how many they are, so that
        a frequent one is not guessed where it cannot be read."""
        _, model, count = np.unique(self.labels[:, :8], axis=0, return_inverse=True, return_counts=True)
        chance = count[model.ravel()] ** -0.5
        return chance / chance.sum()

    def drop_unreadable(self, net, size=500):
        """Leaves out marks of which a trained net reads less than a third: they teach nothing."""
        keep = np.ones(len(self), bool)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            for i in range(0, len(self), size):
                index = np.arange(i, min(i + size, len(self)))
                strips, labels, _, marks = self.batch(index)
                told = net(augment.cut(strips).to(memory_format=torch.channels_last))[0].argmax(-1)
                keep[index] = ((marks < 0.5) | ((told == labels).float().mean(1) > 1 / 3)).numpy()
        for name in COLUMNS:
            column, kept = getattr(self, name), 0
            for i in range(0, len(keep), size):  # in place
                some = column[i : i + size][keep[i : i + size]]
                column[kept : kept + len(some)] = some
                kept += len(some)
            setattr(self, name, column[:kept])
        return self

    def batch(self, index):
        return (
            torch.from_numpy(self.strips[index])[:, None].float() / 255,
            torch.from_numpy(self.labels[index]).long(),
            torch.from_numpy(self.centres[index]),
            torch.from_numpy(self.marks[index]).float(),
        )


def scenes(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The rendered scenes of a folder, and the corners [k,4,2] of the VINs in each."""
    for path in sorted(folder.glob("scenes_*.npz")):
        print(path.name, flush=True)
        shard = np.load(path)
        for picture, quads in zip(shard["pictures"], shard["quads"]):
            yield picture, quads[~np.isnan(quads).any((1, 2))]
