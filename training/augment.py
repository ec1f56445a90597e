"""What happens to strips on the way into the net: a jittered cut, and weather.

Strips come 48×320 with the text's corners at BOX; the net takes 32×256 with them at TEXT_BOX.
"""

import torch
from torch.nn import functional as F

from nets import STRIP

WIDTH, HEIGHT = 320, 48
MARGIN = (32.0, 8.0)  # the cut's left and upper edge in the strip


def cut(strips):
    """The exact cut."""
    x, y = int(MARGIN[0]), int(MARGIN[1])
    return strips[:, :, y : y + STRIP[0], x : x + STRIP[1]]


def jittered_cut(strips, centres):
    """Cuts with every corner a little off; centres follow (in pixels of the cut)."""
    n = len(strips)
    common = torch.randn(n, 2, 2) * torch.tensor([6.0, 1.6])  # left and right end
    each = torch.randn(n, 2, 2, 2) * torch.tensor([2.0, 0.8])
    scale = torch.rand(n, 1) * 0.5 - 0.2  # more air above and below, or less
    left, right = common[:, 0], common[:, 1]
    x0, y0 = MARGIN
    x1, y1 = x0 + STRIP[1], y0 + STRIP[0]
    tall = (y1 - y0) / 2 * scale
    top_left = torch.stack([x0 + left[:, 0], y0 + left[:, 1] - tall[:, 0]], 1) + each[:, 0, 0]
    top_right = torch.stack([x1 + right[:, 0], y0 + right[:, 1] - tall[:, 0]], 1) + each[:, 0, 1]
    bottom_left = torch.stack([x0 + left[:, 0], y1 + left[:, 1] + tall[:, 0]], 1) + each[:, 1, 0]
    bottom_right = torch.stack([x1 + right[:, 0], y1 + right[:, 1] + tall[:, 0]], 1) + each[:, 1, 1]
    u = ((torch.arange(STRIP[1]) + 0.5) / STRIP[1])[None, None, :, None]
    v = ((torch.arange(STRIP[0]) + 0.5) / STRIP[0])[None, :, None, None]
    at = lambda p: p[:, None, None, :]
    grid = (at(top_left) * (1 - u) + at(top_right) * u) * (1 - v) + (at(bottom_left) * (1 - u) + at(bottom_right) * u) * v
    grid = grid / torch.tensor([WIDTH / 2, HEIGHT / 2]) - 1
    strips = F.grid_sample(strips, grid, mode="bilinear", padding_mode="border", align_corners=False)
    start = (top_left[:, 0] + bottom_left[:, 0])[:, None] / 2
    end = (top_right[:, 0] + bottom_right[:, 0])[:, None] / 2
    moved = (centres - start) / (end - start) * STRIP[1]
    return strips, torch.where(centres > 0, moved, torch.full_like(centres, -1000.0))


def weather(strips):
    """Light, contrast, polarity, blur, noise and stains."""
    n = len(strips)
    one = lambda low, high: torch.rand(n, 1, 1, 1) * (high - low) + low
    flipped = torch.rand(n, 1, 1, 1) < 0.2
    strips = torch.where(flipped, 1 - strips, strips)
    mean = strips.mean((2, 3), keepdim=True)
    strips = (strips - mean) * one(0.5, 1.4) + mean + one(-0.2, 0.2)
    ramp = torch.linspace(-0.5, 0.5, STRIP[1])[None, None, None]
    strips = strips + ramp * one(-0.25, 0.25)
    if torch.rand(()) < 0.5:
        k = torch.tensor([0.25, 0.5, 0.25])
        soft = F.conv2d(F.pad(strips, (1, 1, 1, 1), mode="replicate"), (k[:, None] * k[None])[None, None])
        amount = one(-0.5, 0.9)
        strips = strips * (1 - amount) + soft * amount
    grain = F.interpolate(torch.randn(n, 1, STRIP[0] // 2, STRIP[1] // 2), scale_factor=2, mode="bilinear")
    strips = strips + grain * one(0, 0.04)
    x = torch.arange(STRIP[1])[None, None, None]
    stain_at, stain_wide = one(0, STRIP[1]), one(3, 14)
    stained = (torch.rand(n, 1, 1, 1) < 0.15) & ((x - stain_at).abs() < stain_wide)
    strips = torch.where(stained, strips * 0.3 + one(0, 1) * 0.7, strips)
    return strips.clamp(0, 1)
