"""What the decision is fitted by: copies that are the same again, and a threshold that lets few wrong readings through.

`python -m unittest tests/test_calibrate.py`, in training/.
"""

import random
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from calibrate import threshold, with_margin
from shaken import shaken


class Shaken(unittest.TestCase):
    def test_same_seed_same_copy(self):
        picture = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
        once, again, other = (shaken(random.Random(seed), picture) for seed in (5, 5, 6))
        np.testing.assert_array_equal(once, again)
        self.assertEqual((once.shape, once.dtype), (picture.shape, picture.dtype))
        self.assertTrue((once != other).any())


class Threshold(unittest.TestCase):
    def accepted_at(self, wrong: list[float], pictures: int) -> float:
        confidence = np.array([*wrong, *[0.999] * 500])
        right = np.array([0.0] * len(wrong) + [1.0] * 500)
        with TemporaryDirectory() as folder:
            labels = Path(folder) / "labels.tsv"
            labels.write_text("picture.jpg\tVIN\n" * pictures)
            return threshold(confidence, right, labels)

    def test_three_in_a_thousand_pictures_may_be_wrong(self):
        self.assertEqual(self.accepted_at([0.985, 0.955, 0.945, 0.925], 1000), 0.93)
        self.assertEqual(self.accepted_at([0.985, 0.955, 0.945, 0.925], 700), 0.95)

    def test_it_is_not_less_than_nine_in_ten(self):
        self.assertEqual(self.accepted_at([0.5], 1000), 0.9)

    def test_nothing_is_accepted_where_all_may_be_wrong(self):
        at = self.accepted_at([0.999] * 50, 1000)
        self.assertEqual((at, with_margin(at)), (1.0, 1.0))


if __name__ == "__main__":
    unittest.main()
