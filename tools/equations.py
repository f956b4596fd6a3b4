"""Write down how each displayed equation reads: python -m tools.equations.

The checks of tests/test_identities.py compute; they cannot see a sign that is changed on the page.
So they also hold each equation against tests/equations.toml, how it read when its check was last
looked at. Who changes an equation looks at the check, and then runs this.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STORED = ROOT / "tests" / "equations.toml"
DISPLAYED = re.compile(
    r"^```\{math\}\n:label: (?P<directive>eq-[\w-]+)\n(?P<a>.*?)^```$"
    r"|^\$\$\n(?P<b>.*?)^\$\$ \((?P<dollars>eq-[\w-]+)\)$",
    re.MULTILINE | re.DOTALL,
)


def displayed(chapters: Path) -> dict[str, str]:
    """Return the formula of each equation by its label, white space aside."""
    return {
        found["directive"] or found["dollars"]: " ".join((found["a"] or found["b"]).split())
        for page in sorted(chapters.glob("*.md"))
        for found in DISPLAYED.finditer(page.read_text(encoding="utf-8"))
    }


def main() -> int:
    """Write the file anew."""
    lines = [
        f"{label} = '''{formula}'''\n" for label, formula in displayed(ROOT / "chapters").items()
    ]
    STORED.write_text("".join(lines), encoding="utf-8")
    sys.stdout.write(f"{len(lines)} equations are in {STORED}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
