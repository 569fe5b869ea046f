"""Collaborative edge-to-server inference for vision-language models (arXiv 2512.16349).

What a program needs first is here, by name: `from core import Edge, Server, Gate, ask, load_vlm`.
Each name is loaded from its module when it is asked for, so that an edge, which takes `Client` or
`Edge`, loads neither PyTorch nor NumPy.
"""

# The names are listed once, in `__init__.pyi`, which editors and type checkers read. Here it is
# read when the first of them is asked for: a module of this package that is imported pays nothing.


def __getattr__(name: str) -> object:
    from importlib import import_module

    if "_homes" not in globals():
        globals()["_homes"] = _read_homes()
    homes: dict[str, str] = globals()["_homes"]
    if name == "__all__":
        value: object = list(homes)
    elif name in homes:
        value = getattr(import_module(homes[name]), name)
    else:
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})


def _read_homes() -> dict[str, str]:
    """Return the module that each public name is in, in the order in which they are listed."""
    import ast
    from pathlib import Path

    listed = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    return {
        one.name: node.module
        for node in listed.body
        if isinstance(node, ast.ImportFrom)
        for one in node.names
    }
