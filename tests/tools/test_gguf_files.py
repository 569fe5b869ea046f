"""The checkpoint that llama.cpp is given is the one that is read here."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import LlavaForConditionalGeneration

from tools.doubles.gguf_files import HEAD, class_token_last, say_whole_characters, write_gguf
from tools.engine import SIDE, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("gguf") / "llava")
    say_whole_characters(folder)
    return folder


def test_only_tokens_that_are_whole_characters_are_said(folder):
    head = load_file(folder / "model.safetensors")[HEAD]
    said = np.flatnonzero(head.any(axis=1))
    assert 1 in said and not {0, 2, 3} & set(said)  # the end token, and no other special one
    assert 100 < len(said) < len(head) - 100


def test_both_files_hold_its_weights(folder):
    gguf = pytest.importorskip("gguf")
    model, projector = (gguf.GGUFReader(path) for path in write_gguf(folder))
    weights = load_file(folder / "model.safetensors")
    found = {one.name: np.array(one.data) for one in (*model.tensors, *projector.tensors)}
    assert len(found) == len(weights) - 2  # llama.cpp would apply the tower's last norm
    np.testing.assert_array_equal(found["output.weight"], weights[HEAD])
    # Of both rotated halves of a head of 32, llama.cpp wants the rows by turns.
    key = weights["language_model.model.layers.1.self_attn.k_proj.weight"]
    np.testing.assert_array_equal(found["blk.1.attn_k.weight"][:4], key[[0, 16, 1, 17]])
    assert model.fields["tokenizer.ggml.tokens"].contents()[1] == "</s>"


def test_a_class_token_behind_the_patches_changes_what_the_tower_sees(folder):
    model = LlavaForConditionalGeneration.from_pretrained(folder).eval()
    image = torch.arange(3 * SIDE * SIDE).reshape(1, 3, SIDE, SIDE) / 1e5
    embeddings = model.model.vision_tower.embeddings

    def seen():
        with torch.no_grad():
            return embeddings(image)[0] - embeddings.position_embedding.weight

    first = seen()
    with class_token_last():
        last = seen()
    torch.testing.assert_close(last, torch.cat([first[1:], first[:1]]))
    torch.testing.assert_close(seen(), first)
