"""Inception-v4, the paper's image network, in plain torch.

Szegedy et al. 2017, *Inception-v4, Inception-ResNet and the Impact of Residual Connections on
Learning*, figures 3 to 9. Parameters are named as in timm's ``inception_v4``, so that its
ImageNet weights load as they are. Sizes at line ends are for images of 299 x 299.
"""

import torch
from torch import nn

# Numbers in the pooled output of the last block, mixed_7d.
FEATURES = 1536


class InceptionV4(nn.Module):
    """From pixels between -1 and 1 to the pooled features of ``mixed_7d``."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _Conv(3, 32, 3, stride=2),  # (B, 3, 299, 299) -> (B, 32, 149, 149)
            _Conv(32, 32, 3),  # (B, 32, 147, 147)
            _Conv(32, 64, 3, padding=1),  # (B, 64, 147, 147)
            _Mixed3a(),  # (B, 160, 73, 73)
            _Mixed4a(),  # (B, 192, 71, 71)
            _Mixed5a(),  # (B, 384, 35, 35)
            *(_InceptionA() for _ in range(4)),  # (B, 384, 35, 35)
            _ReductionA(),  # (B, 1024, 17, 17)
            *(_InceptionB() for _ in range(7)),  # (B, 1024, 17, 17)
            _ReductionB(),  # (B, 1536, 8, 8)
            *(_InceptionC() for _ in range(3)),  # (B, 1536, 8, 8)
        )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """(B, 3, 299, 299) -> (B, 1536)."""
        maps: torch.Tensor = self.features(pixels)
        return maps.mean(dim=(2, 3))  # (B, 1536, 8, 8) -> (B, 1536)


class _Conv(nn.Module):
    """A convolution without bias, batch normalisation, ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu_(self.bn(self.conv(x)))


def _row(inputs: int, outputs: int, size: int) -> _Conv:
    """A kernel one high and ``size`` wide that keeps the map's size."""
    return _Conv(inputs, outputs, (1, size), padding=(0, size // 2))


def _column(inputs: int, outputs: int, size: int) -> _Conv:
    """A kernel ``size`` high and one wide that keeps the map's size."""
    return _Conv(inputs, outputs, (size, 1), padding=(size // 2, 0))


def _pooled(inputs: int, outputs: int) -> nn.Sequential:
    average = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    return nn.Sequential(average, _Conv(inputs, outputs, 1))


class _Branches(nn.Module):
    """Branches over the same input, joined along the maps; subclasses make branch0, branch1 ..."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self.children()], dim=1)


class _Mixed3a(_Branches):
    def __init__(self) -> None:
        super().__init__()
        self.maxpool = nn.MaxPool2d(3, stride=2)
        self.conv = _Conv(64, 96, 3, stride=2)


class _Mixed4a(_Branches):
    def __init__(self) -> None:
        super().__init__()
        self.branch0 = nn.Sequential(_Conv(160, 64, 1), _Conv(64, 96, 3))
        self.branch1 = nn.Sequential(
            _Conv(160, 64, 1), _row(64, 64, 7), _column(64, 64, 7), _Conv(64, 96, 3)
        )


class _Mixed5a(_Branches):
    def __init__(self) -> None:
        super().__init__()
        self.conv = _Conv(192, 192, 3, stride=2)
        self.maxpool = nn.MaxPool2d(3, stride=2)


class _InceptionA(_Branches):
    def __init__(self) -> None:
        super().__init__()
        self.branch0 = _Conv(384, 96, 1)
        self.branch1 = nn.Sequential(_Conv(384, 64, 1), _Conv(64, 96, 3, padding=1))
        self.branch2 = nn.Sequential(
            _Conv(384, 64, 1), _Conv(64, 96, 3, padding=1), _Conv(96, 96, 3, padding=1)
        )
        self.branch3 = _pooled(384, 96)


class _ReductionA(_Branches):
    def __init__(self) -> None:
        super().__init__()
        self.branch0 = _Conv(384, 384, 3, stride=2)
        self.branch1 = nn.Sequential(
            _Conv(384, 192, 1), _Conv(192, 224, 3, padding=1), _Conv(224, 256, 3, stride=2)
        )
        self.branch2 = nn.MaxPool2d(3, stride=2)


class _InceptionB(_Branches):
    def __init__(self) -> None:
        super().__init__()
        self.branch0 = _Conv(1024, 384, 1)
        self.branch1 = nn.Sequential(_Conv(1024, 192, 1), _row(192, 224, 7), _column(224, 256, 7))
        self.branch2 = nn.Sequential(
            _Conv(1024, 192, 1),
            _column(192, 192, 7),
            _row(192, 224, 7),
            _column(224, 224, 7),
            _row(224, 256, 7),
        )
        self.branch3 = _pooled(1024, 128)


class _ReductionB(_Branches):
    def __init__(self) -> None:
        super().__init__()
        self.branch0 = nn.Sequential(_Conv(1024, 192, 1), _Conv(192, 192, 3, stride=2))
        self.branch1 = nn.Sequential(
            _Conv(1024, 256, 1),
            _row(256, 256, 7),
            _column(256, 320, 7),
            _Conv(320, 320, 3, stride=2),
        )
        self.branch2 = nn.MaxPool2d(3, stride=2)


class _InceptionC(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.branch0 = _Conv(1536, 256, 1)
        self.branch1_0 = _Conv(1536, 384, 1)
        self.branch1_1a = _row(384, 256, 3)
        self.branch1_1b = _column(384, 256, 3)
        self.branch2_0 = _Conv(1536, 384, 1)
        self.branch2_1 = _column(384, 448, 3)
        self.branch2_2 = _row(448, 512, 3)
        self.branch2_3a = _row(512, 256, 3)
        self.branch2_3b = _column(512, 256, 3)
        self.branch3 = _pooled(1536, 256)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        narrow = self.branch1_0(x)  # (B, 1536, 8, 8) -> (B, 384, 8, 8)
        wide = self.branch2_2(self.branch2_1(self.branch2_0(x)))  # -> (B, 512, 8, 8)
        parts = [
            self.branch0(x),
            self.branch1_1a(narrow),
            self.branch1_1b(narrow),
            self.branch2_3a(wide),
            self.branch2_3b(wide),
            self.branch3(x),
        ]
        return torch.cat(parts, dim=1)  # 6 x (B, 256, 8, 8) -> (B, 1536, 8, 8)
