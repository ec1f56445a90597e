"""What the decision is fitted by: copies that are the same again, and a threshold that lets few wrong readings through.

`python -m unittest tests/test_calibrate.py`, in training/.
"""

import random
import sys
import unittest
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from calibrate import burst_exponent, folds, threshold, whole_vins, with_margin
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


class Bursts(unittest.TestCase):
    def found(self, wrong: dict[float, int]) -> float:
        """The exponent that is found if so many of 1,000 bursts are accepted wrong with each."""
        with TemporaryDirectory() as folder:
            vinspect = Path(folder) / "vinspect"
            counts = {str(exponent): count for exponent, count in wrong.items()}
            vinspect.write_text(f"#!{sys.executable}\nimport json, sys\ntold = {counts}[open(sys.argv[sys.argv.index('--calibration') + 1]).read()]\nprint(json.dumps(dict(pictures=1000, accepted_right=900, accepted_wrong=told)))\n")
            vinspect.chmod(0o755)
            with redirect_stdout(StringIO()):
                return burst_exponent(vinspect, [[Path("labels.tsv"), Path("pictures")]], lambda path, exponent: path.write_text(str(exponent)))

    def test_frames_are_worth_more_while_few_are_wrong(self):
        self.assertEqual(self.found({0.0: 1, 0.1: 2, 0.2: 3, 0.3: 4, 0.5: 9}), 0.2)

    def test_nothing_is_gained_where_too_many_are(self):
        self.assertEqual(self.found({0.0: 5, 0.1: 6, 0.2: 6, 0.3: 7, 0.5: 9}), 0.0)


class Whole(unittest.TestCase):
    def test_copies_of_one_photograph_stay_together(self):
        rows = [{"vin": vin, "file": f"s{i}_{copy}.jpg"} for i, vin in enumerate(("1HGCM82633A004352", "WVWZZZ00000000000")) for copy in range(5)]
        none = [{"vin": None, "file": f"photograph_{how}/s{i}.png"} for how in ("beside", "filled") for i in range(20)]
        found = folds([*rows, *none])
        self.assertEqual([len(set(found[:5])), len(set(found[5:10]))], [1, 1])
        np.testing.assert_array_equal(found[10:30], found[30:])
        self.assertGreater(len(set(found)), 10)

    def test_tells_right_readings_from_what_is_none(self):
        rng = np.random.default_rng(1)
        made = lambda vin, at, i: {"vin": vin and f"{vin}{i:04}", "file": f"{i}.jpg", "mark": rng.normal(at), "log_odds": rng.normal(at), "rules": rng.normal(0)}
        with redirect_stdout(StringIO()):
            weights = whole_vins([made("1HGCM82633A00", 2, i) for i in range(200)], [made(None, -2, i) for i in range(200)])
        self.assertGreater(min(weights["mark"], weights["log_odds"]), 0.3)


if __name__ == "__main__":
    unittest.main()
