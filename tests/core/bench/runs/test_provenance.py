"""Which code made a run, asked of real git repositories."""

import shutil
import subprocess
from importlib.metadata import PackageNotFoundError

import pytest

from core.bench.runs import provenance
from core.bench.runs.metadata import Code
from core.bench.runs.provenance import code, machine

if shutil.which("git") is None:
    pytest.skip("there is no git", allow_module_level=True)


def git(folder, *words):
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    found = subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)
    return found.stdout.decode().strip()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A checkout with a package `core` in it, not installed."""

    def absent(_):
        raise PackageNotFoundError

    monkeypatch.setattr(provenance, "version", absent)
    folder = tmp_path / "core"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (tmp_path / "README.md").write_text("Read me.")
    (tmp_path / ".gitignore").write_text("/.venv/\n__pycache__/\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "Begin")
    return folder


def test_a_clean_checkout_is_its_commit(package):
    commit = git(package, "rev-parse", "HEAD")
    assert code(package) == Code(commit, True, None)
    assert str(code(package)) == f"commit {commit[:12]}"


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("core/__init__.py", False),
        ("README.md", False),  # known to git
        ("core/new.py", False),
        ("core/__pycache__/new.pyc", True),
        ("run.parquet", True),  # new, and not code
    ],
)
def test_the_tree_is_clean_if_the_code_is_that_of_the_commit(package, name, clean):
    path = package.parent / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("changed")
    assert code(package).clean is clean
    assert str(code(package)).endswith(" with changes") is not clean


def test_what_is_staged_is_a_change_too(package):
    (package / "__init__.py").write_text("x = 1")
    git(package, "add", ".")
    assert code(package).clean is False


def test_a_package_installed_into_another_projects_checkout_has_no_commit(package, monkeypatch):
    installed = package.parent / ".venv" / "lib" / "core"
    shutil.copytree(package, installed)
    monkeypatch.setattr(provenance, "version", lambda _: "1.2.3")
    assert code(installed) == Code(None, None, "1.2.3")
    assert str(code(installed)) == "version 1.2.3"


def test_without_a_checkout_or_git_nothing_is_known(package, tmp_path_factory, monkeypatch):
    nothing = Code(None, None, None)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert code(elsewhere) == nothing
    monkeypatch.setenv("PATH", str(elsewhere))
    assert code(package) == nothing
    assert str(nothing) == "a version that is not known"


def test_a_checkout_without_a_commit_has_none(package):
    shutil.rmtree(package.parent / ".git")
    git(package.parent, "init", "-q")
    git(package.parent, "add", ".")
    assert code(package) == Code(None, None, None)


def test_variables_of_a_hook_lead_nowhere_else(package, tmp_path_factory, monkeypatch):
    commit = git(package, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path_factory.mktemp("other")))
    assert code(package).commit == commit


def test_the_machine_says_what_kind_of_processor_it_is():
    import torch

    assert torch.backends.cpu.get_cpu_capability() in machine()
