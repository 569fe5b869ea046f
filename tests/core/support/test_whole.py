import os
import signal
import subprocess
import sys
from argparse import ArgumentTypeError
from errno import ENOSPC

import pytest

from core.support.whole import (
    NotWritten,
    check_writable,
    file_to_write,
    folder_to_write,
    write_whole,
    written_whole,
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "kept.json"
    path.write_text("the last")
    return path


def alone(path):
    """Whether nothing lies beside the file."""
    return os.listdir(path.parent) == [path.name]


def test_a_file_is_replaced_in_one_step(path):
    with written_whole(path) as file:
        file.write(b"the ")
        file.flush()
        assert path.read_text() == "the last"
        file.write(b"next")
    assert path.read_text() == "the next" and alone(path)
    write_whole(path, "η")
    assert path.read_bytes() == "η".encode() and alone(path)


@pytest.mark.parametrize(
    "error", [ValueError("no"), KeyboardInterrupt(), FileNotFoundError(2, "x", "other")]
)
def test_an_error_keeps_the_last_file_and_passes(path, error):
    with pytest.raises(type(error)) as caught, written_whole(path) as file:
        file.write(b"half")
        raise error
    assert caught.value is error
    assert path.read_text() == "the last" and alone(path)


def test_a_killed_process_keeps_the_last_file(path):
    code = (
        "import os, signal, sys; from core.support.whole import written_whole\n"
        "with written_whole(sys.argv[1]) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "the last"
    write_whole(path, "the next")  # whatever is left of the other
    assert path.read_text() == "the next"


def test_a_full_disk_keeps_the_last_file_and_is_one_sentence(path, monkeypatch):
    def full(descriptor):
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWritten) as caught:
        write_whole(path, "the next")
    assert caught.value.errno == ENOSPC
    assert str(caught.value) == f"'{path}' can't be written: No space left on device."
    assert path.read_text() == "the last" and alone(path)


def test_a_folder_that_may_not_be_written_is_one_sentence(tmp_path, monkeypatch):
    def denied(self, *rest):
        raise PermissionError(13, "Permission denied", str(self))

    path = tmp_path / "new.json"
    monkeypatch.setattr("pathlib.Path.open", denied)  # the tests may be run by root
    with pytest.raises(NotWritten) as caught:
        write_whole(path, "")
    assert str(caught.value) == f"'{path}' can't be written: Permission denied."


def test_folders_that_are_not_there_are_made(tmp_path):
    write_whole(tmp_path / "none" / "below" / "new.json", "new")
    assert (tmp_path / "none" / "below" / "new.json").read_text() == "new"


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (".", "Is a directory"),
        ("kept.json/new.json", "Not a directory"),
        ("kept.json/below/new.json", "Not a directory"),
        ("n" * 250, "File name too long"),  # which is shorter than a name may be
        (f"{'n' * 300}/new.json", "File name too long"),
    ],
)
def test_where_no_file_can_be_written_is_known_before(path, place, why):
    place = path.parent / place
    sentence = f"'{place}' can't be written: {why}."
    for refuse in (check_writable, lambda path: write_whole(path, "new")):
        with pytest.raises(NotWritten) as caught:
            refuse(place)
        assert str(caught.value) == sentence
    with pytest.raises(ArgumentTypeError) as said:
        file_to_write(str(place))
    assert str(said.value) == sentence
    assert path.read_text() == "the last" and alone(path)


def test_a_folder_without_rights_is_known_before(tmp_path, monkeypatch):
    def denied(self, *rest):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr("pathlib.Path.open", denied)  # the tests may be run by root
    with pytest.raises(NotWritten, match=r"new.json' can't be written: Permission denied\.$"):
        check_writable(tmp_path / "below" / "new.json")
    with pytest.raises(ArgumentTypeError) as caught:
        folder_to_write(str(tmp_path / "below"))
    assert str(caught.value) == (
        f"nothing can be written into the folder '{tmp_path / 'below'}': Permission denied."
    )


def test_what_can_be_written_leaves_nothing_when_it_is_tried(path):
    file, folder = path.parent / "below" / "new.json", path.parent / "below"
    assert file_to_write(str(file)) == file and file_to_write(str(path)) == path
    assert folder_to_write(str(folder)) == folder
    assert path.read_text() == "the last" and alone(path)


def test_what_is_no_file_stays_what_it_is(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    check_writable(pipe)
    write_whole(pipe, "η")
    assert os.read(reader, 9) == "η".encode() and pipe.is_fifo() and alone(pipe)
    os.close(reader)


def test_a_link_stays_one(path, tmp_path):
    link = tmp_path / "link.json"
    link.symlink_to(path.name)
    write_whole(link, "the next")
    assert link.is_symlink() and path.read_text() == "the next"
