"""The index is always what one that is made now would be, whatever happened to the files; and it fits its budget."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from claude_ls.index.folder_index import FolderIndex
from claude_ls.index.one_file import read_file
from claude_ls.index.store import Place

SOURCES = (
    "def one():\n    return two()\n",
    "class Two:\n    def go(self):\n        return one()\n",
    "from a import one\n\nX = one()\n",
    "def broken(:\n",
    "",
    "\n",
    "def f():\r\n    pass\r\n",
    "# nothing but words\n",
)
PATHS = ("a.py", "b.py", "in/c.py", "in/deep/d.py", "in/e.ts", "f.txt", ".gitignore", "in/.gitignore")


def read_all(index: FolderIndex) -> FolderIndex:
    index.add([read_file(index.root, file) for file in index.stale()])
    return index


@pytest.mark.parametrize("seed", range(25))
def test_step_by_step_it_is_what_one_made_anew_would_be(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    root = tmp_path / "root"
    root.mkdir()
    index = FolderIndex(root, tmp_path / "index.db")
    unsaved: dict[str, str] = {}
    for step in range(40):
        path = chance.choice(PATHS)
        touched = [path]
        match chance.choice(("write", "write", "delete", "rename", "type", "save", "restart", "look")):
            case "write":
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                rules = "\n".join(chance.sample(["*.ts", "in/", "a.py", "!a.py", "deep"], 2))
                (root / path).write_text(rules if path.endswith("ignore") else chance.choice(SOURCES) + "\n" * step)
            case "delete":
                (root / path).unlink(missing_ok=True)
            case "rename" if (root / path).exists() and not path.endswith("ignore"):
                new = f"renamed/{step}.py"
                (root / new).parent.mkdir(exist_ok=True)
                (root / path).rename(root / new)
                touched.append(new)
            case "type" if path.endswith((".py", ".ts")):
                unsaved[path] = chance.choice(SOURCES) + f"def typed_{step}(): pass\n"
            case "save" if path in unsaved:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(unsaved.pop(path))
            case "restart":
                index.close()
                index = FolderIndex(root, tmp_path / "index.db")
                read_all(index)
            case _:
                pass
        if any(index.is_rule(name) for name in touched):
            read_all(index)
        else:
            index.add([read_file(root, file) for file in index.look_again(touched)])
        index.show(unsaved)
        fresh = read_all(FolderIndex(root, None))
        fresh.show(unsaved)
        assert index.dump() == fresh.dump()
        for name in ("one", "Two", "X", "typed_3"):
            assert index._store.named(name, 99) == fresh._store.named(name, 99)
    index.tidy()
    assert index.dump() == fresh.dump()
    index.close()


def big(root: Path) -> FolderIndex:
    for number in range(30):
        body = "".join(
            f"def function_{number}_{at}(argument, other):\n    '''{'words ' * 9}'''\n"
            f"    return function_{(number + at) % 30}_{at}(other)\n\n\n"
            for at in range(30)
        )
        others = "".join(f"from module_{other} import *\n" for other in range(30))
        (root / f"module_{number}.py").write_text(others + body)
    return read_all(FolderIndex(root, None))


@pytest.mark.parametrize("characters", [0, 40, 100, 350, 3_500, 35_000])
def test_no_context_and_no_map_is_larger_than_it_may_be(characters: int, tmp_path: Path) -> None:
    index = big(tmp_path)
    for shown in (index.context("module_3.py", 33, 34, characters), index.map(characters)):
        text = "\n\n".join(f'<related path="{item.path}">\n{item.text}\n</related>' for item in shown)
        assert len(text) <= characters
    if characters >= 3_500:
        assert len(text) > characters * 0.7, "and what there is room for is used"


def test_what_is_shown_are_lines_of_the_files_as_they_are(tmp_path: Path) -> None:
    index = big(tmp_path)
    for item in index.context("module_3.py", 33, 34, 5_000):
        lines = (tmp_path / item.path).read_text().split("\n")
        at = -1
        for line in item.text.split("\n"):
            if line != "⋮":
                at = lines.index(line, at + 1)


def test_unsaved_text_comes_before_what_is_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def old_name():\n    pass\n")
    (tmp_path / "b.py").write_text("from a import new_name\n\ndef use():\n    new_name()\n")
    index = read_all(FolderIndex(tmp_path, None))
    assert "old_name" in str(index.context("b.py", 2, 3, 1_000) + index.map(1_000))
    index.show({"a.py": "# above\ndef new_name(x):\n    pass\n"})
    (shown,) = index.context("b.py", 2, 3, 1_000)
    assert shown.text.split("\n")[1] == "def new_name(x):"
    index.show({})
    assert "new_name" not in str(index.context("b.py", 2, 3, 1_000))


def test_what_is_ignored_stays_so_when_it_is_open(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("secret.py\n")
    (tmp_path / "b.py").write_text("from secret import KEY\n\ndef use():\n    return KEY\n")
    index = read_all(FolderIndex(tmp_path, None))
    index.show({"secret.py": "KEY = 'hidden'\n"})
    assert "hidden" not in str(index.context("b.py", 2, 3, 1_000))


def test_the_map_puts_first_what_the_rest_leans_on(tmp_path: Path) -> None:
    (tmp_path / "core.py").write_text("class ImportantThing:\n    pass\n\ndef seldom_used():\n    pass\n")
    for number in range(8):
        (tmp_path / f"user_{number}.py").write_text(
            f"from core import ImportantThing\n\ndef use_{number}(): ImportantThing()\n"
        )
    index = read_all(FolderIndex(tmp_path, None))
    (shown,) = index.map(130)
    assert shown.path == "core.py" and shown.text.startswith("class ImportantThing:")
    # And it follows once enough of the folder is another.
    for number in range(8):
        (tmp_path / f"user_{number}.py").write_text("from core import seldom_used\n\nseldom_used()\n")
    read_all(index)
    (shown,) = index.map(130)
    assert "seldom_used" in shown.text


def test_names_are_not_read_from_a_file_that_is_another_by_now(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def one():\n    return two()\n")
    index = read_all(FolderIndex(tmp_path, None))
    (tmp_path / "a.py").write_text("x = 1\n\n\ndef three():\n    return four()\n")
    assert index._store.uses(Place("a.py", 1)) == "", "and nothing of what stands there now"
    read_all(index)
    assert index._store.uses(Place("a.py", 2)) == "def three return four"
    (tmp_path / "a.py").unlink()
    assert index._store.uses(Place("a.py", 2)) == "def three return four", "what was read once stays"
    assert index._store.uses(Place("a.py", 0)) == ""


def test_a_map_of_many_files_is_made_from_the_words_of_some(tmp_path: Path) -> None:
    (tmp_path / "core.py").write_text("class ImportantThing:\n    pass\n\ndef seldom_used():\n    pass\n")
    for number in range(40):
        name = "seldom_used" if number == 7 else "ImportantThing"
        (tmp_path / f"user_{number}.py").write_text(f"from core import *\n\ndef use_{number}(): {name}()\n")
    index = FolderIndex(tmp_path, None)
    files = [read_file(tmp_path, file, 4) for file in index.stale()]
    assert 4 <= sum(1 for file in files if file.words) <= 20
    index.add(files)
    (shown,) = index.map(130)
    assert shown.path == "core.py" and shown.text.startswith("class ImportantThing:")


def test_a_cache_finds_everything_again(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.ts").write_text("export class Base {}\nexport class Über<T> extends Base {\n  go = () => 1\n}\n")
    (root / "b.py").write_text("from a import (\n    b as c,\n)\n\n\nclass D(c, e.F):\n    pass\n")
    (root / "c.html").write_text("<script>\nfunction f() { return g }\n</script>\n")
    (root / "d.md").write_text("Two\nlines\n===\n")
    first = read_all(FolderIndex(root, tmp_path / "index.db"))
    known = first.dump()
    imports = [first._store.file(path).imports for path in known]
    first.close()
    again = FolderIndex(root, tmp_path / "index.db")
    assert again.stale() == []
    assert again.dump() == known == read_all(FolderIndex(root, None)).dump()
    assert [again._store.file(path).imports for path in known] == imports
    again.close()
