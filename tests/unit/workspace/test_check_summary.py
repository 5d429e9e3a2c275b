"""A check in few words, from lines as the tools write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_ls.workspace.check_summary import summarize

SEEN = [
    # pytest
    ("..............                [100%]\n14 passed in 0.12s\n", 0, "14 tests ok"),
    ("=== 1 failed, 13 passed, 2 skipped, 1 warning in 61.02s (0:01:01) ===\n", 1, "1 of 14 tests fails"),
    ("2 failed, 10 passed, 1 xfailed, 1 xpassed in 1.20s\n", 1, "2 of 14 tests fail"),
    ("ERROR tests/test_a.py\n1 error in 0.08s\n", 2, "1 error"),
    ("FAILED a\n1 failed, 1 passed, 2 errors in 0.1s\n", 1, "1 of 2 tests fails, 2 errors"),
    ("\nno tests ran in 0.00s\n", 5, "no tests ran"),
    ("3 skipped in 0.01s\n", 0, "no tests ran"),
    ("14 passed in 0.12s\nFAIL Required test coverage of 90% not reached.\n", 1, "14 tests ok, but exit 1"),
    # unittest
    ("....\n" + "-" * 70 + "\nRan 4 tests in 0.001s\n\nOK\n", 0, "4 tests ok"),
    ("\nRan 1 test in 0.000s\n\nOK (skipped=1)\n", 0, "no tests ran"),
    ("\nRan 5 tests in 0.002s\n\nFAILED (failures=1, errors=1, skipped=1)\n", 1, "2 of 4 tests fail"),
    ("\nRan 0 tests in 0.000s\n\nNO TESTS RAN\n", 5, "no tests ran"),
    # ruff
    ("E501 Line too long\nFound 3 errors.\n[*] 1 fixable with the `--fix` option.\n", 1, "3 errors"),
    ("Found 3 errors (2 fixed, 1 remaining).\n", 1, "1 error"),
    ("Found 1 error.\n", 0, "1 error"),
    ("All checks passed!\n", 0, "no errors"),
    ("Would reformat: a.py\n1 file would be reformatted, 3 files already formatted\n", 1, "1 file not formatted"),
    ("123 files already formatted\n", 0, "123 files formatted"),
    # mypy
    ("a.py:1: error: x\nFound 12 errors in 2 files (checked 10 source files)\n", 1, "12 errors"),
    ("Success: no issues found in 114 source files\n", 0, "no errors"),
    # pyright
    ("  a.py:1:1 - error: x\n2 errors, 1 warning, 0 informations \n", 1, "2 errors"),
    ("0 errors, 0 warnings, 0 informations \n", 0, "no errors"),
    # tsc
    ("a.ts(1,7): error TS2322: Type 'x'.\na.ts(1,28): error TS2322: Type 'y'.\n", 1, "2 errors"),
    ("error TS5058: The specified path does not exist: 'x'.\n", 1, "1 error"),
    ("", 0, "ok"),
    # eslint
    ("\n✖ 3 problems (1 error, 2 warnings)\n  0 errors and 2 warnings potentially fixable\n", 1, "1 error"),
    ("\n✖ 2 problems (0 errors, 2 warnings)\n", 0, "2 warnings"),
    # jest
    ("Test Suites: 1 failed, 1 total\nTests:       1 failed, 1 skipped, 1 passed, 3 total\n", 1, "1 of 2 tests fails"),
    ("Test Suites: 1 passed, 1 total\nTests:       1 skipped, 2 passed, 3 total\n", 0, "2 tests ok"),
    ("Test Suites: 1 failed, 1 passed, 2 total\nTests:       2 passed, 2 total\n", 1, "2 tests ok, but exit 1"),
    # vitest
    (" Test Files  1 failed (1)\n      Tests  1 failed | 1 passed | 1 skipped (3)\n", 1, "1 of 2 tests fails"),
    (" Test Files  1 passed (1)\n      Tests  2 passed | 1 skipped (3)\n", 0, "2 tests ok"),
    # mocha
    ("  1 passing (2ms)\n  1 pending\n  1 failing\n", 1, "1 of 2 tests fails"),
    ("\n  2 passing (2s)\n", 0, "2 tests ok"),
    # node
    ("1..2\n# tests 2\n# suites 0\n# pass 1\n# fail 1\n# cancelled 0\n", 1, "1 of 2 tests fails"),
    ("ℹ tests 3\nℹ suites 0\nℹ pass 3\nℹ fail 0\n", 0, "3 tests ok"),
    # cargo
    (
        "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.08s\n"
        "\nerror: test failed, to rerun pass `--lib`\n",
        101,
        "1 of 2 tests fails",
    ),
    (
        "    Finished `test` profile [unoptimized + debuginfo] target(s) in 0.30s\n"
        "test result: ok. 12 passed; 0 failed; 0 ignored\n\ntest result: ok. 2 passed; 0 failed; 0 ignored\n",
        0,
        "14 tests ok",
    ),
    ("error: could not compile `demo` (lib) due to 2 previous errors\n", 101, "2 errors"),
    (
        "error: could not compile `demo` (lib) due to 2 previous errors\nwarning: build failed\n"
        "error: could not compile `demo` (lib test) due to 2 previous errors; 1 warning emitted\n",
        101,
        "2 errors",
    ),
    (
        "warning: `demo` (lib) generated 1 warning (run `cargo fix` to apply 1 suggestion)\n"
        "    Finished `dev` profile [unoptimized + debuginfo] target(s) in 0.30s\n",
        0,
        "1 warning",
    ),
    ("    Finished `dev` profile [unoptimized + debuginfo] target(s) in 0.30s\n", 0, "no errors"),
    # go
    ("ok  \texample.com/a\t0.003s\n?   \texample.com/b\t[no test files]\n", 0, "1 package ok"),
    ("--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/x (0.00s)\nFAIL\nFAIL\texample.com/a\t0.1s\n", 1, "1 test fails"),
    ("ok  \texample.com/a\t0.1s\nFAIL\texample.com/b [build failed]\nFAIL\n", 1, "1 of 2 packages fails"),
    ("# example.com/a\n./a.go:3:5: unreachable code\nvet: ./b.go:1:1: undefined: x\n", 1, "2 errors"),
    # anything else
    ("whatever", 0, "ok"),
    ("whatever", 42, "exit 42"),
    # several in one
    (
        "All checks passed!\nSuccess: no issues found in 3 source files\n2 failed, 1 passed in 1.1s\n",
        2,
        "2 of 3 tests fail",
    ),
    ("14 passed in 0.12s\nFound 3 errors in 1 file (checked 9 source files)\n", 1, "3 errors"),
]


@pytest.mark.parametrize(("output", "exit_code", "summary"), SEEN)
def test_known_tools_are_understood(output: str, exit_code: int, summary: str) -> None:
    assert summarize(output, exit_code) == summary


def test_what_is_counted_by_its_lines_is_not_all_where_lines_are_missing() -> None:
    assert summarize("a.ts(1,7): error TS2322: x\n… 9 bytes are left out here …\n", 2, cut=True) == "at least 1 error"
    assert summarize("./a.go:3:5: x\n", 1, cut=True) == "at least 1 error"


def test_a_tests_own_words_are_not_taken_for_the_tools() -> None:
    assert summarize("we had 3 failed, 1 passed in 2s of it\n2 passed in 0.1s\n", 0) == "2 tests ok"
    assert summarize("Found 3 errors. Really\nok then\n", 0) == "ok"


@given(st.text(), st.integers(0, 255), st.booleans())
def test_any_output_is_summarized_in_one_short_line(output: str, exit_code: int, cut: bool) -> None:
    summary = summarize(output, exit_code, cut)
    assert 0 < len(summary) < 60
    assert summary.isprintable()


def test_what_is_long_and_odd_is_read_through_quickly() -> None:
    for odd in (
        "1 a, " * 4_000,
        "(1,1): " * 3_000,
        "Ran 1 test in " * 1_500,
        "\n" * 20_000,
        "1 failed" * 2_500,
        "x.go:1:1" * 2_500,
    ):
        assert summarize(odd, 0) == "ok"
