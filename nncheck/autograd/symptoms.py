"""What torch and drivers say when an operator falls back, memory is exhausted or a device is gone."""

from __future__ import annotations

#: How torch warns that an operator was computed on the CPU: DirectML and MPS in the one way, XPU in the other.
FELL_BACK = r"fall(?:ing)? back to run on the CPU"

# How exhausted memory is said: by torch, CUDA and cuBLAS, by XPU, by DirectML and Windows, by torch's own allocator.
_NO_MEMORY = (
    "out of memory",
    "out_of_memory",
    "outofmemory",
    "alloc_failed",
    "not enough gpu video memory",
    "not enough memory",
    "can't allocate memory",
    "out_of_resources",
    "out_of_device_memory",
    "out_of_host_memory",
    "8007000e",
    "bad_alloc",
)
# What torch says in any backward pass, on the CPU too, once a driver came too late or went away.
_BROKEN = ("device_ready_queues_", "The GPU device has been removed", "887A0005", "DXGI_ERROR_DEVICE")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is exhausted, which the next smaller case may not do."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch.cuda's, and torch's own
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in said for words in _NO_MEMORY)


def is_broken(error: BaseException) -> bool:
    """Whether an error of a computation on the CPU is that of a driver beside it, or of memory: no fault of a case."""
    return is_out_of_memory(error) or any(words in str(error) for words in _BROKEN)
