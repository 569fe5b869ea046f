"""Counted FLOPs against sums done by hand, and against the paper's estimate."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from core.cost import prefill_flops, sample_flops
from core.vlm import Request
from core.vlm.flops.formulas import count_flops, exact_flops, paper_flops
from tests.support.tiny import LAYERS
from tools.timing import vlm as bench

QUESTION = "what is written on the red sign?"


def language_flops(vlm, n, behind=0, heads=1, layers=LAYERS):
    """Of the tiny language model, for n tokens behind others; the output head `heads` times."""
    d, d_ff, d_kv, vocabulary = 32, 64, 16, vlm._model.config.text_config.vocab_size
    linear = 2 * d * d + 2 * d * d_kv + 3 * d * d_ff  # q, o; k, v; gate, up, down
    attention = 2 * n * (behind + n) * d  # q K^T and weights V
    return 2 * (layers * (n * linear + attention) + heads * d * vocabulary)


@pytest.mark.parametrize("kernel", ["causal", "masked", "eager"])
@torch.inference_mode()
def test_attention_is_counted_whichever_kernel_runs_it(vlm, kernel):
    query, key = torch.randn(1, 2, 5, 8), torch.randn(1, 2, 7, 8)
    attend = torch.nn.functional.scaled_dot_product_attention
    work = {
        "causal": lambda: attend(key, key, key, is_causal=True),
        "masked": lambda: attend(query, key, key, torch.ones(5, 7, dtype=torch.bool)),
        "eager": lambda: (query @ key.transpose(2, 3)).softmax(-1) @ key,
    }[kernel]
    queries = 7 if kernel == "causal" else 5
    assert count_flops(work) == 2 * 2 * 2 * queries * 7 * 8


def test_what_is_summed_from_shapes_is_what_is_counted(family, images):
    """Prefill behind a prefix, alone and in a padded batch; attention rows; decoding."""
    image, local = images
    look = family.look(image)
    work = {
        "look": lambda: family.look(image),
        "first": lambda: family.answer(look, QUESTION, None, 1),
        "generic": lambda: family.attend(look, family.info.generic_prompt),
        "second": lambda: family.answer(look, QUESTION, local, 4),
        "drafted": lambda: family.answer(look, QUESTION, local, 4, draft=(7, 7, 7)),
        "batch": lambda: family.answer_batch(
            [Request(look, QUESTION, local), Request(look, "so?")], 3
        ),
        "local": lambda: family.look(local),
    }
    for name, run in work.items():
        expected = count_flops(run)
        for _ in range(2):  # what was counted for this shape before, and not
            with family.tally() as tally:
                run()
            # Some families compute their rotary positions as a product, which is not summed.
            assert tally.flops == pytest.approx(expected, rel=2e-3), name
        assert expected > 0
    with family.tally() as tally:
        pass
    assert tally.flops == 0


def test_threads_tally_for_themselves(vlm, images):
    def flops(i):
        with vlm.tally() as tally:
            vlm.answer(vlm.look(images[i % 2]), QUESTION, None, 1 + i)
        return tally.flops

    expected = [flops(i) for i in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(flops, [0, 1, 2, 3] * 3)) == expected * 3
    assert len(set(expected)) == 4


def test_steps_are_counted_as_they_are_executed(vlm, images):
    tokens, (image, local) = 4, images
    flops = exact_flops(vlm, image, QUESTION, local, tokens)
    look = vlm.look(image)
    held = len(look.prefix.ids)
    one, two = (len(vlm._ids(QUESTION, [look.visual] * n)) for n in (1, 2))
    encode = count_flops(lambda: vlm._encode([image]))
    row = 2 * 32  # of the layer whose attention is asked for, a key

    def decode(n):
        return sum(language_flops(vlm, 1, behind=n + i) for i in range(tokens - 1))

    assert encode > 0
    assert flops["first answer"].decode == decode(one)
    assert flops["second answer"].decode == decode(two)
    expected = encode + language_flops(vlm, two - held, held) + row * two
    assert flops["second answer"].prefill == expected
    # Of the prefix, the last layer's keys and values only; its queries come with them.
    d, d_kv = 32, 16
    last = 2 * held * (d * d + 2 * d * d_kv) + row * held
    prefix = language_flops(vlm, held, heads=0, layers=LAYERS - 1) + last
    suffix = language_flops(vlm, one - held, held) + row * one
    assert flops["first answer"].prefill == encode + prefix + suffix
    assert 0 < flops["relative attention"].prefill < suffix
    assert flops["relative attention"].decode == 0
    total = flops["first answer"]
    assert total.total == total.prefill + total.decode


def test_the_papers_estimate_has_the_same_steps(vlm, images):
    info = vlm.info
    paper = paper_flops(info)
    assert list(paper) == list(exact_flops(vlm, images[0], QUESTION, images[1], 1))
    assert sum(flops.total for flops in paper.values()) == sample_flops(
        True, info.visual_tokens, info.hidden, info.layers
    )
    assert paper["second answer"].prefill == prefill_flops(
        2 * info.visual_tokens, info.hidden, info.layers
    )


@pytest.mark.parametrize("shape", ["pocket", "llava"])
def test_a_retransmitted_question_takes_half_the_flops_of_the_plain_path(shape):
    torch.manual_seed(0)
    vlm = bench.untrained(shape, device="cpu")
    (case,) = bench.text_cases(vlm, 1, max_new_tokens=3)
    paths = {name: path(vlm, case) for name, path in bench.PATHS.items()}
    flops = {
        name: sum(count_flops(step) for step in steps.values()) for name, steps in paths.items()
    }
    assert flops["shared"] <= 0.5 * flops["reference"]
    assert flops["shared"] <= 1.2 * flops["floor"]
    if shape == "llava":
        assert vlm.info.visual_tokens == 576
        encode = count_flops(lambda: vlm._encode([case.image]))
        answer = count_flops(lambda: vlm.answer(vlm.look(case.image), case.question, None, 1))
        assert answer - encode >= 10 * encode


def test_a_first_stage_beside_a_second_one_is_not_padded_to_it(vlm, images):
    looks = vlm.look_batch(images[:2])
    first = [Request(look, QUESTION) for look in looks]
    second = [Request(look, QUESTION, images[0]) for look in looks]

    def flops(requests):
        with vlm.tally() as tally:
            answers = vlm.answer_batch(requests, 2)
        return tally.flops, [answer.text for answer in answers]

    flops(second)  # an image of this size is counted once
    mixed, texts = flops([first[0], second[0], first[1], second[1]])
    (of_first, says_first), (of_second, says_second) = flops(first), flops(second)
    assert mixed == of_first + of_second
    assert texts == [says_first[0], says_second[0], says_first[1], says_second[1]]
