"""The networks: plain strided convolutions with ReLU, which is what int8 kernels run well; all but the arbiter.

Each convolution is a `Block` (convolution + batch norm + ReLU); `fold` merges the norm into the
weights for quantization, and `quantize.py` walks `blocks()` to export them as QLinearConv.
"""

import torch
from torch import nn
from torch.nn import functional as F

from lcnet import FEATURES, Lcnet
from vins import WRITING

PLACES = 17
STRIP = (32, 256)  # height, width of the recognizer's input
COLUMNS = 64  # that it is turned into
TEXT_BOX = (8.0, 4.0, 248.0, 28.0)  # x0 y0 x1 y1: where the text's own corners lie in the strip
LOOSE_BOX = (24.0, 7.0, 232.0, 25.0)  # and where the reader puts them while it is not sure where they are
SPELT_BOX = (24.0, 4.0, 232.0, 28.0)  # and where in the examiner's, which has to see what stands beside it
ARBITER_BOX = (16.0, 4.0, 240.0, 28.0)  # and where in the arbiter's
WIDE_STRIP = (64, 384)  # height, width of the strips in shards: room to move the cut
WIDE_BOX = (72.0, 20.0, 312.0, 44.0)  # x0 y0 x1 y1: where the text's corners lie in them
ROUGH_STRIP = (128, 512)  # height, width of strips with room for cuts as rough as the locator's
ROUGH_BOX = (136.0, 52.0, 376.0, 76.0)  # and where the text's corners lie in those
SCENE = (288, 512)  # height, width of the locator's input
STRIDE = 8  # of the locator's output


def box(x0, y0, x1, y1):
    """Its corners: TL, TR, BR, BL."""
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]


class Block(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs, outputs, kernel=(3, 3), stride=(1, 1), padding=None, dilation=1):
        super().__init__()
        if padding is None:
            padding = tuple(k // 2 * dilation for k in kernel)
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


def context(channels, dilations):
    """Layers that look along the columns."""
    return [(channels, (1, 5), (1, 1), (0, 2 * d), (1, d)) for d in dilations]


# The trunk of what sees strips: channels, kernel, stride, padding, dilation of each layer.
BY_TWO, NARROW, FLAT = ((3, 3), (2, 2)), ((3, 3), (2, 1)), ((4, 1), (1, 1), (0, 0))
TRUNK = [(32, (5, 5), (2, 2)), (96, *BY_TWO), (96,), (128, *NARROW), (160, *FLAT), *context(160, (1, 1, 1, 4, 8))]


def strip_trunk():
    """Strip [N,1,32,256] → features [N,F,1,64]."""
    channels = [1, *(row[0] for row in TRUNK)]
    return nn.Sequential(*(Block(i, *row) for i, row in zip(channels, TRUNK))), channels[-1]


class Recognizer(nn.Module):
    """Strip [N,1,32,256] → character logits [N,17,36], mark logit [N,1] and the text's corners [N,8].

    The trunk turns the strip into 64 columns, and lets each see most of the line: which place a character has depends on how
    wide those before it are. Seventeen attention maps, one a place, pool them;
    each starts as a bump where its character stands in a well-cut strip and learns to follow the
    text when the cut is off. The corners say where the text really lies (x, y of top left, top
    right, bottom right, bottom left, in strips' widths and heights off TEXT_BOX), for a better cut.
    """

    def __init__(self):
        super().__init__()
        self.trunk, features = strip_trunk()
        self.attention = nn.Conv2d(features, PLACES, (1, 1))
        columns = (torch.arange(COLUMNS) + 0.5) / COLUMNS * STRIP[1]
        x0, _, x1, _ = TEXT_BOX
        centres = x0 + (torch.arange(PLACES) + 0.5) / PLACES * (x1 - x0)
        bump = -((columns[None] - centres[:, None]) / (0.7 * (x1 - x0) / PLACES)) ** 2 / 2
        self.place = nn.Parameter(bump)
        self.classify = nn.Linear(features, len(WRITING))
        self.mark = nn.Linear(features, 1)
        self.edges = nn.Linear(features, 16)
        self.corners = nn.Linear(16 * COLUMNS, 8)

    def forward(self, strip):
        return self.heads(self.trunk(strip))[:3]

    def heads(self, features):
        """Features [N,F,1,64] → characters, mark, corners, attention [N,17,64] (log-weights)."""
        attention = self.attention(features)[:, :, 0] + self.place
        columns = F.dropout(features[:, :, 0].transpose(1, 2), 0.1, self.training)
        pooled = attention.softmax(-1) @ columns
        corners = self.corners(F.relu(self.edges(columns)).flatten(1))
        return self.classify(pooled), self.mark(columns.mean(1)), corners, attention.log_softmax(-1)


class Examiner(nn.Module):
    """Strip [N,1,32,256] → what each of its columns shows, logits [N,64,38]: a character, what lies beyond the line, or nothing new.

    It spells the line column by column, however long it is, and so counts.
    """

    COLUMNS = COLUMNS

    def __init__(self):
        super().__init__()
        self.trunk, features = strip_trunk()
        self.spell = nn.Linear(features, len(WRITING) + 2)

    def forward(self, strip):
        return self.heads(self.trunk(strip))

    def heads(self, features):
        """Features [N,F,1,64] → logits."""
        return self.spell(F.dropout(features[:, :, 0].transpose(1, 2), 0.1, self.training))


class Enlarged(nn.Module):
    """Strip [N,1,32,256], 0 to 1 → [N,1,48,352], -1 to 1."""

    SIZE = (48, 352)

    def forward(self, strip):
        return F.interpolate(strip, self.SIZE, mode="bilinear") * 2 - 1


class Arbiter(nn.Module):
    """Strip [N,1,32,256] → the same of other columns, logits [N,44,38].

    It spells, too, but sees the strip enlarged and comes from a reader of all kinds of text.
    """

    COLUMNS = Enlarged.SIZE[1] // 8

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(Enlarged(), Lcnet())
        self.spell = nn.Linear(FEATURES, len(WRITING) + 2)

    def forward(self, strip):
        return self.heads(self.trunk(strip))

    def heads(self, features):
        """Features [N,44,120] → logits."""
        return self.spell(features)


class Locator(nn.Module):
    """Scene [N,1,288,512] → [N,10,36,64]: a score logit, the offsets of four corners, and a logit of their being told the
    other way up, that is from the text's bottom right on.

    Where a line lies is easier to see than which way up it is, so the corners do not wait for it. Dilated convolutions at a
    sixteenth of the scene's size see a line that fills the scene from any of its cells, in a plain chain. The head tells
    four cells of the output at each, so that lines close to each other stay apart.
    """

    CHANNELS = 10
    SPLIT = 2  # output cells along each side of one of the trunk's

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            Block(1, 8, stride=(2, 2)),
            Block(8, 24, stride=(2, 2)),
            Block(24, 64, stride=(2, 2)),
            Block(64, 128, stride=(2, 2)),
            *(Block(128, 128, dilation=d) for d in (1, 2, 4, 8, 2)),
        )
        self.head = nn.Conv2d(128, self.CHANNELS * self.SPLIT**2, (1, 1))

    def forward(self, scene):
        return F.pixel_shuffle(self.head(self.trunk(scene)), self.SPLIT)


def outputs(net, strips):
    """What the heads of a network in training say of strips; the trunk computes in bfloat16."""
    with torch.autocast("cpu", torch.bfloat16):
        features = net.trunk(strips.to(memory_format=torch.channels_last))
    return net.heads(features.float())


NETS = {"locator": Locator, "recognizer": Recognizer, "examiner": Examiner, "arbiter": Arbiter}
