"""What the model is given to read, held against the checkpoint's own files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from core.verify.case import Case
from core.verify.report import Finding

_ANSWER = "Xylophone"  # a word that no template writes
_TEMPLATES = ("chat_template.json", "processor_config.json", "tokenizer_config.json")
_NOT_OURS = ("vision_config", "qformer_config", "audio_config")
_SAMPLING = {  # what checkpoints ask of `generate`, and the value that changes nothing
    "do_sample": False, "temperature": 1.0, "top_k": 50, "top_p": 1.0, "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0, "num_beams": 1,
}  # fmt: skip


def check(case: Case) -> Iterator[Finding]:
    """Yield the prompt as text and ids, and whether template, processor and ends agree with it."""
    vlm, image, question = case.vlm, case.photo.image, case.photo.question
    view = image.resize((96, 96))
    ids = vlm._ids(question, vlm._encode_all([view]))
    text = vlm.prompt_text(question, 1)
    yield Finding("note", f"The prompt: {text!r}", {"text": text})
    yield Finding("note", f"Its tokens: {_runs(ids, vlm._image_id)}", {"ids": ids})
    yield _template(case, question, text)
    yield _written(case, question, ids)
    yield _ends(case)
    if unused := sampling(case.folder):
        said = ", ".join(f"{name} = {value}" for name, value in unused.items())
        yield Finding(
            "note",
            f"generation_config.json asks for {said}: answers here are greedy, and scores the "
            "model's own, so it is not used.",
            unused,
        )


def templates(folder: Path) -> dict[str, str]:
    """Return the chat templates that a checkpoint's files hold: file -> template."""
    found = {}
    if (path := folder / "chat_template.jinja").is_file():
        found[path.name] = path.read_text("utf-8")
    for name in _TEMPLATES:
        said = _read(folder / name).get("chat_template")
        if isinstance(said, list):  # several by name
            said = {one.get("name"): one.get("template") for one in said}.get("default")
        if isinstance(said, str) and "image" in said:
            found[name] = said
    return found


def sampling(folder: Path) -> dict[str, Any]:
    """Return what generation_config.json asks for that would change answers or scores."""
    said = _read(folder / "generation_config.json")
    return {
        name: said[name]
        for name, nothing in _SAMPLING.items()
        if said.get(name) not in (None, nothing)
    }


def ends(case: Case) -> dict[int, str]:
    """Return which tokens end an answer, each with the file that says so; read from the files."""
    folder, tokenizer = case.folder, case.vlm._backend
    said: dict[int, str] = {}
    for name in ("generation_config.json", "config.json"):
        for one in _eos(_read(folder / name)):
            said.setdefault(one, name)
    words = _read(folder / "tokenizer_config.json").get("eos_token")
    word = words.get("content") if isinstance(words, Mapping) else words
    if isinstance(word, str):
        said.setdefault(tokenizer.token_to_id(word), "tokenizer_config.json")
    for name, template in templates(folder).items():
        if (behind := _behind_answer(case, template)) is not None:
            said.setdefault(behind, f"the end of a turn in {name}")
    return said


def _template(case: Case, question: str, text: str) -> Finding:
    vlm, found = case.vlm, templates(case.folder)
    if not found:
        if vlm.info.family == "instructblip":
            return Finding("passed", "The prompt is that of InstructBLIP, which has no template.")
        return Finding("guess", "No file holds a chat template: the prompt is Vicuna's, a guess.")
    content = [{"type": "image"}, {"type": "text", "text": case.vlm.instructed(question)}]
    turn: list[Any] = [{"role": "user", "content": content}]
    for name, template in found.items():
        written = vlm._tokenizer.apply_chat_template(
            turn, chat_template=template, tokenize=False, add_generation_prompt=True
        )
        if written == text:
            return Finding("passed", f"The prompt is what the template in {name} writes.")
    name = next(iter(found))
    return Finding(
        "failed",
        f"The prompt isn't what the chat template in {name} writes: the template is lost. It is "
        f"{text!r}, and should be {written!r}.",
        {"prompt": text, "template": written},
    )


def _written(case: Case, question: str, ids: list[int]) -> Finding:
    view = case.photo.image.resize((96, 96))
    theirs = case.plain.ids([view], question)
    if theirs == ids:
        return Finding("passed", "Token for token, it is what the processor writes.")
    first = next((i for i, pair in enumerate(zip(theirs, ids)) if len(set(pair)) > 1),  # noqa: B905
                 min(len(theirs), len(ids)))  # fmt: skip
    return Finding(
        "failed",
        f"From token {first} on, the prompt isn't what the processor of transformers writes: "
        f"{ids[first : first + 5]} in place of {theirs[first : first + 5]}.",
        {"processor": theirs},
    )


def _ends(case: Case) -> Finding:
    vlm = case.vlm
    read, used = ends(case), vlm._end_ids
    names = {one: vlm.decode_token(one) for one in sorted({*read, *used})}
    facts = {"end_tokens": {str(one): names[one] for one in sorted(used)}}
    if missing := sorted(set(read) - set(used)):
        one = missing[0]
        return Finding(
            "failed",
            f"The token {one} ({names[one]!r}) should end an answer, as {read[one]} says, and "
            "doesn't: answers run on behind it, and what follows goes into their scores.",
            facts,
        )
    if not used:
        return Finding(
            "failed", "Nothing ends an answer: each runs on to the limit of tokens.", facts
        )
    listed = ", ".join(f"{one} ({names[one]!r})" for one in sorted(used))
    return Finding("passed", f"An answer ends with any of {listed}.", facts)


def _behind_answer(case: Case, template: str) -> int | None:
    """The special token that a template writes right behind an answer, found among ids."""
    vlm = case.vlm
    turns: list[Any] = [
        {"role": role, "content": [{"type": "text", "text": text}]}
        for role, text in (("user", "?"), ("assistant", _ANSWER))
    ]
    written: Any
    try:
        written = vlm._tokenizer.apply_chat_template(turns, chat_template=template, tokenize=False)
    except Exception:  # one that knows no answers says nothing about their end
        return None
    _, found, behind = written.rpartition(_ANSWER)
    ids = vlm._backend.encode(behind.lstrip(), add_special_tokens=False).ids if found else []
    return ids[0] if ids and ids[0] in vlm._special else None


def _eos(config: Any) -> Iterator[int]:
    """Every end that a config names, but those of its towers."""
    if not isinstance(config, Mapping):
        return
    for name, value in config.items():
        if name == "eos_token_id" and value is not None:
            yield from value if isinstance(value, list) else [value]
        elif name not in _NOT_OURS:
            yield from _eos(value)


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def _runs(ids: list[int], image_id: int) -> str:
    """The ids, a run of visual tokens as one."""
    words = []
    for one, run in groupby(ids):
        length = len(list(run))
        words.append(
            f"{length} × {one} (visual)" if one == image_id else " ".join([str(one)] * length)
        )
    return " ".join(words)
