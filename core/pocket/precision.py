"""The number format that training computes in: bfloat16 where the processor is fast at it.

Elsewhere libraries emulate it: on a processor with AVX2 only, bfloat16 matrices take thirty times
as long as float32 ones, and `torch.optim.Muon` has no option to do without them.
"""

import math
import time

import torch


def fast_dtype() -> torch.dtype:
    """Return bfloat16 if this processor multiplies matrices faster in it, else float32.

    Measured, which takes a few hundredths of a second: what a processor says of itself
    is not what the libraries make of it.
    """
    matrix = torch.ones(192, 192)
    return min((torch.float32, torch.bfloat16), key=lambda dtype: _seconds(matrix.to(dtype)))


def _seconds(matrix: torch.Tensor) -> float:
    """Return the least time that a product took: other work on the machine only adds to it."""
    times = []
    for _ in range(6):  # the first one also pays for the library's preparations
        begin = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - begin)
    return min(times)


class Float32Muon(torch.optim.Muon):
    """torch's Muon with its matrix products in float32; the state of either continues the other.

    Takes `adjust_lr_fn="match_rms_adamw"` and Nesterov's momentum for given: training uses nothing
    else.
    """

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]  # no closure
        for group in self.param_groups:
            rate = group["lr"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(p.grad)
                average = state["momentum_buffer"].lerp_(p.grad, 1 - group["momentum"])
                update = orthogonalized(
                    p.grad.lerp(average, group["momentum"]),
                    group["ns_coefficients"],
                    group["ns_steps"],
                    group["eps"],
                )
                p.mul_(1 - rate * group["weight_decay"])
                p.add_(update, alpha=-rate * 0.2 * math.sqrt(max(p.shape)))


def orthogonalized(
    matrix: torch.Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> torch.Tensor:
    """Return the matrix with its singular values brought near 1, by Newton-Schulz iterations.

    The quintic a x + b x^3 + c x^5 of Keller Jordan's Muon, as in torch, but in the matrix's own
    number format.
    """
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix  # the smaller of the two Gram matrices
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
