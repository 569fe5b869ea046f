"""Runs of schema 1 and 2, in which messages have no sizes of their own."""

import numpy as np
import pytest

from core.bench import load_run
from core.bench.runs import old_runs
from core.channel import PRESETS, Traffic
from core.messages import Answer, CropRequest, LocalImage, Question
from core.protocol import Box
from tests.support.paths import ROOT

SESSION = "s" * 22
MESSAGES = [  # of one question that is asked twice
    Question((4000, 3000), b"g" * 3_001, "jpeg", "Was heißt „größer“?"),
    Answer('nine "inches"\n', SESSION),
    CropRequest(SESSION, Box(0, 9, 1000, 3000)),
    LocalImage(SESSION, b"l" * 4_001, "jpeg"),
    Answer("zwölf"),
]
SIZES = [message.byte_count for message in MESSAGES]


def columns(first, second, hd):
    """Of the sample above, and of one that failed."""
    return {
        "first_answer": np.array([MESSAGES[1].text, ""], object),
        "second_answer": np.array([MESSAGES[4].text, ""], object),
        "hd_answer": np.array(["zwölf", ""], object),
        "box": np.array([MESSAGES[2].box.as_tuple(), (-1, -1, -1, -1)]),
        "first_message_bytes": np.array([first, 0]),
        "second_message_bytes": np.array([second, 0]),
        "hd_message_bytes": np.array([hd, np.nan]),
        "error": np.array(["", "broken"], object),
    }


def test_each_message_is_found_to_the_byte():
    hd = 9_000 + SIZES[4]
    sizes = old_runs.message_sizes(columns(SIZES[0] + SIZES[1], sum(SIZES[2:]) - SIZES[1], hd))
    found = [values.tolist() for name, values in sizes.items() if not name.startswith("hd_")]
    assert found == [[size, 0] for size in SIZES]
    assert sizes["hd_question_message_bytes"][0] == 9_000
    assert sizes["hd_answer_message_bytes"][0] == SIZES[4]
    assert all(np.isnan(sizes[f"hd_{name}_message_bytes"][1]) for name in ("question", "answer"))


def test_a_file_that_contradicts_itself_has_no_negative_messages():
    """Fewer bytes of messages than the texts alone would need: read as none."""
    sizes = old_runs.message_sizes(columns(10, 10, 1.0))
    assert sizes["question_message_bytes"].tolist() == [0, 0]
    assert all((values[:1] >= 0).all() for values in sizes.values())


SECONDS = {  # what the version before drew of the first samples of its shipped runs: means
    "version5-text": {
        "nb-iot": (2.1912068764568766, 2.1559918414918418),
        "lte": (0.07631289102564104, 0.07593400641025641),
    },
    "version5-presence": {
        "nb-iot": (2.189325757575758, 2.0889487179487185),
        "lte": (0.07629358333333335, 0.07519739743589746),
    },
}


def test_old_runs_take_the_seconds_they_took():
    for name, links in SECONDS.items():
        traffic = Traffic.of_run(load_run(ROOT / f"tests/core/bench/fixtures/{name}.parquet"))
        for link, expected in links.items():
            first, second = traffic.seconds(PRESETS[link])
            assert (float(first.mean()), float(second.mean())) == pytest.approx(expected, rel=1e-12)
