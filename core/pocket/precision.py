"""The number format that training computes in: bfloat16 where the processor is fast at it.

Elsewhere libraries emulate it: on a processor with AVX2 only, bfloat16 matrices take thirty times
as long as float32 ones, and `torch.optim.Muon` has no option to do without them.
"""

import time
from typing import Any

import torch


def fast_dtype() -> torch.dtype:
    """Return bfloat16 if this processor multiplies matrices faster in it, else float32.

    Measured, which takes a tenth of a second: what a processor says of itself
    is not what the libraries make of it.
    """
    matrix = torch.ones(192, 192)
    return min((torch.float32, torch.bfloat16), key=lambda dtype: _seconds(matrix.to(dtype)))


def _seconds(matrix: torch.Tensor) -> float:
    """Return the least time that a product took: other work on the machine only adds to it."""
    times = []
    for _ in range(40):  # the first one also pays for the library's preparations
        begin = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - begin)
    return min(times)


class StackedMuon(torch.optim.Muon):
    """torch's Muon with its products in a format of choice, and all matrices of a shape at once.

    A GPU spends a step of a small model on starting kernels, and pocket has 82 matrices of 14
    shapes. The state of either continues the other. Takes `adjust_lr_fn="match_rms_adamw"` and
    Nesterov's momentum for given: training uses nothing else.
    """

    def __init__(self, *args, dtype: torch.dtype = torch.float32, **kwargs):
        super().__init__(*args, **kwargs)
        self.dtype = dtype

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]  # no closure
        for group in self.param_groups:
            shapes: dict[torch.Size, list[torch.nn.Parameter]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    shapes.setdefault(p.shape, []).append(p)
            for alike in shapes.values():
                self._step_of_one_shape(group, alike)

    def _step_of_one_shape(self, group: dict[str, Any], params: list[torch.nn.Parameter]) -> None:
        rate, tensors = group["lr"], list[torch.Tensor](params)
        gradients = [p.grad for p in tensors if p.grad is not None]
        for p in params:
            if "momentum_buffer" not in self.state[p]:
                self.state[p]["momentum_buffer"] = torch.zeros_like(p)
        averages = [self.state[p]["momentum_buffer"] for p in params]
        torch._foreach_lerp_(averages, gradients, 1 - group["momentum"])
        ahead = torch.stack(torch._foreach_lerp(gradients, averages, group["momentum"]))
        update = orthogonalized(
            ahead.to(self.dtype), group["ns_coefficients"], group["ns_steps"], group["eps"]
        ).to(ahead.dtype)
        torch._foreach_mul_(tensors, 1 - rate * group["weight_decay"])
        torch._foreach_add_(
            tensors, update.unbind(), alpha=-rate * 0.2 * max(ahead.shape[1:]) ** 0.5
        )


def orthogonalized(
    matrices: torch.Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> torch.Tensor:
    """Return matrices, (n, rows, columns), with their singular values brought near 1.

    By Newton-Schulz iterations with the quintic a x + b x^3 + c x^5 of Keller Jordan's Muon, as in
    torch, but in the matrices' own number format.
    """
    a, b, c = coefficients
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices  # the smaller of the two Gram matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
