import os
import subprocess
import sys

import pytest
import torch

from core.pocket.precision import StackedMuon, fast_dtype, orthogonalized

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def test_bfloat16_is_left_to_processors_that_have_it():
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        pytest.skip("the limits below are those of an x86 processor")
    code = "from core.pocket.precision import fast_dtype; print(fast_dtype())"
    limits = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | limits, capture_output=True, text=True
    )
    assert run.stdout.strip() == "torch.float32", run.stderr
    assert fast_dtype() in (torch.bfloat16, torch.float32)


@pytest.mark.parametrize("shape", [(8, 8), (6, 20), (20, 6)])
def test_singular_values_become_those_of_the_polynomial(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    u, values, v = torch.linalg.svd(matrix.double(), full_matrices=False)
    values = values / values.norm()
    for _ in range(5):
        a, b, c = COEFFICIENTS
        values = a * values + b * values**3 + c * values**5
    right = u @ values.diag() @ v
    torch.testing.assert_close(
        orthogonalized(matrix[None], COEFFICIENTS, 5, 1e-7)[0].double(), right, atol=2e-5, rtol=0
    )


def test_a_run_goes_on_in_the_other_number_format():
    """Each optimizer's steps, and its steps from the other's state, are torch's to bfloat16."""

    def trained(kinds):
        generator = torch.Generator().manual_seed(0)
        weights = [
            torch.nn.Parameter(torch.randn(s, generator=generator))
            for s in ((9, 5), (4, 7), (9, 5))
        ]
        state = None
        for kind in kinds:
            optim = kind(weights, lr=0.1, weight_decay=0.05, adjust_lr_fn="match_rms_adamw")
            if state is not None:
                optim.load_state_dict(state)
            for _ in range(3):
                for p in weights:
                    p.grad = torch.randn(p.shape, generator=generator)
                optim.step()
            state = optim.state_dict()
        return weights

    ours, theirs = StackedMuon, torch.optim.Muon
    right = trained([theirs, theirs])
    for kinds in ([ours, ours], [ours, theirs], [theirs, ours]):
        for one, other in zip(trained(kinds), right, strict=True):
            assert not torch.equal(one, other)
            torch.testing.assert_close(one, other, atol=0.01, rtol=0)
