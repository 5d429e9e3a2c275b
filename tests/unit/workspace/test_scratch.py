"""A temporary folder is gone afterwards, also after a kill; one whose maker lives is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from claude_ls.workspace.scratch import PREFIX, Scratch, remove_tree, sweep

MAKER = """
import sys
from pathlib import Path
from claude_ls.workspace.scratch import Scratch
print(Scratch(Path(sys.argv[1])).path, flush=True)
sys.stdin.read()
"""


def test_it_is_private_and_gone_when_it_is_closed(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    assert scratch.path.parent == tmp_path
    assert scratch.path.stat().st_mode & 0o777 == 0o700
    (scratch.path / "in").mkdir()
    (scratch.path / "in/file").write_text("x")
    scratch.close()
    scratch.close()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next_and_not_before(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", MAKER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as maker:
        assert maker.stdout is not None
        left = Path(maker.stdout.readline().strip())
        assert left.is_dir()
        own = Scratch(tmp_path)
        sweep(tmp_path)
        assert left.is_dir(), "its maker lives"
        assert own.path.is_dir(), "we live ourselves"
        maker.kill()
        maker.wait()
    sweep(tmp_path)
    assert not left.exists()
    assert own.path.is_dir()
    own.close()


def test_what_only_looks_like_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/file").write_text("x")
    (tmp_path / f"{PREFIX}link").symlink_to("theirs")
    (tmp_path / f"{PREFIX}file").write_text("x")
    (tmp_path / f"{PREFIX}linked").mkdir()
    (tmp_path / f"{PREFIX}linked/lock").symlink_to("../theirs/file")
    (tmp_path / f"{PREFIX}unlocked").mkdir()
    sweep(tmp_path)
    sweep(tmp_path / "nowhere")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{PREFIX}file",
        f"{PREFIX}link",
        f"{PREFIX}linked",
        "theirs",
    ]
    assert (tmp_path / "theirs/file").read_text() == "x"


def test_a_tree_is_removed_whatever_its_permissions_and_no_link_is_followed(tmp_path: Path) -> None:
    was = os.geteuid()
    tree = tmp_path / "tree"
    (tree / "closed/inner").mkdir(parents=True)
    (tree / "closed/inner/file").write_text("x")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("x")
    (tree / "closed/link").symlink_to(tmp_path / "outside")
    nobody = 65534
    if was == 0:
        for path in (tmp_path, *tmp_path.rglob("*")):
            os.chown(path, nobody, nobody, follow_symlinks=False)
        for above in tmp_path.parents[:2]:
            above.chmod(0o755)
        os.seteuid(nobody)
    try:
        (tree / "closed/inner").chmod(0)
        (tree / "closed").chmod(0)
        remove_tree(tree)
        assert not tree.exists()
        remove_tree(tree)
    finally:
        if was == 0:
            os.seteuid(0)
    assert (tmp_path / "outside/file").read_text() == "x"
