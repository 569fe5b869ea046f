import hashlib
import json
import os
import re
import subprocess
import threading
from collections import Counter
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from core.bench.datasets import load_dataset
from core.signs.world import phrasing
from core.support.whole import NotWritten
from tools.photographs import (
    Missing,
    Photograph,
    Unreachable,
    from_clones,
    from_web,
    gather,
    photographs,
    questions,
)
from tools.photographs.__main__ import main

PATH = "doc/photos/a shop (1).PNG"
ASKED = {"question": "Whose shop?", "answers": ["Ann's", "Ann’s"], "boxes": [[1, 2, 9, 8]]}


@pytest.fixture
def repository(tmp_path):
    """A repository of one picture: its folder, and the picture as the list has it."""
    root = tmp_path / "checkout"
    picture = root / PATH
    picture.parent.mkdir(parents=True)
    Image.new("RGB", (16, 12), "red").save(picture)
    nobody = "-c user.name=N -c user.email=n@example.org -c init.defaultBranch=main".split()
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "A picture"]):
        subprocess.run(["git", *nobody, *command], cwd=root, check=True)
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True
    )
    data = picture.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    commit = done.stdout.strip()
    return root, Photograph("ann/shops", commit, PATH, digest, len(data), "MIT", (ASKED, ASKED))


@pytest.fixture
def clones(tmp_path, repository):
    folder = tmp_path / "clones"
    folder.mkdir()
    (repository[0] / ".git").rename(folder / "ann+shops")
    return folder


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, *args):
        """Whoever has enough of a large file hangs up."""


@pytest.fixture
def host(tmp_path, repository):
    """A server on this machine that has the picture where GitHub would."""
    root, wanted = repository
    place = tmp_path / "web" / wanted.repository / wanted.commit
    place.parent.mkdir(parents=True)
    os.symlink(root, place)
    serve = partial(_Silent, directory=tmp_path / "web")
    with _Server(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_pictures_are_downloaded_checked_and_asked_about(repository, host, tmp_path):
    wanted, said = repository[1], []
    with from_web(host) as fetch:
        there = gather([wanted], fetch, tmp_path / "out" / "pictures", said.append)
    lines = list(questions(there, "pictures"))
    (tmp_path / "out" / "mine.jsonl").write_text("\n".join(map(json.dumps, lines)))
    first, second = load_dataset("folder", folder=tmp_path / "out")
    assert (first.question, first.answers) == ("Whose shop?", ("Ann's", "Ann’s"))
    assert first.boxes == ((1, 2, 9, 8),) and first.image.name == f"{wanted.sha256[:12]}.png"
    assert first.id != second.id and first.image == second.image
    assert said == []


def test_another_file_is_not_kept(repository, host, tmp_path):
    wanted = repository[1]
    others = [
        replace(wanted, sha256="0" * 64),
        replace(wanted, size=wanted.size - 1),
        replace(wanted, size=wanted.size + 1),
    ]
    said = []
    with from_web(host) as fetch:
        assert gather(others, fetch, tmp_path / "out", said.append) == []
    assert (
        said
        == [f"Missing: {PATH} of ann/shops: what came is another file, by its size or SHA-256."] * 3
    )
    assert not (tmp_path / "out").exists()


def test_no_more_is_downloaded_than_the_picture_has(repository, host):
    root, wanted = repository
    (root / "large.png").write_bytes(bytes(2**23))
    with from_web(host) as fetch:
        assert 10 < len(fetch(replace(wanted, path="large.png", size=10))) < 2**22


def test_what_is_missing_is_said_and_the_rest_gathered(repository, host, tmp_path):
    wanted, said = repository[1], []
    gone = replace(wanted, path="none.png")
    with from_web(host) as fetch:
        assert gather([gone, wanted], fetch, tmp_path, said.append) == [wanted]
    assert said == ["Missing: none.png of ann/shops: the server answered 404."]


def test_no_network_is_a_sentence(repository):
    with from_web("http://127.0.0.1:1") as fetch, pytest.raises(Unreachable, match="reached"):
        fetch(repository[1])


def test_where_nothing_can_be_reached_one_sentence_speaks_of_all(repository, clones, tmp_path):
    """What is there already stays, and no other picture is tried."""
    picture, folder, said = repository[1], tmp_path / "pictures", []
    gather([picture], from_clones(clones), folder, said.append)
    others = [replace(picture, sha256=digest * 64) for digest in "ab"]
    with from_web("http://127.0.0.1:9") as fetch:
        for gone in (fetch, from_clones(tmp_path / "nowhere")):
            assert gather([others[0], picture, others[1]], gone, folder, said.append) == [picture]
    assert ["127.0.0.1:9 can't be reached" in said[0], "no folder" in said[1]] == [True, True]
    assert len(said) == 2


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_fetched(bad_files, capsys):
    with pytest.raises(SystemExit):
        main(["--out", bad_files["text"]])
    assert "nothing can be written into the folder" in capsys.readouterr().err


def test_a_second_run_fetches_what_is_missing_or_damaged_only(repository, clones, tmp_path):
    wanted, fetched = repository[1], []

    def fetch(photograph):
        fetched.append(photograph)
        return from_clones(clones)(photograph)

    for _ in range(2):
        assert gather([wanted], fetch, tmp_path, print) == [wanted]
    assert len(fetched) == 1
    (tmp_path / wanted.name).write_bytes(b"cut short")
    assert gather([wanted], fetch, tmp_path, print) == [wanted]
    assert len(fetched) == 2 and wanted.is_right((tmp_path / wanted.name).read_bytes())


def test_clones_say_what_they_lack(repository, clones, tmp_path, monkeypatch):
    wanted, fetch = repository[1], from_clones(clones)
    assert wanted.is_right(fetch(wanted))
    with pytest.raises(Missing, match="no folder"):
        from_clones(tmp_path / "none")(wanted)
    with pytest.raises(Missing, match="no such file at commit"):
        fetch(replace(wanted, commit="0" * 40))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Missing, match="git isn't installed"):
        fetch(wanted)
    (tmp_path / "empty").mkdir()
    with pytest.raises(Missing, match="no git directory ann"):
        from_clones(tmp_path / "empty")(wanted)


def test_a_folder_that_cannot_be_written_to_ends_it(repository, clones, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotWritten):
        gather([repository[1]], from_clones(clones), tmp_path / "file", print)


def test_the_command_says_what_it_has(repository, clones, tmp_path, monkeypatch, capsys):
    wanted = repository[1]
    monkeypatch.setattr("tools.photographs.__main__.photographs", lambda: [wanted])
    arguments = ["--out", str(tmp_path / "out"), "--clones", str(clones)]
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("1 of 1 pictures, 2 questions: ")
    assert len(load_dataset("folder", folder=tmp_path / "out")) == 2
    gone = replace(wanted, path="none.png", sha256="0" * 64)
    monkeypatch.setattr("tools.photographs.__main__.photographs", lambda: [gone, wanted])
    assert main(arguments) == 1
    assert "\n1 of 2 pictures, 2 questions: " in capsys.readouterr().out


def test_the_list_is_what_its_documentation_says():
    listed = photographs()
    assert len({picture.sha256 for picture in listed}) == len(listed) >= 120
    assert len({picture.name for picture in listed}) == len(listed)
    most = Counter(picture.repository for picture in listed).most_common(1)[0][1]
    assert most <= 0.15 * len(listed)
    for picture in listed:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", picture.repository)
        assert re.fullmatch("[0-9a-f]{40}", picture.commit)
        assert re.fullmatch("[0-9a-f]{64}", picture.sha256)
        assert picture.licence and 1 <= len(picture.questions) <= 2
        for asked in picture.questions:
            assert set(asked) == {"question", "answers", "boxes"}
            assert len(set(asked["answers"])) == len(asked["answers"]) >= 1
            for left, top, right, bottom in asked["boxes"]:
                assert 0 <= left < right and 0 <= top < bottom


def test_no_question_is_a_phrasing_of_the_training():
    """The questions are of somebody else's making, so that they show what training didn't."""
    known = [
        re.compile(re.escape(phrase.lower()).replace(re.escape("{sign}"), ".+"))
        for forms in (phrasing.TEXT, phrasing.ALL_TEXT)
        for phrases in (forms.questions, forms.commands)
        for phrase in phrases
    ]
    asked = [line["question"].lower().rstrip("?.") for line in questions(photographs(), "")]
    for question in asked:
        assert not [phrase for phrase in known if phrase.fullmatch(question)]
        assert not [phrase for phrase in known if phrase.fullmatch(f"{question}?")]
