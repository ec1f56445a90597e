"""The nets as they will run: batch norm folded, every weight and activation on an 8-bit grid.

Weights are symmetric s8 and activations u8, with one scale a layer and zero point 0: an activation
below 0 saturates at 0, which is the ReLU. Rounding passes gradients straight through, so that a quantized net can be fine-tuned.
"""

import torch
from torch import nn
from torch.nn import functional as F

LEVELS = 127  # of weights, either way
STEPS = 255  # of activations and pixels


class Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad


def fake(x, scale, low, high):
    return Round.apply(x / scale).clamp(low, high) * scale


class QuantBlock(nn.Module):
    """A `nets.Block` with its norm folded in."""

    def __init__(self, block):
        super().__init__()
        conv, norm = block.conv, block.norm
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        self.weight = nn.Parameter((conv.weight * gain[:, None, None, None]).detach().clone())
        self.bias = nn.Parameter((norm.bias - norm.running_mean * gain).detach().clone())
        self.stride, self.padding, self.dilation = conv.stride, conv.padding, conv.dilation
        self.register_buffer("scale", torch.tensor(0.0))  # of the output
        self.quantized = False
        self.watching = False

    def weight_scale(self):
        return self.weight.detach().abs().max() / LEVELS

    def forward(self, x):
        weight = fake(self.weight, self.weight_scale(), -LEVELS, LEVELS) if self.quantized else self.weight
        y = F.relu(F.conv2d(x, weight.to(x.dtype), self.bias.to(x.dtype), self.stride, self.padding, self.dilation))
        if self.watching:  # all but the rarest activations fit
            top = torch.quantile(y.float().flatten()[:: max(1, y.numel() // 1_000_000)], 0.9999) / STEPS
            self.scale.copy_(top if self.scale == 0 else 0.95 * self.scale + 0.05 * top)
        return fake(y, self.scale.to(y.dtype), 0, STEPS) if self.quantized else y


def equalize(blocks: list[QuantBlock]) -> None:
    """Shifts weight between neighbours, channel by channel, so that one scale serves a layer well.
    ReLU lets positive factors through, so the net computes the same."""
    for _ in range(10):
        for this, after in zip(blocks, blocks[1:]):
            out = this.weight.detach().abs().amax((1, 2, 3))
            into = after.weight.detach().abs().amax((0, 2, 3))
            factor = (torch.sqrt(out * into) / out.clamp(min=1e-8)).clamp(0.05, 20)
            with torch.no_grad():
                this.weight.mul_(factor[:, None, None, None])
                this.bias.mul_(factor)
                after.weight.div_(factor[None, :, None, None])


def quantized(net: nn.Module) -> nn.Module:
    """Replaces the trunk's blocks in place and equalizes them."""
    blocks = [QuantBlock(b) for b in net.trunk]
    equalize(blocks)
    net.trunk = nn.Sequential(*blocks)
    return net


def settle(net: nn.Module, batches: list[torch.Tensor]) -> None:
    """Takes the activations' scales from some inputs, then switches rounding on."""
    for block in net.trunk:
        block.watching = True
    with torch.no_grad():
        for batch in batches:
            net.trunk(on_grid(batch))
    for block in net.trunk:
        block.watching, block.quantized = False, True


def on_grid(x: torch.Tensor) -> torch.Tensor:
    """Inputs 0..1 as the first layer gets them."""
    return fake(x, 1 / STEPS, 0, STEPS)
