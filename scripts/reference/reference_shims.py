"""Writes csrc/tests/testdata/values.pt, the TorchScript archive that the C++ tests call.

    python scripts/reference/reference_shims.py

Its methods take and give each kind of value that crosses the C ABI, and fail on purpose.
"""

import warnings
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

from neutral_paths import take_out_paths

OUTPUT = Path(__file__).resolve().parents[2] / "csrc" / "tests" / "testdata" / "values.pt"


class Values(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([2.0]))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale

    @torch.jit.export
    def describe(
        self, x: Tensor, numbers: List[int], pair: Tuple[str, float], absent: Optional[Tensor]
    ) -> Dict[str, Tuple[Tensor, int, float, bool, List[str]]]:
        total = 0
        for number in numbers:
            total += number
        return {pair[0]: (x + total, total, pair[1], absent is None, [pair[0], "last"])}

    @torch.jit.export
    def warn(self, text: str) -> str:
        warnings.warn(text)
        return text

    @torch.jit.export
    def fail(self, x: Tensor) -> Tensor:
        if x.numel() >= 0:
            raise ValueError("this method always fails")
        return x


if __name__ == "__main__":
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    extra = {"note.txt": "a file beside the code"}
    torch.jit.script(Values()).save(str(OUTPUT), _extra_files=extra)
    take_out_paths(OUTPUT)
