"""What a fresh clone, a Space and CI rely on."""

import re
import tomllib

import pytest

from tests.support.paths import ROOT


def _requirements(lines):
    return sorted(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def test_a_space_installs_what_the_package_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = (ROOT / "requirements.txt").read_text().splitlines()
    assert _requirements(listed) == _requirements(project["dependencies"])


def test_only_the_tests_install_what_is_gpl():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert not [name for name in project["dependencies"] if name.startswith("pillow-heif")]
    assert [extra for extra in extras if "pillow-heif" in " ".join(extras[extra])] == ["test"]


def test_readme_names_the_commands_that_ci_runs():
    readme = (ROOT / "README.md").read_text()
    assert "\npip install -e . && python app.py\n" in readme
    assert '\npip install -e ".[test]" && pytest\n' in readme


def test_space_front_matter_is_complete():
    front = (ROOT / "README.md").read_text().split("---")[1]
    keys = set(re.findall(r"^(\w+):", front, flags=re.MULTILINE))
    needed = {"title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version"}
    more = {"app_file", "short_description", "license", "tags", "models", "suggested_hardware"}
    assert needed | more <= keys
    assert len(re.search(r"^short_description: (.*)$", front, re.M)[1]) <= 60  # the hub's limit
    assert "app_file: app.py" in front


PAGES = (ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documentation_names_what_is_there(page):
    """Links, and the headings they point at; paths; modules; and files of commands."""
    text = page.read_text()
    for target, heading in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", text):
        if not target.startswith("http"):
            other = page.parent / target if target else page
            assert other.exists(), target
            assert not heading or heading in _headings(other), heading
    for path in re.findall(
        r"(?<![\w/.-])(?:assets|core|dashboard|docs|tests|tools)/[\w./*-]+", text
    ):
        path = path.rstrip(".").replace("core/assets", "assets")  # where an installation has it
        assert any(ROOT.glob(path)) or any(ROOT.glob(f"{path}.py")), path
    modules = set(re.findall(r"python -m ([\w.]+)", text)) - {"venv", "pip"}
    for module in modules | set(re.findall(r"`((?:core|dashboard|tools)(?:\.\w+)+)[ `]", text)):
        assert _is_code(module), module


def _headings(page):
    """What GitHub calls the headings of a page in links."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def _is_code(name):
    """Whether there is such a module, or such a file in a folder that isn't a package."""
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir()


def test_core_never_imports_the_dashboard():
    for path in (ROOT / "core").rglob("*.py"):
        assert not re.search(r"^\s*(import|from) (gradio|dashboard)", path.read_text(), re.M), path


def test_no_message_names_a_package_that_is_not_published():
    for folder in ("core", "dashboard", "docs"):
        for path in (ROOT / folder).rglob("*.*"):
            if path.suffix in (".py", ".md", ".js"):
                assert "pip install second-look" not in path.read_text(encoding="utf-8"), path


def test_the_newest_version_of_the_changelog_is_the_package_s():
    """One version by hand: a tag isn't there in a Space, nor in a shallow or a copied checkout."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## \[(.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert next(heading for heading in headings if heading != "Unreleased") == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
