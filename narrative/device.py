"""Which device, number type and threads a run gets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from narrative.errors import require_choice

if TYPE_CHECKING:  # torch costs seconds, and the command line wants no more from here than the names of the precisions
    import torch

PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Device:
    """A place to compute: `name` as torch spells it, and whether bfloat16 is native there."""

    name: str
    label: str
    fast_bfloat16: bool
    memory: int  # bytes; of the GPU, or of the machine

    @property
    def torch(self) -> torch.device:
        import torch

        return torch.device(self.name)


def best_device() -> Device:
    """The first GPU if there is one, else Apple's, else the processor."""
    import torch

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return Device("cuda:0", properties.name, torch.cuda.is_bf16_supported(including_emulation=False), properties.total_memory)
    if torch.backends.mps.is_available():
        return Device("mps", "Apple GPU", False, _machine_memory())
    return Device("cpu", f"{os.cpu_count()} processor cores", _cpu_has_bfloat16(), _machine_memory())


def precision_for(device: Device, wanted: str = "auto") -> str:
    """`auto` is bfloat16 only where it is native: emulated on older processors it is several times slower than float32."""
    require_choice("precision", wanted, PRECISIONS)
    if wanted != "auto":
        return wanted
    return "bfloat16" if device.fast_bfloat16 else "float32"


def _cpu_has_bfloat16() -> bool:
    import torch

    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, probe, bool)() for probe in probes)


def _machine_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 0
