"""`python -m core.croppers`: the croppers there are, where each looks, and what it needs."""

from core.croppers.registry import CROPPERS


def listed() -> str:
    """Return a paragraph for each entry: its name, rule, needs and source."""
    told = []
    for one in CROPPERS.values():
        lines = [f"{one.name}: {one.label}. {one.rule}"]
        lines += [f"    needs {need.value}" for need in sorted(one.needs)]
        lines += [f"    {one.source}"] if one.source else []
        told.append("\n".join(lines))
    return "\n\n".join(told)


if __name__ == "__main__":
    print(listed())
