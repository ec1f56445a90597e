"""A training that is stopped goes on as it was, and is not taken for another one.

`python -m unittest tests/test_train.py`, in training/.
"""

import sys
import unittest
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np
import torch

import reading
import train_recognizer
from nets import PLACES, WIDE_STRIP


class Stopped(Exception):
    pass


class Run(unittest.TestCase):
    def setUp(self):
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        rng, n = np.random.default_rng(1), 1040  # a thousand are held out
        strips, labels = rng.integers(0, 256, (n, *WIDE_STRIP), np.uint8), rng.integers(0, 33, (n, PLACES), np.uint8)
        np.savez(self.folder / "strips_1.npz", strips=strips, labels=labels, centres=np.zeros((n, PLACES), np.float16), marks=np.ones(n, np.uint8))
        for patch in (mock.patch.object(train_recognizer, "EVERY", 2), mock.patch.object(reading, "measure", return_value="")):
            patch.start()
            self.addCleanup(patch.stop)

    def train(self, out: str, steps=4, rate=1e-3, stop_at=None) -> str:
        """What a training says."""
        words = ["", "--shards", self.folder, "--out", self.folder / out, "--steps", steps, "--rate", rate, "--batch", 4, "--threads", 1]
        losses, calls = reading.losses, []

        def counted(*batch):
            calls.append(1)
            if len(calls) == stop_at:
                raise Stopped
            return losses(*batch)

        told = StringIO()
        with mock.patch.object(sys, "argv", list(map(str, words))), mock.patch.object(reading, "losses", counted), redirect_stdout(told), redirect_stderr(told):
            try:
                train_recognizer.main()
            except (Stopped, SystemExit):
                pass
        return told.getvalue()

    def weights(self, out: str) -> torch.Tensor:
        return torch.cat([w.flatten().float() for w in torch.load(self.folder / out / "last.pt").values()])

    def test_goes_on_as_it_was(self):
        self.train("whole")
        self.train("parts", stop_at=4)
        self.assertIn("goes on from step 2", self.train("parts"))
        self.assertTrue((self.weights("whole") == self.weights("parts")).all())
        self.assertIn("is done", self.train("whole"))
        self.assertIn("at step 4 already", self.train("whole", steps=3))
        said = self.train("whole", steps=6, rate=2e-3)
        self.assertIn("--rate was 0.001 and is 0.002", said)
        self.assertNotIn("goes on", said)

    def test_goes_on_from_a_state_that_does_not_say_how_it_began(self):
        self.train("old", steps=2)
        path = self.folder / "old" / "state.pt"
        state = torch.load(path)
        torch.save({name: state[name] for name in ("net", "kept", "optimizer", "step")}, path)
        self.assertIn("goes on from step 2", self.train("old", rate=2e-3))


if __name__ == "__main__":
    unittest.main()
