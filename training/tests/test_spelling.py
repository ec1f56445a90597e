"""A line's probability is that of all walks that spell it.

`python -m unittest tests/test_spelling.py`, in training/.
"""

import unittest

import torch
from torch.nn import functional as F

import spelling
from nets import COLUMNS, PLACES
from spelling import BEYOND, NOTHING
from vins import UNKNOWN, WRITING

CLASSES = len(WRITING) + 2


def lines(count: int):
    """Labels of lines with 16 to 18 characters, some of them doubled, and how many they have."""
    labels = torch.randint(0, len(WRITING), (count, PLACES + 1))
    labels[::2, 4] = labels[::2, 3]
    return labels, torch.randint(PLACES - 1, PLACES + 2, (count,))


class Spelt(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)

    def spelt(self, log_p, labels, counts):
        return spelling.spelt(log_p, *spelling.symbols(labels, counts), torch.zeros(()))

    def test_is_what_torch_says(self):
        log_p = torch.randn(6, COLUMNS, CLASSES).log_softmax(-1)
        labels, counts = lines(6)
        counts[5] = 0
        rows = [[BEYOND, *row[:count].tolist(), BEYOND] if count else [BEYOND] for row, count in zip(labels, counts)]
        of_torch = lambda p, row: -F.ctc_loss(p[:, None], torch.tensor([row]), [COLUMNS], [len(row)], blank=NOTHING, reduction="none")[0]
        expected = torch.stack([of_torch(p, row) for p, row in zip(log_p, rows)])
        self.assertTrue(torch.allclose(self.spelt(log_p, labels, counts), expected, atol=1e-3))

    def test_what_nobody_knows_may_be_any_character(self):
        log_p = torch.randn(1, COLUMNS, CLASSES).log_softmax(-1).expand(len(WRITING), -1, -1)
        labels, counts = lines(1)
        labels, counts = labels.repeat(len(WRITING), 1), counts.repeat(len(WRITING))
        labels[:, 9] = torch.arange(len(WRITING))
        each = self.spelt(log_p, labels, counts)
        labels[:, 9] = UNKNOWN
        any_one = self.spelt(log_p, labels, counts)[0]
        self.assertGreater(any_one, each.logsumexp(0))

    def test_characters_are_spelt_where_they_stand(self):
        labels, counts = lines(1)
        centres = 30 + 12 * torch.arange(PLACES + 1.0)[None]
        allowed = spelling.allowed(centres, counts, torch.ones(1, dtype=torch.bool))
        states, skips, symbols = spelling.symbols(labels, counts)
        log_p = torch.full((1, COLUMNS, CLASSES), -9.0)
        log_p[..., NOTHING] = 0
        log_p[0, :3, BEYOND] = log_p[0, -3:, BEYOND] = 9
        for place in range(counts[0]):
            log_p[0, int(centres[0, place] / 4), labels[0, place]] = 9
        here = spelling.spelt(log_p, states, skips, symbols, allowed)
        shifted = spelling.spelt(log_p, states, skips, symbols, spelling.allowed(centres + 24, counts, torch.ones(1, dtype=torch.bool)))
        self.assertGreater(here - shifted, 100)

    def test_the_likeliest_walk_is_read_off(self):
        row = [BEYOND, 1, 1, NOTHING, 1, 2, NOTHING, BEYOND]
        self.assertEqual(spelling.likeliest(torch.eye(CLASSES)[row][None]), ["112"])


if __name__ == "__main__":
    unittest.main()
