"""The command of the edge, against a server that really listens; and a server that is killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from core.edge.__main__ import main
from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from tests.support.paths import ROOT
from tests.support.pixels import PixelVLM, picture
from tests.support.serving import serving

SOMETIMES = Gate("min_entropy", 1.3)


@pytest.fixture(scope="module")
def server():
    with serving(SOMETIMES) as (url, _):
        yield url


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for index in range(4):
        picture(spot=(40 * index, 30)).save(folder / f"{index}.png")
    return folder


@pytest.fixture
def command(monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["edge", *map(str, words)])
        try:
            status = main()
        except SystemExit as error:
            status = error.code
        return status, *capsys.readouterr()

    return call


def expected(path, question):
    return ask(Edge(path), Server(PixelVLM(), SOMETIMES), question)


def test_one_question(server, photos, command):
    words = ("--server", server, "--image", photos / "1.png", "--question", "What?")
    transcript = expected(photos / "1.png", "What?")
    status, out, err = command(*words)
    assert (status, out, err) == (0, f"{transcript.answer}\n", "")
    _, out, err = command(*words, "--verbose", "--force")
    for message in transcript.messages:
        assert f"{message.kind:13}{message.byte_count:>9,} B" in err
    assert f"original {(photos / '1.png').stat().st_size:,} B" in err
    _, out, _ = command(*words, "--json")
    assert json.loads(out)["bytes_up"] == sum(
        message.byte_count for message in transcript.messages if message.sender == "edge"
    )


def test_a_folder_and_a_csv(server, photos, command, tmp_path):
    words = ("--server", server, "--image", photos, "--question", "What?")
    status, _, _ = command(*words, "--output", tmp_path / "folder.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "folder.jsonl").read_text().splitlines()]
    assert status == 0 and [line["id"] for line in lines] == [f"{i}.png" for i in range(4)]
    assert lines[2]["answer"] == expected(photos / "2.png", "What?").answer

    table = photos / "list.csv"
    table.write_text("image,question\n0.png,Why?\nnone.png,What?\n3.png,Who?\n")
    status, _, err = command("--server", server, "--csv", table, "--output", tmp_path / "c.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "c.jsonl").read_text().splitlines()]
    assert status == 1 and "none.png" in lines[1]["error"] and "error" in err
    assert "answered: 2, images that can't be used: 1, questions refused: 0, left to ask: 0" in err
    assert lines[2]["answer"] == expected(photos / "3.png", "Who?").answer


def test_a_batch_at_the_wrong_address_goes_on_at_the_right_one(server, photos, command, tmp_path):
    words = ("--image", photos, "--question", "What?", "--output", tmp_path / "out.jsonl")
    for _ in range(2):  # a second start doesn't take the first one's failures for answers
        status, out, err = command("--server", f"{server}/nowhere", *words)
        assert status == 1 and "left to ask: 4" in err and "Not Found" in err and not out
    status, _, err = command("--server", server, *words)
    assert status == 0 and "answered: 4" in err and len(err.splitlines()) == 5


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--image", "x.jpg"), 2, "--question"),
        (("--question", "What?"), 2, "--image"),
        (("--image", "x.jpg", "--question", "Q", "--csv", "y"), 2, "either"),
        (("--image", "x.jpg", "--question", "Q", "--output", "y"), 2, "--output"),
        (("--image", "x.jpg", "--question", "Q", "--quality", "101"), 2, "1 to 100"),
        (("--image", "x.jpg", "--question", "Q"), 1, "There is no file 'x.jpg'"),
        (("--csv", "none.csv", "--output", "y"), 1, "none.csv"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(command, words, status, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    got, out, err = command("--server", "http://127.0.0.1:9", *words)
    assert got == status and said in err and not out and "Traceback" not in err


def test_nobody_there(command, photos):
    words = ("--image", photos / "1.png", "--question", "What?", "--patience", "0.1")
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    status, _, err = command("--server", f"http://127.0.0.1:{port}", *words)
    assert status == 1 and "check the server" in err


PROGRAM = """
import sys
from core.server.app import create_app
from core.server.listening import make_server
from core.server.limits import Limits
from core.uncertainty import Gate
from tests.support.pixels import PixelVLM
limits = Limits(rate=0)
app = create_app(PixelVLM(), Gate("min_entropy", 1.3), limits)
make_server(app, limits, host="127.0.0.1", port=int(sys.argv[1]), log_config=None).run()
"""


def test_a_server_that_is_killed_and_restarted(command, photos, tmp_path):
    """A hundred questions, and kill -9 in the middle: each is answered, once, and rightly."""
    table, output = photos / "hundred.csv", tmp_path / "out.jsonl"
    table.write_text(
        "image,question\n" + "".join(f"{i % 4}.png,Question {i}?\n" for i in range(100))
    )
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    processes = []

    def start():
        words = [sys.executable, "-c", PROGRAM, str(port)]
        processes.append(subprocess.Popen(words, cwd=ROOT, env=os.environ | {"PYTHONPATH": "."}))

    def kill_in_the_middle():
        while not (output.exists() and output.read_bytes().count(b"\n") >= 40):
            time.sleep(0.005)
        processes[-1].send_signal(signal.SIGKILL)
        processes[-1].wait()
        start()

    start()
    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    try:
        status, _, err = command(
            "--server", f"http://127.0.0.1:{port}", "--csv", table, "--output", output,
            "--verbose", "--patience", "60",
        )  # fmt: skip
        killer.join()
    finally:
        for process in processes:
            process.kill()
            process.wait()
    records = [json.loads(line) for line in output.read_text().splitlines()]
    assert status == 0 and len(processes) == 2
    assert [record["id"] for record in records] == [str(i) for i in range(1, 101)]
    answers = [expected(photos / f"{i % 4}.png", f"Question {i}?").answer for i in range(100)]
    assert [record["answer"] for record in records] == answers
    assert "again in" in err  # it did notice
