"""Where the characters of a photographed line stand, whose label is known."""

import numpy as np
import torch

import augment
import spelling
from nets import COLUMNS, PLACES, SPELT_BOX, STRIP, TEXT_BOX, WIDE_BOX, WIDE_STRIP, Examiner, box

LEANS = torch.linspace(-0.9, 0.9, 37)  # that are tried, as shares of the height
UPRIGHT = 0.12  # what the square of a lean costs, as a share of the sharpness
BETTER = -2.0  # logarithm of the probability of a character; what is spelt worse is not found
SIZES = 6.0, 24.0  # pixels of the strip that a character may be wide
NEAR = 4.0  # how far from the middle between two characters their border may be
FAR = 0.03  # what the square of that costs, as a share of the ink of a column


def leaning(lean: float) -> torch.Tensor:
    """The corners [4,2] in a strip of a text that leans."""
    corners = torch.tensor(box(*WIDE_BOX))
    return corners + augment.moved_by(torch.tensor([[lean]]), corners)[0]


def leans(strips: torch.Tensor) -> torch.Tensor:
    """How far the text of strips [n,1,64,384] leans: where its columns, summed up along the lean, change most."""
    _, y0, _, y1 = map(int, TEXT_BOX)
    sharp = []
    for lean in LEANS.tolist():
        sums = augment.cut_exactly(strips, TEXT_BOX, leaning(lean))[:, 0, y0:y1].mean(1)
        sharp.append(((sums[:, 2:] - sums[:, :-2]) ** 2).mean(1))
    sharp = torch.stack(sharp, 1)
    return LEANS[(sharp / sharp.amax(1, keepdim=True) - UPRIGHT * LEANS**2).argmax(1)]


def upright(to_picture: np.ndarray, lean: float) -> np.ndarray:
    """The corners in the picture of a text that leans in its strip. `to_picture` maps the strip's pixels to the picture's."""
    moved = np.concatenate([leaning(lean).numpy(), np.ones((4, 1))], 1) @ to_picture.T
    return (moved[:, :2] / moved[:, 2:]).astype(np.float32)


def centres(net: Examiner, strips: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Middles [n,17] of the characters of strips [n,1,64,384], each between two gaps; -1 where they are not found."""
    n = len(strips)
    cuts = augment.cut_exactly(strips, SPELT_BOX)
    with torch.no_grad():
        log_p = net(cuts).log_softmax(-1)
    x0, _, x1, _ = SPELT_BOX
    even = (x0 + (torch.arange(PLACES + 1) + 0.5) / PLACES * (x1 - x0)).expand(n, -1)
    counts = torch.full((n,), PLACES)
    states = spelling.symbols(torch.cat([labels, labels[:, -1:]], 1), counts)
    near = spelling.allowed(even, counts, torch.zeros(n, dtype=torch.bool)).requires_grad_()
    total = spelling.spelt(log_p, *states, near)
    # What a logarithm gains from each column and state is how probable it is that a walk is there.
    (there,) = torch.autograd.grad(total.sum(), near)
    there = there[:, :, 3 : 3 + 2 * PLACES : 2]
    column = (torch.arange(COLUMNS) + 0.5) * STRIP[1] / COLUMNS
    middles = (there * column[:, None]).sum(1) / there.sum(1).clamp(min=1e-6)
    wide = WIDE_BOX[0] + (middles - x0) / (x1 - x0) * (WIDE_BOX[2] - WIDE_BOX[0])
    steps = wide.diff(dim=1)
    found = (steps > SIZES[0]).all(1) & (steps < SIZES[1]).all(1) & (total.detach() / PLACES > BETTER)
    return torch.where(found[:, None], between_gaps(strips, wide), -1.0)


def between_gaps(strips, middles):
    """Middles of characters whose borders are moved to where there is least ink."""
    _, y0, _, y1 = map(int, WIDE_BOX)
    ink = strips[:, 0, y0:y1].std(1)
    ink = ink / ink.median(1, keepdim=True).values.clamp(min=1e-3)
    edges = augment.between(middles)
    off = torch.arange(-NEAR, NEAR + 1)
    tried = (edges[:, 1:-1, None].round() + off).clamp(0, WIDE_STRIP[1] - 1)
    cost = ink[:, None].expand(-1, PLACES - 1, -1).gather(2, tried.long()) + FAR * off**2
    edges[:, 1:-1] = tried.gather(2, cost.argmin(2, keepdim=True))[..., 0]
    return (edges[:, 1:] + edges[:, :-1]) / 2
