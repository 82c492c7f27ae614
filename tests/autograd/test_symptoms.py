"""What torch and drivers say: exhausted memory is known by all its names, a refusal is not taken for it."""

from __future__ import annotations

import pytest
import torch

from nncheck.autograd.symptoms import is_broken, is_out_of_memory


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("Could not allocate tensor with 4096 bytes. There is not enough GPU video memory available!"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to"),
        RuntimeError("Native API failed. Native API returns: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)"),
        RuntimeError("The operation failed: HRESULT 8007000E"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_exhausted_memory_is_known_by_all_its_names(error: BaseException) -> None:
    assert is_out_of_memory(error)
    assert is_broken(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("The GPU device does not support Double (Float64) operations!"), ValueError("out of memory")]
)
def test_a_refusal_is_not_taken_for_exhausted_memory(error: BaseException) -> None:
    assert not is_out_of_memory(error)
    assert not is_broken(error)


def test_the_assert_of_a_driver_beside_the_cpu_is_no_fault_of_a_case() -> None:
    said = "device_ready_queues_.size() INTERNAL ASSERT FAILED"
    assert is_broken(RuntimeError(said))
