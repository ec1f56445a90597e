"""What keys of vPIC say of places, and rows made one.

`python -m unittest tests/test_registered.py`, in training/.
"""

import unittest

import numpy as np

import registered
from registered import ANY, models_of, places, together, written


class Registered(unittest.TestCase):
    def test_a_key_tells_its_places(self):
        digits = frozenset("0123456789")
        self.assertEqual(places("G[1-3K]*#S|*U"), (frozenset("G"), frozenset("123K"), ANY, digits, frozenset("S"), ANY, frozenset("U")))
        self.assertEqual(places("AB"), (frozenset("A"), frozenset("B"), ANY, ANY, ANY, ANY, ANY))
        for other in ("[AB", "ABCDEF", "ABC|R"):
            self.assertIsNone(places(other))

    def test_a_model_has_what_keys_beside_it_say(self):
        keys = {"28": {places("A1"), places("B2")}, "18": {places("A***5"), places("B***[67]"), places("A***8")}, "31": {places("*****|*U")}}
        found = {tuple(map(written, model)) for model in models_of(keys)}
        self.assertEqual(found, {("A", "1", "*", "*", "[58]", "*", "U"), ("B", "2", "*", "*", "[67]", "*", "U")})

    def test_what_is_alike_is_told_together(self):
        bits = lambda text: [registered.bits(frozenset(c)) for c in text]
        alike = [bits("A1234UP"), bits("A1235UP"), bits("A1236UP")]
        other = bits("ZXWYSTR")
        far = [[1 << ((i + k) % 33) for k in range(7)] for i in range(9, 30, 7)]
        merged = together(np.array([*alike, other, *far], np.uint64))
        self.assertLess(len(merged), 7)
        for row in (*alike, other, *far):
            self.assertTrue(any(all(int(place) & int(held) for place, held in zip(row, allowed)) for allowed in merged))

    def test_a_place_is_written_short(self):
        self.assertEqual([written(ANY), written(frozenset("A")), written(frozenset("ABCDZ")), written(frozenset("GHJK5"))], ["*", "A", "[A-DZ]", "[5G-K]"])


if __name__ == "__main__":
    unittest.main()
