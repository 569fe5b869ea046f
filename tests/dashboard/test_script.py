"""The page's script: one text in its head, from modules that node tests for themselves."""

import re
import subprocess

import pytest

from core.server.language import TRANSLATE
from dashboard import theme
from tests.support.paths import ROOT
from tests.support.programs import needed

STATIC = ROOT / "dashboard" / "static"
ELSEWHERE = TRANSLATE.name  # which the page for phones has, too


@pytest.fixture(scope="module")
def node():
    return needed("node", "nodejs")


def test_what_the_scripts_compute(node):
    tests = sorted(map(str, (ROOT / "tests" / "js").glob("*.test.js")))
    ran = subprocess.run([node, "--test", *tests], cwd=ROOT, capture_output=True, text=True)
    assert tests and ran.returncode == 0, ran.stdout + ran.stderr


def test_the_modules_are_one_script_in_which_no_name_is_declared_twice(node, tmp_path):
    script = theme.script()
    assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)
    file = tmp_path / "page.cjs"  # not a module: as the browser reads it
    file.write_text(script, encoding="utf-8")
    checked = subprocess.run([node, "--check", file], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_every_module_is_in_the_script_after_those_it_imports():
    assert sorted(theme.MODULES) == sorted(
        [ELSEWHERE, *(file.name for file in STATIC.glob("*.js"))]
    )
    assert theme.MODULES.index(ELSEWHERE) < theme.MODULES.index("language.js")
    for place, name in enumerate(theme.MODULES):
        if name == ELSEWHERE:  # imports nothing
            continue
        text = (STATIC / name).read_text(encoding="utf-8")
        imported = re.findall(r'^import [^;]* from "\./([^"]+)";$', text, re.MULTILINE)
        assert set(imported) <= set(theme.MODULES[:place])
        assert len(imported) == len(re.findall(r"^import\b", text, re.MULTILINE))


def test_the_pages_components_call_what_there_is():
    page = (STATIC / "page.js").read_text(encoding="utf-8")
    offered = set(re.findall(r"^  (\w+)[,:]", page, re.MULTILINE))
    sources = "".join(path.read_text() for path in (ROOT / "dashboard").rglob("*.py"))
    assert set(re.findall(r"window\.secondLook\.(\w+)", sources)) == offered
