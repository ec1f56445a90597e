"""The arbiter as exported says what it says in training, and comes back out of the file.

`python -m unittest tests/test_arbiter.py`, in training/.
"""

import tempfile
import unittest
from pathlib import Path

import onnxruntime
import torch

import restore
from export_arbiter import arbiter
from nets import STRIP, Arbiter


class Exported(unittest.TestCase):
    def test_comes_back_and_says_the_same(self):
        torch.manual_seed(1)
        net = Arbiter().eval()
        strip = torch.rand(1, 1, *STRIP)
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            path = Path(folder) / "arbiter.onnx"
            arbiter(net, path)
            (said,) = onnxruntime.InferenceSession(path).run(None, {"strip": strip.numpy()})
            back = restore.arbiter(path).eval()
            self.assertTrue(torch.allclose(torch.from_numpy(said), back(strip), atol=1e-4))
        for name, parameter in net.named_parameters():
            off = (back.get_parameter(name) - parameter).abs().max()
            self.assertLessEqual(off, parameter.abs().max() / 253, name)


if __name__ == "__main__":
    unittest.main()
