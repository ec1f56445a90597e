"""Which photographs are trained on, and which only measure. The VINs are made up, the pictures are noise.

`python -m unittest tests/test_real.py`, in training/.
"""

import csv
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from real import may_be_one_of, part_of, pictures

MADE_UP = [f"WVWZZZ1KZ00{i:06}" for i in range(400)]
COLUMNS = ("file", "x0", "y0", "x1", "y1", "vin", "how", "machine")
FIRST = {part: next(v for v in MADE_UP if part_of(v) == part) for part in ("train", "tune", "validation")}


def changed(vin: str, count: int) -> str:
    """A VIN of which some characters are others."""
    return "A" * count + vin[count:]


class Split(unittest.TestCase):
    def test_a_vehicle_stays_in_its_part(self):
        self.assertEqual([part_of(f"WVWZZZ1KZ00{i:06}") for i in range(6)], [part_of(v) for v in MADE_UP[:6]])
        self.assertEqual({v: part_of(v) for v in FIRST.values()}, {FIRST[part]: part for part in FIRST})

    def test_shares_are_about_as_said(self):
        parts = [part_of(v) for v in MADE_UP]
        self.assertTrue(0.15 < parts.count("validation") / len(parts) < 0.25)
        self.assertTrue(0.08 < parts.count("tune") / len(parts) < 0.16)


class MayBe(unittest.TestCase):
    def test_two_characters_may_differ_and_any_be_unknown(self):
        vin = FIRST["validation"]
        self.assertTrue(may_be_one_of(changed(vin, 2), {vin}))
        self.assertFalse(may_be_one_of(changed(vin, 3), {vin}))
        self.assertTrue(may_be_one_of("??" + vin[2:9] + "?" * 8, {vin}))
        self.assertFalse(may_be_one_of(changed(vin, 3)[:16] + "?", {vin}))
        self.assertFalse(may_be_one_of(vin, set()))


class Excluded(unittest.TestCase):
    def test_relatives_of_what_is_kept_aside_are_not_trained_on(self):
        kept, tuned, trained = FIRST["validation"], FIRST["tune"], FIRST["train"]
        far = changed(kept, 3)
        rows = {  # file: what was read by eye, what by a machine, the picture's number, and the part it belongs to
            "kept": (kept, "", 0, "validation"),
            "tuned": (tuned, "", 1, "tune"),
            "trained": (trained, "", 2, "train"),
            "unread": ("", "", 3, "train"),
            "unread, the machine says kept": ("", kept, 4, "excluded"),
            "unread, the machine nearly says tuned": ("", changed(tuned, 2), 5, "excluded"),
            "unread, the machine says another": ("", far, 6, "train"),
            "partly read as kept": (kept[:9] + "?" + kept[10:], "", 7, "excluded"),
            "partly read as another": (far[:9] + "?" + far[10:], "", 8, "train"),
            "unread, looks like kept": ("", "", 0, "excluded"),
            "trained, the machine says kept": (trained, kept, 9, "excluded"),
            "trained, looks like kept": (trained, "", 0, "train"),
        }
        with TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "images").mkdir()
            with open(folder / "boxes.tsv", "w", newline="") as file:
                table = csv.DictWriter(file, COLUMNS, delimiter="\t")
                table.writeheader()
                for name, (vin, machine, number, _) in rows.items():
                    table.writerow({"file": f"{name}.png", "x0": 1, "y0": 2, "x1": 30, "y1": 9, "vin": vin, "how": "eye", "machine": machine})
                    picture = np.random.default_rng(number).integers(0, 256, (32, 32), np.uint8)
                    cv2.imwrite(str(folder / "images" / f"{name}.png"), picture)
            found = {p.file.removesuffix(".png"): p.part for p in pictures(folder)}
        self.assertEqual(found, {name: row[-1] for name, row in rows.items()})


if __name__ == "__main__":
    unittest.main()
