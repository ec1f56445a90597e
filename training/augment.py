"""What happens to strips on the way into the net: a jittered cut, and weather.

Strips come wide, with the text's corners at WIDE_BOX; the net takes a cut of them with the corners at TEXT_BOX.
"""

import torch
from torch.nn import functional as F

from nets import LOOSE_BOX, PLACES, ROUGH_BOX, SPELT_BOX, STRIP, TEXT_BOX, WIDE_BOX, WIDE_STRIP, box
from vins import UNKNOWN

SIZE = torch.tensor([float(STRIP[1]), float(STRIP[0])])  # width, height of a cut
MARGIN = (int(WIDE_BOX[0] - TEXT_BOX[0]), int(WIDE_BOX[1] - TEXT_BOX[1]))  # the cut's left and upper edge in the strip
WARPED = 0.3  # how much wider or narrower a character may be where it changes places with another, as a natural logarithm
LEAN = 0.2  # standard deviation of the lean of text in cuts, as a share of its height; of photographed lines nine in ten lean less than 0.3
NOISE = 0.1  # greatest standard deviation; half of all strips have less than a quarter of it
LIGHT = 21  # columns to either side over which the light is the same


def cut(strips):
    """The exact cut."""
    x, y = MARGIN
    return strips[:, :, y : y + STRIP[0], x : x + STRIP[1]]


def spliced(strips, labels, centres, share=0.7, most=3):
    """Some strips get parts of two others, in their own light, so that nothing learns whole VINs by heart; the characters at
    a seam, which may be half of each, become unknown. Returns strips, labels and centres. For strips that are marks."""
    n = len(strips)
    seams = torch.randint(2, PLACES - 1, (n, most))
    none = torch.arange(most)[None] >= torch.randint(1, most + 1, (n, 1)) * (torch.rand(n, 1) < share)
    seams = seams.masked_fill(none, PLACES + 99)[:, :, None]
    places = torch.arange(PLACES)
    x0, _, x1, _ = WIDE_BOX
    columns = (torch.arange(WIDE_STRIP[1]) - x0) / (x1 - x0) * PLACES
    of_places, of_columns = ((at >= seams).sum(1) % 3 for at in (places, columns))
    at_seam = ((places == seams) | (places == seams - 1)).any(1)
    mean, spread = strips.mean((2, 3), keepdim=True), strips.std((2, 3), keepdim=True) + 0.01
    neutral, mixed, told, middles = (strips - mean) / spread, strips, labels, centres
    for part in (1, 2):
        other = torch.randperm(n)
        mixed = torch.where((of_columns == part)[:, None, None], (neutral[other] * spread + mean).clamp(0, 1), mixed)
        told = torch.where(of_places == part, labels[other], told)
        middles = torch.where(of_places == part, centres[other], middles)
    return mixed, told.masked_fill(at_seam, UNKNOWN), middles.masked_fill((middles < 0).any(1, keepdim=True), -1)


def exchanged(strips, labels, centres, share=0.6, most=4):
    """In some strips characters change places with others not far away, in the light of where they come to stand: so many more lines
    in the type and light of a photograph than there are photographs. Only where `centres` [n,17] are known."""
    n = len(strips)
    edges = between(centres)
    size = edges[:, 1:] - edges[:, :-1]
    of = torch.arange(PLACES).repeat(n, 1)
    times = torch.randint(1, most + 1, (n, 1)) * (torch.rand(n, 1) < share) * (centres[:, :1] > 0)
    for k in range(most):
        one = torch.randint(PLACES, (n, 1))
        other = one + torch.randint(1, 6, (n, 1)) * torch.randint(2, (n, 1)).mul(2).sub(1)
        other = torch.where(other.clamp(0, PLACES - 1) == other, other, 2 * one - other)
        a, b = of.gather(1, one), of.gather(1, other)
        fits = lambda place, character: (size.gather(1, character) / size.gather(1, place)).log().abs() < WARPED
        moves = (k < times) & fits(one, b) & fits(other, a)
        of = torch.where(moves, of.scatter(1, one, b).scatter(1, other, a), of)
    rows = (of != torch.arange(PLACES)).any(1)
    x = torch.arange(float(WIDE_STRIP[1])).expand(int(rows.sum()), -1)
    place = torch.searchsorted(edges[rows].contiguous(), x.contiguous(), right=True) - 1
    within = (place >= 0) & (place < PLACES)
    place = place.clamp(0, PLACES - 1)
    at = lambda values, index: values[rows].gather(1, index)
    moved = of[rows].gather(1, place)
    source = at(edges, moved) + (x - at(edges, place)) * at(size, moved) / at(size, place)
    source = torch.where(within & (moved != place), source, x)
    plain = strips[rows]
    light = F.avg_pool2d(F.pad(plain, (LIGHT, LIGHT, 0, 0), mode="replicate").mean(2, keepdim=True), (1, 2 * LIGHT + 1), 1)
    strips = strips.clone()
    strips[rows] = (columns_at(plain, source) + light - columns_at(light, source)).clamp(0, 1)
    return strips, labels.gather(1, of)


def miscounted(strips, labels, centres, marks, share=0.08):
    """Some marks lose a character, or get one of their own once more: as good as a VIN but for their length.

    Returns the strips; labels [n,18] of `counts` [n] characters; centres [n,18], evenly spaced where they are not known; and
    counts. Where characters begin and end is only guessed if centres are not known, so those at the seam become unknown.
    """
    n = len(strips)
    x0, _, x1, _ = WIDE_BOX
    edges = between(centres)
    size = (edges[:, 1:] - edges[:, :-1]).clamp(min=1)
    lost, again = torch.randint(PLACES, (2, n, 1))
    longer = torch.rand(n, 1) < 0.5
    changed = ((torch.rand(n) < share) & (marks > 0.5))[:, None]
    at, less, more = edges.gather(1, lost), size.gather(1, lost), size.gather(1, again)
    stretch = 1 + torch.where(changed, torch.where(longer, more, -less), torch.zeros(())) / (x1 - x0)
    # Columns, where the line is as long as it becomes.
    x = (torch.arange(float(WIDE_STRIP[1]))[None] - x0) * stretch + x0
    added = longer & (x > at) & (x <= at + more)
    beyond = torch.where(longer, x - more, x + less)
    source = torch.where(x <= at, x, torch.where(added, edges.gather(1, again) + x - at, beyond))
    rows = changed[:, 0]
    strips = strips.clone()
    strips[rows] = columns_at(strips[rows], source[rows])
    # Characters.
    counts = torch.where(rows, torch.where(longer[:, 0], PLACES + 1, PLACES - 1), PLACES)
    place = torch.arange(PLACES + 1).expand(n, -1)
    new = longer & (place == lost)
    of = torch.where(new, again, torch.where(place < lost, place, torch.where(longer, place - 1, place + 1)))
    of = torch.where(changed, of, place).clamp(max=PLACES - 1)
    middles = torch.where(centres[:, :1] > 0, centres, (edges[:, 1:] + edges[:, :-1]) / 2).gather(1, of)
    moved = torch.where(new, at + more / 2, torch.where(place < lost, middles, middles + torch.where(longer, more, -less)))
    middles = torch.where(changed, (moved - x0) / stretch + x0, middles)
    at_seam = changed & (centres[:, :1] <= 0) & (place >= lost - 1) & (place <= torch.where(longer, lost + 1, lost))
    labels = labels.gather(1, of).masked_fill(at_seam, UNKNOWN)
    return strips, labels, middles, counts


def between(centres):
    """Where characters begin and end [n,18], from their middles [n,17]; evenly where those are not known."""
    x0, _, x1, _ = WIDE_BOX
    even = torch.linspace(x0, x1, PLACES + 1).expand(len(centres), -1).clone()
    known = centres[:, 0] > 0
    even[known, 1:-1] = (centres[known, 1:] + centres[known, :-1]) / 2
    return even


def columns_at(strips, x):
    """Strips [n,1,h,w] whose columns are those at x [n,w] of the given ones."""
    x = x.clamp(0, strips.shape[-1] - 1.001)
    left = x.long()[:, None, None].expand(-1, -1, strips.shape[2], -1)
    part = (x - x.floor())[:, None, None]
    return strips.gather(3, left) * (1 - part) + strips.gather(3, left + 1) * part


def jittered_cut(strips, centres, loose_share=0.4):
    """Cuts as the reader makes them: a share as loose as where the locator points, the others nearly exact, as where
    the recognizer itself pointed in an earlier cut.

    Returns the cuts [n,1,32,256], the characters' centres in them (-1000 where unknown), the text's corners off
    TEXT_BOX [n,8] in widths and heights of the cut, and which cuts are loose [n].
    """
    n = len(strips)
    nominal = torch.tensor(box(*TEXT_BOX))
    middle = nominal.mean(0)
    loose = torch.rand(n, 1) < loose_share
    one = lambda low, high: torch.rand(n, 1) * (high - low) + low
    scale = torch.cat([torch.where(loose, one(0.7, 1.02), one(0.975, 1.025)), torch.where(loose, one(0.45, 1.1), one(0.85, 1.18))], 1)
    spread = lambda exact, far: torch.where(loose[:, :, None], torch.tensor(far), torch.tensor(exact))
    ends = (torch.randn(n, 2, 2) * spread([2.0, 0.9], [9.0, 2.8]))[:, [0, 1, 1, 0]]
    each = torch.randn(n, 4, 2) * spread([1.2, 0.6], [3.0, 1.4])
    corners = middle + (nominal - middle) * scale[:, None] + ends + each + leaning(n, nominal)
    cuts, moved, corners = cut_at(strips, centres, corners)
    return cuts, torch.where(centres > 0, moved, torch.full_like(centres, -1000.0)), off(corners), loose[:, 0]


def rough_corners(n):
    """Where the text's corners lie in the reader's first cuts [n,4,2], which are made where the locator points.

    So far off TEXT_BOX they are in those of 200 tuning frames: in eight of ten cuts the text is
    0.67 to 0.88 of the box's width and 0.5 to 1.25 of its height, at most 12 and 5 pixels from its middle, and rises by at most 12.
    """
    nominal = torch.tensor(box(*TEXT_BOX))
    middle = nominal.mean(0)
    one = lambda deviation, *shape: torch.randn(n, *shape) * deviation
    far = torch.where(torch.rand(n, 1) < 0.2, 2.0, 0.8)
    width, height = (0.79 + one(0.11, 1)).clamp(0.5, 1.1), (0.85 * one(0.38, 1).exp()).clamp(0.3, 1.7)
    from_middle = (nominal - middle) * torch.stack([width, height], -1)
    along, down = ((nominal - middle) / (nominal[2] - nominal[0])).T
    shift = torch.cat([one(8, 1) * far, one(4, 1) * far.clamp(max=1.4)], 1)[:, None]
    turned = torch.stack([one(4, 1) * far * down, one(8, 1) * far * along], -1)
    each = one(torch.tensor([2.5, 1.2]), 4, 2)
    return middle + from_middle + shift + turned + each + leaning(n, nominal)


def rough_cut(strips, corners):
    """Cuts [n,1,32,256] of strips [n,1,128,512] that show what lies around the text too; in them its corners lie at `corners` [n,4,2]."""
    return cut_to(strips, corners, torch.tensor(box(*ROUGH_BOX)))


def approached(corners, told):
    """Where the text's corners [n,4,2] in cuts come to lie in the next ones, which the reader makes by what it is told [n,8] of them, as `off`
    tells it, so that they should lie at LOOSE_BOX. What is nonsense moves nothing."""
    where = torch.tensor(box(*TEXT_BOX)) + told.reshape(-1, 4, 2) * SIZE
    loose = torch.tensor(box(*LOOSE_BOX))
    moved = apply(homographies(where, loose.expand(len(corners), -1, -1)), corners)
    sensible = (off(moved).abs() < 1).all(1)
    return torch.where(sensible[:, None, None], moved, corners)


def off(corners):
    """How far corners [n,4,2] in cuts are off TEXT_BOX [n,8], in widths and heights of the cut."""
    return ((corners - torch.tensor(box(*TEXT_BOX))) / SIZE).flatten(1)


def examined_cut(strips, centres, target=SPELT_BOX, reach=13):
    """Cuts as the examiner gets them, some of them up to `reach` pixels off; and the characters' centres in them."""
    n = len(strips)
    nominal = torch.tensor(box(*target))
    middle = nominal.mean(0)
    off = torch.rand(n, 1) < 0.3
    one = lambda low, high: torch.rand(n, 1) * (high - low) + low
    scale = torch.cat([torch.where(off, one(0.93, 1.07), one(0.975, 1.025)), one(0.85, 1.18)], 1)
    shift = torch.cat([torch.where(off, one(-reach, reach), torch.randn(n, 1) * 2), torch.randn(n, 1) * 0.9], 1)
    ends = (torch.randn(n, 2, 2) * torch.tensor([1.5, 0.9]))[:, [0, 1, 1, 0]]
    each = torch.randn(n, 4, 2) * torch.tensor([1.0, 0.6])
    cuts, centres, _ = cut_at(strips, centres, middle + (nominal - middle) * scale[:, None] + shift[:, None] + ends + each + leaning(n, nominal))
    return cuts, centres


def leaning(n, corners):
    """How far the corners [4,2] of some texts move, as they lean [n,4,2]."""
    lean = torch.randn(n, 1) * LEAN * (torch.rand(n, 1) < 0.7)
    return moved_by(lean, corners)


def moved_by(lean, corners):
    """How far the corners [4,2] of a text move when it leans by shares [n,1] of its height: [n,4,2]."""
    along = lean * (corners[:, 1] - corners[:, 1].mean())
    return torch.stack([along, torch.zeros_like(along)], -1)


def cut_exactly(strips, target, source=torch.tensor(box(*WIDE_BOX))):
    """Cuts in which the text's corners, which lie at `source` [4,2] in the strips, lie at the rectangle `target`."""
    return cut_to(strips, torch.tensor(box(*target)), source)


def cut_to(strips, corners, source):
    """Cuts in which the text's corners, which lie at `source` in the strips, lie at `corners`; either [4,2] of all or [n,4,2]."""
    of_all = lambda corners: corners.expand(len(strips), -1, -1)
    return cut_by(strips, homographies(of_all(corners), of_all(source)), torch.zeros(1))


def cut_at(strips, centres, corners):
    """Cuts in which the text's corners would lie at `corners` [n,4,2], were it not for an uneven pitch; and where, with that, in
    the cuts the characters' centres (x [n,k] of the strips) and the corners really lie."""
    n = len(strips)
    to_strip = homographies(corners, torch.tensor(box(*WIDE_BOX)).expand(n, -1, -1))
    pitch = uneven(n)
    cuts = cut_by(strips, to_strip, pitch(torch.arange(float(STRIP[1]))[None, None]))
    line = torch.full_like(centres, (WIDE_BOX[1] + WIDE_BOX[3]) / 2)
    moved = apply(torch.linalg.inv(to_strip), torch.stack([centres, line], -1))[..., 0]
    x, y = corners.unbind(-1)
    return cuts, shown_at(pitch, moved), torch.stack([shown_at(pitch, x), y], -1)


def shown_at(pitch, x, rounds=4):
    """Where in cuts of an uneven pitch that is shown which would lie at x [n,k] without."""
    at = x
    for _ in range(rounds):
        at = x - pitch(at)
    return at


def cut_by(strips, to_strip, along):
    """Cuts [n,1,32,256] by homographies to the strips, of what lies `along` [n,1,256] pixels further right."""
    n = len(strips)
    ys, xs = torch.meshgrid(torch.arange(float(STRIP[0])), torch.arange(float(STRIP[1])), indexing="ij")
    at = torch.stack([xs + along.expand(n, *STRIP), ys.expand(n, -1, -1)], -1)
    at = apply(to_strip, at.reshape(n, -1, 2)).reshape(n, *STRIP, 2)
    high, wide = strips.shape[2:]
    grid = (at + 0.5) / torch.tensor([wide / 2, high / 2]) - 1
    return F.grid_sample(strips, grid, mode="bilinear", padding_mode="border", align_corners=False)


def uneven(n, share=0.6):
    """Lines of uneven pitch, as a function of x: what is shown there lies so much further right in an even line. Nothing is shifted
    at the ends of TEXT_BOX and beyond. No place may be learned as a distance from the end."""
    waves = torch.arange(1.0, 7)
    size = torch.randn(n, 6) * 2.5 / waves * (torch.rand(n, 1) < share)
    x0, _, x1, _ = TEXT_BOX

    def shift(x):
        along = ((x - x0) / (x1 - x0)).clamp(0, 1).expand(n, *x.shape[1:])
        return sum(size[:, k].reshape(n, *[1] * (along.dim() - 1)) * torch.sin(torch.pi * waves[k] * along) for k in range(6))

    return shift


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


def coarsened(strips, share=0.5, least=0.45):
    """Some strips lose what a smaller picture would not have shown."""
    groups = []
    for group in strips.chunk(8):
        if torch.rand(()) < share:
            factor = least + (1 - least) * torch.rand(()).item()
            small = F.interpolate(group, scale_factor=factor, mode="bilinear", antialias=True)
            group = F.interpolate(small, STRIP, mode="bilinear")
        groups.append(group)
    return torch.cat(groups)


def grain(n, least=0.3):
    """Noise [n,1,32,256] of pixels as large as a strip's, or larger (down to `least` of as many), as a sensor's are where it sees small text."""
    sizes = [least + (1 - least) * torch.rand(()).item() for _ in range(-(-n // 8))]
    return torch.cat([F.interpolate(torch.randn(8, 1, *(round(side * size) for side in STRIP)), STRIP, mode="bilinear") for size in sizes])[:n]


def weather(strips, least=0.45):
    """Stroke width, light, contrast, polarity, resolution (down to `least` of it), blur, noise and stains."""
    n = len(strips)
    strips = coarsened(strips, least=least)
    one = lambda low, high: torch.rand(n, 1, 1, 1) * (high - low) + low
    some = torch.rand(n) < 0.3
    wider, thin = one(-0.4, 0.4)[some], strips[some]
    bright, dark = F.max_pool2d(thin, 3, 1, 1), -F.max_pool2d(-thin, 3, 1, 1)
    strips[some] = thin + wider.clamp(min=0) * (bright - thin) + wider.clamp(max=0) * (thin - dark)
    flipped = torch.rand(n, 1, 1, 1) < 0.2
    strips = torch.where(flipped, 1 - strips, strips)
    toned = torch.rand(n) < 0.5
    strips[toned] = strips[toned].clamp(0, 1) ** one(-0.4, 0.4).exp()[toned]
    mean = strips.mean((2, 3), keepdim=True)
    strips = (strips - mean) * one(0.5, 1.4) + mean + one(-0.2, 0.2)
    ramp = torch.linspace(-0.5, 0.5, STRIP[1])[None, None, None]
    strips = strips + ramp * one(-0.25, 0.25)
    if torch.rand(()) < 0.5:
        k = torch.tensor([0.25, 0.5, 0.25])
        soft = F.conv2d(F.pad(strips, (1, 1, 1, 1), mode="replicate"), (k[:, None] * k[None])[None, None])
        amount = one(-0.5, 0.9)
        strips = strips * (1 - amount) + soft * amount
    # What noise hides altogether would be learned by heart.
    strips = strips + grain(n) * (one(0, NOISE**0.5) ** 2).minimum(0.6 * strips.std((2, 3), keepdim=True))
    x = torch.arange(STRIP[1])[None, None, None]
    stain_at, stain_wide = one(0, STRIP[1]), one(3, 14)
    stained = (torch.rand(n, 1, 1, 1) < 0.15) & ((x - stain_at).abs() < stain_wide)
    strips = torch.where(stained, strips * 0.3 + one(0, 1) * 0.7, strips)
    return strips.clamp(0, 1)
