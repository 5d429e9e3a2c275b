"""Where tests stand: what is found, and what is proposed where there are none."""

from __future__ import annotations

import pytest

from claude_ls.syntax import testing
from claude_ls.syntax.languages import LANGUAGES
from claude_ls.syntax.testing import Proposal, is_test_file


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_shop.py", "shop_test.py", "tests/conftest.py", "a/cart_test.go", "cart.test.ts", "cart.spec.tsx",
        "src/__tests__/cart.js", "src/test/java/a/CartTest.java", "src/test/java/a/Fixtures.java", "CartTests.cs",
        "spec/cart_spec.rb", "test/test_cart.rb", "tests/CartTest.php", "tests/test_cart.c", "cart_test.cc",
        "tests/cart.rs", "src/tests.rs", "spec/cart_spec.lua", "test_cart.sh",
    ],
)  # fmt: skip
def test_a_test_file_is_known_by_its_name(path: str) -> None:
    assert is_test_file(path)


@pytest.mark.parametrize(
    "path",
    [
        "shop.py", "latest.py", "testing.py", "contest_py.py", "tests/data.json", "cart.go", "cart.ts", "test.ts",
        "src/cart.rs", "Cart.java", "src/main/java/test/Cart.java", "README.md", "x.unknown", "latest.rb",
    ],
)  # fmt: skip
def test_all_else_is_none(path: str) -> None:
    assert not is_test_file(path)


@pytest.mark.parametrize(
    ("path", "paths", "expected"),
    [
        # What is there.
        ("shop/cart.py", ["tests/test_cart.py", "tests/test_other.py"], "tests/test_cart.py"),
        ("server/claude_ls/agent/context.py", ["tests/session/test_context.py", "tests/unit/agent/test_context.py"],
         "tests/unit/agent/test_context.py"),
        ("src/cart.ts", ["src/__tests__/cart.test.ts"], "src/__tests__/cart.test.ts"),
        ("src/cart.ts", ["src/cart.spec.ts", "src/cart.py"], "src/cart.spec.ts"),
        ("src/Cart.tsx", ["src/Cart.test.ts"], "src/Cart.test.ts"),
        ("a/cart.go", ["a/cart_test.go", "b/cart_test.go"], "a/cart_test.go"),
        ("src/main/java/shop/Cart.java", ["src/test/java/shop/CartTest.java"], "src/test/java/shop/CartTest.java"),
        ("lib/shop/cart.rb", ["spec/shop/cart_spec.rb"], "spec/shop/cart_spec.rb"),
        ("src/Cart.php", ["tests/CartTest.php"], "tests/CartTest.php"),
        ("src/cart.rs", [], "src/cart.rs"),
    ],
)  # fmt: skip
def test_the_test_file_that_is_there_is_found(path: str, paths: list[str], expected: str) -> None:
    found = testing.tests_of(path, [*paths, path])
    assert found == Proposal(expected, exists=True)


@pytest.mark.parametrize(
    ("path", "paths", "expected", "example"),
    [
        # By the convention of the language.
        ("shop/cart.py", [], "tests/test_cart.py", ""),
        ("a/cart.go", [], "a/cart_test.go", ""),
        ("src/cart.ts", [], "src/cart.test.ts", ""),
        ("src/Cart.tsx", [], "src/Cart.test.tsx", ""),
        ("src/main/java/shop/Cart.java", [], "src/test/java/shop/CartTest.java", ""),
        ("lib/cart.rb", [], "spec/cart_spec.rb", ""),
        ("Cart.cs", [], "tests/CartTests.cs", ""),
        ("cart.c", [], "tests/test_cart.c", ""),
        # As the folder has it.
        ("shop/cart.py", ["shop/price_test.py"], "shop/cart_test.py", "shop/price_test.py"),
        ("shop/cart.py", ["tests/unit/test_price.py"], "tests/unit/test_cart.py", "tests/unit/test_price.py"),
        ("app/shop/cart.py", ["tests/shop/test_price.py"], "tests/shop/test_cart.py", "tests/shop/test_price.py"),
        ("src/cart.ts", ["src/price.spec.ts"], "src/cart.spec.ts", "src/price.spec.ts"),
        ("src/shop/cart.ts", ["src/__tests__/a.test.ts"], "src/shop/__tests__/cart.test.ts", "src/__tests__/a.test.ts"),
        ("lib/cart.rb", ["test/price_test.rb"], "test/cart_test.rb", "test/price_test.rb"),
        ("src/index.ts", ["src/shop/index.test.ts"], "src/index.test.ts", "src/shop/index.test.ts"),
        # Tests of another language are none.
        ("shop/cart.py", ["web/cart.test.ts"], "tests/test_cart.py", ""),
    ],
)  # fmt: skip
def test_a_new_one_is_proposed_as_the_others_are(path: str, paths: list[str], expected: str, example: str) -> None:
    assert testing.tests_of(path, [*paths, path]) == Proposal(expected, exists=False, example=example)


def test_every_language_that_runs_has_tests_which_are_known_as_such() -> None:
    for row in LANGUAGES:
        path = f"src/Cart{row.suffixes[0]}"
        found = testing.tests_of(path, [path])
        assert (found is not None) == row.is_code
        if found is not None and row.name != "Rust":
            assert is_test_file(found.path), found


def test_what_is_unknown_has_none() -> None:
    assert testing.tests_of("a/b.unknown", []) is None
    assert testing.tests_of("README.md", []) is None
