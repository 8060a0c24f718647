"""Changes lines of drivers and firewall, one at a time, and tells which tests see each.

    .venv/bin/python -m tests.golden.mutants 24

takes so many, spread over all that could be changed, in a copy of the tree.  Before shortening the
golden pages, see here what would not be seen any more.
"""

import ast
import copy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PLACES: Final = ("plugin/drivers", "plugin/firewall")
COPIED: Final = ("plugin", "ipam", "tests", "docs", "setup.cfg", "pyproject.toml")
# What bare reading finds, then everything of the same two rooms.
STAGES: Final = {
    "pages": ("tests/golden/test_plans.py", "-k", "written_down or skeleton"),
    "golden": ("tests/golden",),
    "unit": ("tests/unit/drivers", "tests/unit/firewall"),
}
# Compiled from the skeleton, or commands whose words are tested with the kernel.
LEFT_OUT: Final = ("compiled.py", "dbus.py", "firewalld.py", "iptables.py", "docker_user.py")
_OPPOSITES: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with one thing changed."""

    path: str
    line: int
    what: str
    text: str


def mutants() -> Iterator[Mutant]:
    """Everything that could be changed, by file and line."""
    for place in PLACES:
        for path in sorted((ROOT / place).rglob("*.py")):
            if path.name not in LEFT_OUT:
                yield from _of_file(path)


def seen_by(mutant: Mutant, tree: Path) -> str:
    """The first stage that fails, or a dash."""
    path = tree / mutant.path
    before = path.read_text()
    path.write_text(mutant.text)
    try:
        for stage, words in STAGES.items():
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "pytest", "-qx", "-m", "not nightly"),
                    *("-p", "no:cacheprovider", *words),
                ],
                cwd=tree,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                failed = [each for each in done.stdout.splitlines() if "::" in each]
                return f"{stage}: {failed[-1].split('::')[-1][:60]}" if failed else stage
    finally:
        path.write_text(before)
    return "-"


def main(arguments: list[str]) -> int:
    """Print a table; the exit status is the number of those that nobody sees."""
    count = int(arguments[0]) if arguments else 12
    found = list(mutants())
    chosen = found[len(found) // (2 * count) :: max(1, len(found) // count)][:count]
    unseen = 0
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        for each in COPIED:
            source, target = ROOT / each, tree / each
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)
        for mutant in chosen:
            seen = seen_by(mutant, tree)
            unseen += seen == "-"
            print(f"{mutant.path}:{mutant.line} | {mutant.what} | {seen}", flush=True)
    return unseen


def _of_file(path: Path) -> Iterator[Mutant]:
    tree = ast.parse(path.read_text())
    for number, node in enumerate(ast.walk(tree)):
        for what in _changes(node):
            changed = copy.deepcopy(tree)
            target = list(ast.walk(changed))[number]
            _apply(target, what)
            line = getattr(node, "lineno", 0)
            yield Mutant(str(path.relative_to(ROOT)), line, what, ast.unparse(changed))


def _changes(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _OPPOSITES:
            yield f"{type(operator).__name__} becomes {_OPPOSITES[type(operator)].__name__}"
        case ast.BoolOp(op=ast.And()):
            yield "and becomes or"
        case ast.BoolOp(op=ast.Or()):
            yield "or becomes and"
        case ast.Constant(value=str() as text) if text.startswith("pn_"):
            yield f"{text} becomes {text}x"
        case ast.Constant(value=str() as text) if text.startswith("\n") and " accept" in text:
            yield "the first rule goes"


def _apply(node: ast.AST, what: str) -> None:
    match node:
        case ast.Compare(ops=[operator]):
            node.ops = [_OPPOSITES[type(operator)]()]
        case ast.BoolOp(op=operator):
            node.op = ast.Or() if isinstance(operator, ast.And) else ast.And()
        case ast.Constant(value=str() as text) if text.startswith("pn_"):
            node.value = f"{text}x"
        case ast.Constant(value=str() as text):
            first, *rest = text.strip("\n").splitlines()
            node.value = "\n" + "\n".join(rest) + f"\n{'' if rest else first}"
        case _:
            raise ValueError(what)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
