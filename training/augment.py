"""What happens to strips on the way into the net: a jittered cut, and weather.

Strips come 48×320 with the text's corners at BOX; the net takes 32×256 with them at TEXT_BOX.
"""

import torch
from torch.nn import functional as F

from nets import STRIP, TEXT_BOX

WIDTH, HEIGHT = 320, 48
MARGIN = (32.0, 8.0)  # the cut's left and upper edge in the strip


def cut(strips):
    """The exact cut."""
    x, y = int(MARGIN[0]), int(MARGIN[1])
    return strips[:, :, y : y + STRIP[0], x : x + STRIP[1]]


def jittered_cut(strips, centres):
    """Cuts as a locator would make them: mostly a little off, some loose and far off.

    Returns the cuts [n,1,32,256], the characters' centres in them (-1000 where unknown) and the
    text's corners off TEXT_BOX [n,8] in widths and heights of the cut.
    """
    n = len(strips)
    x0, y0, x1, y1 = TEXT_BOX
    nominal = torch.tensor([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    middle = nominal.mean(0)
    loose = torch.rand(n, 1) < 0.25
    one = lambda low, high: torch.rand(n, 1) * (high - low) + low
    scale = torch.cat([torch.where(loose, one(0.72, 1.0), one(0.94, 1.04)), torch.where(loose, one(0.45, 1.0), one(0.8, 1.25))], 1)
    wild = torch.where(loose, 2.0, 1.0)[:, :, None]
    ends = (torch.randn(n, 2, 2) * torch.tensor([4.5, 1.4]) * wild)[:, [0, 1, 1, 0]]
    each = torch.randn(n, 4, 2) * torch.tensor([2.0, 0.8]) * wild
    corners = middle + (nominal - middle) * scale[:, None] + ends + each
    home = torch.tensor([[40.0, 12], [280, 12], [280, 36], [40, 36]]).expand(n, -1, -1)
    to_strip = homographies(corners, home)
    ys, xs = torch.meshgrid(torch.arange(float(STRIP[0])), torch.arange(float(STRIP[1])), indexing="ij")
    at = apply(to_strip, torch.stack([xs, ys], -1).reshape(1, -1, 2).expand(n, -1, -1)).reshape(n, *STRIP, 2)
    grid = (at + 0.5) / torch.tensor([WIDTH / 2, HEIGHT / 2]) - 1
    cuts = F.grid_sample(strips, grid, mode="bilinear", padding_mode="border", align_corners=False)
    moved = apply(torch.linalg.inv(to_strip), torch.stack([centres, torch.full_like(centres, 24.0)], -1))[..., 0]
    off = (corners - nominal) / torch.tensor([float(STRIP[1]), float(STRIP[0])])
    return cuts, torch.where(centres > 0, moved, torch.full_like(centres, -1000.0)), off.flatten(1)


def homographies(source, target):
    """Projective maps [n,3,3] that take four points [n,4,2] to four others."""
    n = len(source)
    x, y = source.unbind(-1)
    u, v = target.unbind(-1)
    zero, unit = torch.zeros_like(x), torch.ones_like(x)
    a = torch.stack([torch.stack([x, y, unit, zero, zero, zero, -u * x, -u * y], -1), torch.stack([zero, zero, zero, x, y, unit, -v * x, -v * y], -1)], 2)
    h = torch.linalg.solve(a.reshape(n, 8, 8), torch.stack([u, v], 2).reshape(n, 8))
    return torch.cat([h, torch.ones(n, 1)], 1).reshape(n, 3, 3)


def apply(maps, points):
    """Maps [n,3,3] applied to points [n,k,2]."""
    moved = points @ maps[:, :, :2].transpose(1, 2) + maps[:, None, :, 2]
    return moved[..., :2] / moved[..., 2:]


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
