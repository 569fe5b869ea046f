"""The model in training: its losses, and the heads of those beside the answers'.

Besides the answers' cross-entropy there are auxiliary losses, all stated in the model card. Of the
tower: the characters in each cell of a chart or scene (and, in each visual token, with their places
in the word: the decoder finds the third letter by its being a third letter, and needn't count), the
sign or object in each cell of a scene, and the cell's row and column. Of one layer of the language
model: the attention of the last prompt token, which is drawn to the asked object (and, for the
generic prompt, over the whole image), and, at each name in a question, the row and column of what
it stands for. And of the next one, behind two names: on which sides of the second the first lies,
because "is it to the left" is one bit of that compared with one of the question, and a comparison
of bits that aren't there yet gives no gradient to make them.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask
from transformers.models.llama.modeling_llama import repeat_kv

from core.pocket.labels import CHARACTERS, IGNORE, MAX_LENGTH, SURFACES
from core.pocket.model import GRID, MEAN, STD, build_model
from core.pocket.packing import Batch, round_up
from core.pocket.recipe import Recipe
from core.signs.scenes import COLORS


class Focus:
    """Collects, in one layer, log attention over the global image's tokens for chosen queries."""

    def __init__(self, layer: int, query: torch.Tensor, visual: int):
        self.layer, self.query, self.visual, self.rows = layer, query, visual, None

    def collect(self, query, key, scaling) -> None:
        chosen = query[self.query[:, 0], :, self.query[:, 1]].float()  # (F, heads, d)
        keys = key[:, :, 1 : 1 + self.visual]  # behind <s>
        # Indexing would do, too, but its gradient adds in an order that differs every time.
        keys = keys.index_select(0, self.query[:, 0]).float()  # (F, heads, n_v, d)
        scores = (chosen[:, :, None] * keys).sum(-1) * scaling  # no matmul: F differs every time
        self.rows = scores.softmax(-1).mean(1)


def focused_attention(
    module, query, key, value, attention_mask, scaling=None, focus=None, **kwargs
):
    if focus is not None and module.layer_idx == focus.layer and len(focus.query):
        focus.collect(query, repeat_kv(key, module.num_key_value_groups), scaling)
    return sdpa_attention_forward(
        module, query, key, value, attention_mask, scaling=scaling, **kwargs
    )


AttentionInterface.register("pocket_training", focused_attention)
AttentionMaskInterface.register("pocket_training", sdpa_mask)


class Trainee(nn.Module):
    """The VLM with the heads of the auxiliary losses, which are not part of the checkpoint."""

    def __init__(self, settings: Recipe, tokenizer):
        super().__init__()
        self.settings = settings
        self.vlm = build_model(tokenizer, settings.attention_layer)
        self.vlm.set_attn_implementation({"text_config": "pocket_training"})
        self.image_id = self.vlm.config.image_token_id
        vision: Any = self.vlm.config.vision_config
        text: Any = self.vlm.config.text_config
        middle, last = vision.hidden_sizes[1:]
        self.character_head = nn.Linear(middle, len(CHARACTERS) + 1)
        self.color_head = nn.Linear(last, len(COLORS) + 1)
        self.shape_head = nn.Linear(last, len(SURFACES) + 1)
        self.spelling_head = nn.Linear(last, MAX_LENGTH * (len(CHARACTERS) + 1))
        self.place_head = nn.Linear(last, 2 * GRID)
        self.name_head = nn.Linear(text.hidden_size, 2 * GRID)
        self.pair_head = nn.Linear(text.hidden_size, 2)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None] * 255)
        self.register_buffer("std", torch.tensor(STD)[:, None, None] * 255)

    def see(self, pixels):
        """Features after the middle stage (stride 8) and after the last (stride 16)."""
        tower = self.vlm.model.vision_tower
        middle = []
        hook = tower.encoder.stages[1].register_forward_hook(
            lambda m, i, out: middle.append(out[1])
        )
        try:
            out = tower((pixels.float() - self.mean) / self.std, output_hidden_states=True)
        finally:
            hook.remove()
        return middle[0], out.hidden_states[-1]

    def forward(
        self, batch: Batch | None, charts, answers=True, frozen=False
    ) -> dict[str, torch.Tensor]:
        """The losses; `answers` tells whether the questions of the batch are asked."""
        losses: dict[str, torch.Tensor] = {}
        if charts is not None:
            pixels, *labels = charts
            losses |= self.character_loss("chart", *self.see(pixels), *labels)
        if batch is not None:
            with torch.set_grad_enabled(not frozen):
                middle, last = self.see(batch.pixels)
            if batch.surfaces is not None:
                losses |= self.surface_loss(last, batch.surfaces.flatten(1, 2))
                if last.shape[1] == GRID * GRID:  # a strip doesn't show which of the rows it is
                    losses |= self.place_loss(last)
                labels = batch.characters, batch.spelling
                losses |= self.character_loss("letters", middle, last, *labels)
            if answers:
                losses |= self.answer_losses(batch, last)
        return losses

    def character_loss(self, name, middle, last, characters, spelling):
        """Characters from the middle stage's cells, and from visual tokens also their places."""
        size = len(CHARACTERS) + 1
        logits = self.character_head(middle).float()
        spelled = self.spelling_head(last).float().unflatten(-1, (MAX_LENGTH, size)).flatten(1, 2)
        cell = _cross_entropy(logits, characters.flatten(1), background=0.2)
        token = _cross_entropy(spelled, spelling.flatten(1), background=0.1)
        return {
            name: cell + token,
            f"{name}_accuracy": _accuracy(logits, characters.flatten(1)),
            f"{name}_spelling_accuracy": _accuracy(spelled, spelling.flatten(1)),
        }

    def answer_losses(self, batch: Batch, features: torch.Tensor):
        s = self.settings
        losses: dict[str, torch.Tensor] = {}
        visual = self.vlm.model.multi_modal_projector(features)
        embeds = self.vlm.get_input_embeddings()(batch.ids).to(visual.dtype)
        place = (batch.ids == self.image_id)[..., None].expand_as(embeds)
        embeds = embeds.masked_scatter(place, visual)
        focus = Focus(s.attention_layer, batch.focus_query, visual.shape[1])
        out = self.vlm.model.language_model(
            inputs_embeds=embeds,
            attention_mask=batch.mask,
            position_ids=batch.positions,
            use_cache=False,
            focus=focus,
            output_hidden_states=True,
        )
        hidden, layers = out.last_hidden_state, out.hidden_states
        chosen = batch.labels != IGNORE
        rows = hidden[chosen]
        padded = F.pad(rows, (0, 0, 0, round_up(len(rows)) - len(rows)))
        logits = self.vlm.lm_head(padded)[: len(rows)].float()
        labels, weights = batch.labels[chosen], batch.weights[chosen]
        each = F.cross_entropy(logits, labels, reduction="none")
        losses["answer"] = (each * weights).sum() / weights.sum()
        losses["token_accuracy"] = (logits.argmax(-1) == labels).float().mean().detach()
        if len(batch.name_query):
            named = layers[s.attention_layer + 1][batch.name_query[:, 0], batch.name_query[:, 1]]
            losses |= _place_losses("name", self.name_head(named), batch.name_place)
        if len(batch.pair_query):
            behind = layers[s.attention_layer + 2][batch.pair_query[:, 0], batch.pair_query[:, 1]]
            losses |= _offset_losses("pair", self.pair_head(behind), batch.pair_offset)
        if focus.rows is not None:
            rows = focus.rows.clamp_min(1e-8).log()
            cross = -(batch.focus_target * rows).sum(-1)
            generic = batch.focus_generic
            losses["generic"] = cross[generic].mean() if generic.any() else cross.sum() * 0
            losses["focus"] = cross[~generic].mean() if (~generic).any() else cross.sum() * 0
            peak = batch.focus_target.gather(1, focus.rows.argmax(1, keepdim=True))[:, 0]
            found = peak > 0.3 * batch.focus_target.amax(1)
            losses["found"] = found[~generic].float().mean().detach()
        return losses

    def surface_loss(self, features, labels):
        losses = {"surface": 0}
        for name, head, target in (
            ("color", self.color_head, labels[..., 0]),
            ("shape", self.shape_head, labels[..., 1]),
        ):
            logits = head(features).float()
            losses["surface"] = losses["surface"] + _cross_entropy(logits, target, background=0.2)
            losses[f"{name}_accuracy"] = _accuracy(logits, target)
        return losses

    def place_loss(self, features):
        """Each token's row and column, of GRID x GRID."""
        side = torch.arange(GRID, device=features.device)
        grid = torch.cartesian_prod(side, side)
        places = grid.repeat(len(features), 1)
        return _place_losses("place", self.place_head(features.flatten(0, 1)), places)

    def total(self, losses) -> torch.Tensor:
        s = self.settings
        beside = "answer" in losses
        weights = {
            "answer": 1.0,
            "chart": s.chart_weight if beside else 1.0,
            "letters": s.letters_weight if beside else 1.0,
            "surface": s.surface_weight if beside else 1.0,
            "place": s.place_weight if beside else 1.0,
            "name": s.name_weight,
            "pair": s.pair_weight,
            "focus": s.focus_weight,
            "generic": s.generic_weight,
        }
        return sum(weights[name] * loss for name, loss in losses.items() if name in weights)


def _cross_entropy(logits, labels, background: float) -> torch.Tensor:
    """Of dense labels; nearly all are background (0), which therefore counts less."""
    weight = torch.ones(logits.shape[-1], device=logits.device)
    weight[0] = background
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), weight=weight)


def _place_losses(name: str, logits, places) -> dict[str, torch.Tensor]:
    """Of rows and columns told by 2 * GRID logits; places: (..., 2)."""
    logits = logits.float().unflatten(-1, (2, GRID))
    right = (logits.argmax(-1) == places).all(-1)
    return {
        name: 2 * F.cross_entropy(logits.flatten(0, 1), places.flatten()),
        f"{name}_accuracy": right.float().mean().detach(),
    }


def _offset_losses(name: str, logits, offset) -> dict[str, torch.Tensor]:
    """Of the signs of offsets, told by a logit each; 0 is left out."""
    logits, offset = logits.float()[offset != 0], offset[offset != 0]
    return {
        name: F.binary_cross_entropy_with_logits(logits, (offset > 0).float()),
        f"{name}_accuracy": ((logits > 0) == (offset > 0)).float().mean().detach(),
    }


def _accuracy(logits, labels) -> torch.Tensor:
    """The share of characters, without the background, that are told right."""
    return (logits.argmax(-1) == labels)[labels > 0].float().mean().detach()
