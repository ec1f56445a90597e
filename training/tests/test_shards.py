"""Strips in memory: all of them once, and those that can be read.

`python -m unittest tests/test_shards.py`, in training/.
"""

import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from nets import PLACES, WIDE_STRIP
from shards import COLUMNS, Shards
from vins import WRITING


class OneCharacter(torch.nn.Module):
    """Reads one character everywhere."""

    def forward(self, x):
        return (torch.nn.functional.one_hot(torch.full((len(x), PLACES), 3), len(WRITING)).float(),)


class InMemory(unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(1)
        self.parts = [
            {
                "strips": rng.integers(0, 256, (n, *WIDE_STRIP), np.uint8), "labels": rng.integers(2, 4, (n, PLACES), np.uint8),
                "centres": rng.uniform(0, 99, (n, PLACES)).astype(np.float16), "marks": rng.integers(0, 2, n, np.uint8),
            }
            for n in (70, 1, 40)
        ]
        with TemporaryDirectory() as folder:
            paths = [Path(folder) / f"strips_{i}.npz" for i in range(len(self.parts))]
            for path, part in zip(paths, self.parts):
                np.savez(path, **part)
            self.shards = Shards(paths)
        self.all = {name: np.concatenate([part[name] for part in self.parts]) for name in COLUMNS}

    def test_holds_what_the_files_have(self):
        for name in COLUMNS:
            np.testing.assert_array_equal(getattr(self.shards, name), self.all[name])

    def test_what_is_taken_out_does_not_hold_the_others(self):
        first = self.shards.split(30)
        for name in COLUMNS:
            np.testing.assert_array_equal(getattr(first, name), self.all[name][:30])
            np.testing.assert_array_equal(getattr(self.shards, name), self.all[name][30:])
            self.assertFalse(np.shares_memory(getattr(first, name), getattr(self.shards, name)))
        self.assertIsNone(first.strips.base)

    def test_leaves_out_marks_that_cannot_be_read(self):
        self.all["labels"][::3] = 2
        self.shards.labels[::3] = 2
        keep = (self.all["marks"] == 0) | ((self.all["labels"] == 3).mean(1) > 1 / 3)
        self.assertTrue(20 < keep.sum() < 100)
        self.shards.drop_unreadable(OneCharacter(), size=16)
        for name in COLUMNS:
            np.testing.assert_array_equal(getattr(self.shards, name), self.all[name][keep])


if __name__ == "__main__":
    unittest.main()
