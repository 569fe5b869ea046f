import pytest
import torch
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from core.pocket import check as checking
from core.pocket import train as training
from core.pocket import trainee as trainees
from core.pocket.model import GRID, build_model, continued
from core.pocket.recipe import PHASES, SLOWER, Recipe, rate_at
from core.pocket.tokenizer import build_tokenizer
from core.pocket.train import train
from core.vlm import load_vlm
from core.vlm.loading.checkpoint import POCKET


def small_model(tokenizer, attention_layer):
    """Pocket, narrow and shallow: what a step costs is then the scenes it is made of."""
    with torch.device("meta"):
        config = build_model(tokenizer, attention_layer).config
    vision, text = config.vision_config, config.text_config
    vision.embed_dim, vision.hidden_sizes, vision.hidden_size = 8, [8, 16, 32], 32
    vision.depths = [1, 1, 1]
    text.hidden_size, text.intermediate_size, text.head_dim = 32, 48, 8
    text.num_hidden_layers = attention_layer + 2  # the losses look at two layers behind it
    return LlavaForConditionalGeneration(config)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(trainees, "build_model", small_model)


def _settings(frozen=0):
    return Recipe(
        steps=dict.fromkeys(PHASES, 2),
        attention_layer=0,
        frozen=frozen,
        batch={"charts": 1, "views": 1, "primer": 2, "strips": 2, "scenes": 1},
        charts_beside=dict.fromkeys(PHASES, 1),
        crowds=dict.fromkeys(PHASES, 1),
        warmup=2,
    )


def _weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "checkpoint" / "model.safetensors")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr(training, "fast_dtype", lambda: dtype)
    train(tmp_path / "whole", _settings(), workers=0, save_every=0, check_every=0)

    real, calls = training.save_checkpoint, []

    def dies_after_saving(*args):
        real(*args)
        calls.append(args)
        if len(calls) in (1, 4, 8):
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "save_checkpoint", dies_after_saving)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "killed", _settings(), workers=0, save_every=0, check_every=0)
    train(tmp_path / "killed", _settings(), workers=0, save_every=0, check_every=0)

    whole, killed = _weights(tmp_path / "whole"), _weights(tmp_path / "killed")
    assert whole.keys() == killed.keys()
    assert all(torch.equal(whole[name], killed[name]) for name in whole)
    vlm = load_vlm(tmp_path / "whole" / "checkpoint")
    assert vlm.geometry((192, 192)).grid == (12, 12) and vlm.info.base_side == 192


def test_the_rate_warms_up_stays_and_falls_in_the_last_phase():
    settings = Recipe(dict.fromkeys(PHASES, 100) | {"scenes": 1000}, rate=1.0, decay=0.2)
    rates = [rate_at(settings, "scenes", step) for step in range(1000)]
    high = SLOWER["scenes"]
    assert rates[0] == pytest.approx(high / 100) and rates[99:800] == [high] * 701
    assert rates[900] == pytest.approx(high / 2) and rates[999] == pytest.approx(high / 100)
    assert rate_at(settings, "charts", 99) == 1.0
    settings.decay = 0
    assert rate_at(settings, "scenes", 999) == high  # it doesn't fall


def test_training_goes_on_from_a_checkpoint(tmp_path):
    train(tmp_path / "first", _settings(), workers=0, save_every=1e9, check_every=0)
    nothing = Recipe(steps=dict.fromkeys(PHASES, 0), attention_layer=0)
    start = tmp_path / "first" / "checkpoint"
    train(tmp_path / "second", nothing, workers=0, save_every=1e9, init=start, check_every=0)
    first, second = _weights(tmp_path / "first"), _weights(tmp_path / "second")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_frozen_tower_stays_as_the_views_have_made_it(tmp_path, monkeypatch):
    seen = {}

    def remember(folder, trainee, optims, phase, step, settings):
        tower = trainee.vlm.model.vision_tower.state_dict()
        seen[phase, step] = {name: value.clone() for name, value in tower.items()}

    monkeypatch.setattr(training, "save_checkpoint", remember)
    train(tmp_path, _settings(frozen=1), workers=0, save_every=0, check_every=0)
    before, frozen, after = (seen["scenes", step] for step in range(3))
    assert all(torch.equal(before[name], frozen[name]) for name in before)
    assert not all(torch.equal(before[name], after[name]) for name in before)


def test_sides_are_told_apart_and_ties_left_out():
    offset = torch.tensor([[2, -1], [0, 3]])
    right = trainees._offset_losses("pair", 9.0 * torch.tensor([[1.0, -1], [-1, 1]]), offset)
    wrong = trainees._offset_losses("pair", 9.0 * torch.tensor([[-1.0, 1], [-1, -1]]), offset)
    assert right["pair"] < 0.01 and right["pair_accuracy"] == 1
    assert wrong["pair"] == pytest.approx(9, abs=0.01) and wrong["pair_accuracy"] == 0


def test_places_are_told_by_row_and_column():
    places = torch.tensor([[3, 4], [0, 11]])
    logits = torch.zeros(2, 2 * GRID)
    logits[[0, 0, 1, 1], [3, GRID + 4, 0, GRID + 11]] = 20.0
    assert trainees._place_losses("place", logits, places)["place"] < 0.01
    swapped = trainees._place_losses("place", logits, places.flip(1))
    assert swapped["place_accuracy"] == 0 and swapped["place"] > 30


def test_the_focus_gives_the_same_gradient_every_time():
    """With several threads, too: what repeats a run to the bit adds in one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        key = torch.rand(2, 4, 150, 64, generator=torch.Generator().manual_seed(0))
        query = torch.tensor([[i % 2, i] for i in range(64)])
        gradients = []
        for _ in range(8):
            leaf = key.clone().requires_grad_()
            focus = trainees.Focus(0, query, 144)
            focus.collect(key, leaf, 0.1)
            focus.rows.square().sum().backward()
            gradients.append(leaf.grad)
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(gradient, gradients[0]) for gradient in gradients)


def test_what_is_known_stays_and_new_tokens_begin_as_what_spelled_them():
    known = PreTrainedTokenizerFast.from_pretrained(POCKET)
    start = LlavaForConditionalGeneration.from_pretrained(POCKET, dtype=torch.float32)
    tokenizer = build_tokenizer()
    tokenizer.add_tokens(["upside down"])
    state = continued(start, known, tokenizer)
    name = "model.language_model.embed_tokens.weight"
    before, after = start.state_dict()[name], state[name]
    assert len(after) == len(tokenizer) == len(before) + 1

    def row(token):
        return after[tokenizer.get_vocab()[token]]

    for token in ("Ġsign", "A", "q", "7", "<image>", "</s>", "no such sign"):
        assert torch.equal(row(token), before[known.get_vocab()[token]])
    pieces = known("upside down", add_special_tokens=False).input_ids
    assert len(pieces) > 1 and torch.allclose(row("upside down"), before[pieces].mean(0))
    assert all(
        torch.equal(state[name], value)
        for name, value in start.state_dict().items()
        if "embed_tokens" not in name and "lm_head" not in name
    )


def test_a_check_asks_freely_about_validation_pictures(monkeypatch):
    monkeypatch.setattr(checking, "EACH", 1)
    checking.pictures.cache_clear()
    rows = checking.pictures()
    assert [row[0] for row in rows] == list(checking.KINDS)
    assert all(row[1].shape == (192, 192, 3) for row in rows)
    tokenizer = build_tokenizer()
    trainee = trainees.Trainee(_settings(), tokenizer)
    found = checking.check(trainee, tokenizer)
    assert found.keys() >= {"all", "ignoring case", *checking.KINDS} and found["all"] == 0
    monkeypatch.setattr(
        checking, "answers", lambda trainee, tokenizer, asked: [row[3].lower() for row in rows]
    )
    found = checking.check(trainee, tokenizer)
    assert found["ignoring case"] == 100 and found["lower"] == 100 and found["upper"] == 0
    checking.pictures.cache_clear()
