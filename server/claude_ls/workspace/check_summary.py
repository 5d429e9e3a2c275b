"""What a check found, in few words, from what the known tools write at their end.

Each reader below knows one tool's lines, as they were seen of it; those of go and pyright are from documentation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class _Found:
    words: str
    good: bool


def summarize(output: str, exit_code: int, cut: bool = False) -> str:
    """Such as "14 tests ok", "2 of 14 tests fail" or "3 errors"; `cut` where the middle of `output` is missing.

    One command may run several tools: what is wrong is said first.
    """
    found = [found for reader in _READERS if (found := reader(output, cut)) is not None]
    first = next((one for one in found if not one.good), found[0] if found else None)
    if first is None:
        return "ok" if exit_code == 0 else f"exit {exit_code}"
    return first.words if not first.good or exit_code == 0 else f"{first.words}, but exit {exit_code}"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _tests(failed: int, passed: int, errors: int = 0) -> _Found:
    if failed:
        words = f"{failed:,} of {counted(failed + passed, 'test')} {'fails' if failed == 1 else 'fail'}"
        return _Found(f"{words}, {counted(errors, 'error')}" if errors else words, False)
    if errors:
        return _Found(counted(errors, "error"), False)
    return _Found(f"{counted(passed, 'test')} ok" if passed else "no tests ran", bool(passed))


def _problems(errors: int, warnings: int = 0) -> _Found:
    if errors:
        return _Found(counted(errors, "error"), False)
    return _Found(counted(warnings, "warning") if warnings else "no errors", True)


def _last(pattern: str, output: str) -> re.Match[str] | None:
    found = None
    for found in re.finditer(pattern, output, re.MULTILINE):  # noqa: B007
        pass
    return found


def _number(words: str, name: str) -> int:
    """The number before `name`, of "2 failed, 12 passed"."""
    found = re.search(rf"(\d+) {name}\b", words)
    return int(found[1]) if found else 0


def _pytest(output: str, cut: bool) -> _Found | None:
    found = _last(r"^(?:=+ )?(no tests ran|(?:\d+ \w+, )*\d+ \w+) in \d+(?:\.\d+)?s\b", output)
    if not found:
        return None
    words = found[1]
    passed = _number(words, "passed") + _number(words, "xfailed") + _number(words, "xpassed")
    return _tests(_number(words, "failed"), passed, _number(words, "errors?"))


def _unittest(output: str, cut: bool) -> _Found | None:
    found = _last(r"^Ran (\d+) tests? in [^\n]+\n\n(OK|FAILED|NO TESTS RAN)(?: \(([^)\n]*)\))?", output)
    if not found:
        return None
    counts = {name.strip(): int(count) for name, count in re.findall(r"([\w ]+)=(\d+)", found[3] or "")}
    failed = sum(counts.get(name, 0) for name in ("failures", "errors", "unexpected successes"))
    return _tests(failed, max(0, int(found[1]) - failed - counts.get("skipped", 0)))


def _cargo_test(output: str, cut: bool) -> _Found | None:
    runs = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed;", output, re.MULTILINE)
    return _tests(sum(int(run[1]) for run in runs), sum(int(run[0]) for run in runs)) if runs else None


def _jest(output: str, cut: bool) -> _Found | None:
    found = _last(r"^Tests: +([^\n]*\d+ total)$", output)
    return found and _tests(_number(found[1], "failed"), _number(found[1], "passed"))


def _vitest(output: str, cut: bool) -> _Found | None:
    found = _last(r"^ *Tests {2,}([^\n]*) \(\d+\)$", output)
    return found and _tests(_number(found[1], "failed"), _number(found[1], "passed"))


def _mocha(output: str, cut: bool) -> _Found | None:
    passing = _last(r"^ *(\d+) passing \(", output)
    failing = _last(r"^ *(\d+) failing$", output)
    return passing and _tests(int(failing[1]) if failing else 0, int(passing[1]))


def _node(output: str, cut: bool) -> _Found | None:
    found = _last(r"^(?:#|ℹ) pass (\d+)\n(?:#|ℹ) fail (\d+)$", output)
    return found and _tests(int(found[2]), int(found[1]))


def _go_test(output: str, cut: bool) -> _Found | None:
    packages = re.findall(r"^(ok|FAIL) *\t\S", output, re.MULTILINE)
    if not packages:
        return None
    failed = len(re.findall(r"^--- FAIL: ", output, re.MULTILINE))
    if failed:
        return _Found(f"{counted(failed, 'test')} {'fails' if failed == 1 else 'fail'}", False)
    bad = packages.count("FAIL")
    of_all = f"{bad:,} of {counted(len(packages), 'package')} {'fails' if bad == 1 else 'fail'}"
    return _Found(of_all if bad else f"{counted(len(packages), 'package')} ok", not bad)


def _ruff(output: str, cut: bool) -> _Found | None:
    found = _last(r"^Found (\d+) errors?(?: \(\d+ fixed, (\d+) remaining\))?\.$", output)
    if found:
        return _problems(int(found[2] or found[1]))
    return _problems(0) if _last(r"^All checks passed!$", output) else None


def _formatters(output: str, cut: bool) -> _Found | None:
    found = _last(r"^(\d+) files? would be reformatted", output)
    if found:
        return _Found(f"{counted(int(found[1]), 'file')} not formatted", False)
    found = _last(r"^(\d+) files? already formatted$", output)
    return found and _Found(f"{counted(int(found[1]), 'file')} formatted", True)


def _mypy(output: str, cut: bool) -> _Found | None:
    found = _last(r"^Found (\d+) errors? in \d+ files?\b", output)
    if found:
        return _problems(int(found[1]))
    return _problems(0) if _last(r"^Success: no issues found in \d+ source files?$", output) else None


def _pyright(output: str, cut: bool) -> _Found | None:
    found = _last(r"^(\d+) errors?, (\d+) warnings?, ", output)
    return found and _problems(int(found[1]), int(found[2]))


def _tsc(output: str, cut: bool) -> _Found | None:
    # It gives no number unless it writes to a terminal.
    count = len(re.findall(r"^(?:[^\n]*\(\d+,\d+\): )?error TS\d+: ", output, re.MULTILINE))
    found = _problems(count)
    return (_Found(f"at least {found.words}", False) if cut else found) if count else None


def _eslint(output: str, cut: bool) -> _Found | None:
    found = _last(r"^✖ \d+ problems? \((\d+) errors?, (\d+) warnings?\)", output)
    return found and _problems(int(found[1]), int(found[2]))


def _cargo(output: str, cut: bool) -> _Found | None:
    errors = re.findall(r"^error: could not compile .* due to (\d+) previous errors?", output, re.MULTILINE)
    if errors:
        # A library is compiled once more for its tests, with the same errors.
        return _problems(max(map(int, errors)))
    if not _last(r"^ +Finished `?\w+`? ", output):
        return None
    return _problems(0, sum(map(int, re.findall(r"^warning: .* generated (\d+) warnings?", output, re.MULTILINE))))


def _go_vet(output: str, cut: bool) -> _Found | None:
    count = len(re.findall(r"^(?:vet: )?\S+\.go:\d+:\d+: ", output, re.MULTILINE))
    found = _problems(count)
    return (_Found(f"at least {found.words}", False) if cut else found) if count else None


_READERS: tuple[Callable[[str, bool], _Found | None], ...] = (
    *(_pytest, _unittest, _cargo_test, _jest, _vitest, _mocha, _node, _go_test),
    *(_mypy, _pyright, _tsc, _eslint, _ruff, _formatters, _cargo, _go_vet),
)
