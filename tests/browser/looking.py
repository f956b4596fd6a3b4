"""What a browser finds on a page: everything is gathered in one visit, as faults in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Browser, BrowserContext, Page

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
NARROW = 360  # pixels: the narrowest phone
ENLARGED = 320  # pixels: a window of 1280 at four times the size
HEIGHT = 844
GIVEN_UP = "net::ERR_ABORTED"  # when the page that asked was left
READY = "document.fonts.status === 'loaded'"
PATIENCE = 120_000  # milliseconds, for what a busy machine does in one
# A section that is far from the screen has the height of a placeholder, and its contents, which no
# reader sees then, overlap what follows it. What is measured on a page is measured when all of it
# is laid out, in letters that have come.
LAY_OUT = """
async () => {
  const style = document.head.appendChild(document.createElement("style"));
  style.textContent = "section { content-visibility: visible !important }";
  const frame = () => new Promise(requestAnimationFrame);
  const drawn = () => frame().then(frame);
  const waits = (e) => e.checkVisibility() && !e.checkVisibility({ contentVisibilityAuto: true });
  do await drawn(); while ([...document.querySelectorAll("section > *")].some(waits));
  await document.fonts.ready;
  await drawn();
}
"""

# All rules, also those of good practice. One cannot read MathML, and takes a heading of a table
# that is a formula for an empty one.
RUN_AXE = """
async () => {
  const rules = { "empty-table-header": { enabled: false } };
  const { violations } = await axe.run(document, { resultTypes: ["violations"], rules });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`));
}
"""
# Mathematics and numbers that were left as they are written, outside code.
RAW = r"""
() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const raw = /\\[(\[]|\$\$|\\(begin|frac|odot|sigma)\b|\de[+-]\d/, found = [];
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode;
    if (!parentElement.closest("pre, code, script, style, annotation") && raw.test(data))
      found.push(data.trim().slice(0, 80));
  }
  for (const error of document.querySelectorAll(".katex-error")) found.push(error.title);
  return found;
}
"""
IMAGES = """
async () => {
  const shown = [...document.images].filter((image) => image.checkVisibility());
  for (const image of shown) image.loading = "eager";
  await Promise.all(shown.map((image) => image.decode().catch(() => {})));
  return shown.flatMap((image) => [
    ...(image.naturalWidth ? [] : [`does not load: ${image.src}`]),
    ...(image.alt.trim() ? [] : [`has no alternative text: ${image.src}`]),
  ]);
}
"""
# Code and tables may be wider than the screen, and scroll. Nothing else has to be scrolled to.
SIDEWAYS = """
() => [...document.body.querySelectorAll("*")]
  .filter((e) => e.scrollWidth > e.clientWidth + 1 && !e.closest("pre, table") &&
    ["auto", "scroll"].includes(getComputedStyle(e).overflowX) && !e.querySelector("pre, table"))
  .map((e) => `${e.closest("[id]")?.id}: ${e.scrollWidth} of ${e.clientWidth} pixels`)
"""
# An equation's beginning is in sight.
CUT = """
() => [...document.querySelectorAll(".katex-display > .katex > .katex-html")]
  .filter((e) => [...e.children].some((part) =>
    part.getBoundingClientRect().left < e.getBoundingClientRect().left - 1))
  .map((e) => e.closest("[id]").id)
"""
# A line begins with the comma after a formula.
TORN = """
() => [...document.querySelectorAll("span.math")].filter((formula) => {
  const after = formula.nextSibling;
  if (after?.nodeType !== Node.TEXT_NODE || !/^[.,;:!?)]/.test(after.data)) return false;
  const sign = document.createRange();
  sign.setStart(after, 0);
  sign.setEnd(after, 1);
  const last = [...formula.querySelectorAll(".base")].at(-1);
  return sign.getBoundingClientRect().top > last.getBoundingClientRect().bottom - 3;
}).map((formula) => formula.textContent.slice(-40) + formula.nextSibling.data.slice(0, 20))
"""
WIDER = """
() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const scrolls = (e) => e && e !== document.body &&
    (getComputedStyle(e).overflowX !== "visible" || scrolls(e.parentElement));
  return [...document.body.querySelectorAll("*")]
    .filter((e) => e.getBoundingClientRect().right > width + 1 && !scrolls(e.parentElement))
    .map((e) => `${e.tagName}.${e.className}`).slice(0, 5)
    .concat([`${document.documentElement.scrollWidth} of ${width} pixels`]);
}
"""


def watch(page: Page, home: str) -> list[str]:
    """Return a list that fills with what goes wrong while a page loads."""
    faults: list[str] = []

    def asked(request):
        if not request.url.startswith((home, "data:", "blob:")):
            faults.append(f"foreign request: {request.url}")

    def answered(response):
        if response.status >= 400:
            faults.append(f"{response.status}: {response.url}")

    def failed(request):
        if request.failure != GIVEN_UP:
            faults.append(f"failed: {request.url}: {request.failure}")

    page.on("request", asked)
    page.on("response", answered)
    page.on("requestfailed", failed)
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.on("console", lambda said: said.type == "error" and faults.append(f"console: {said.text}"))
    return faults


@contextmanager
def opened(
    browser: Browser, home: str, path: str, *, theme: str = "light", width: int = 1280, **options
) -> Iterator[tuple[Page, list[str]]]:
    """Open a page in a browser of its own; yield it and the faults that were met."""
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": HEIGHT}, color_scheme=theme, **options
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    faults = watch(page, home)
    page.goto(home + path)
    if options.get("java_script_enabled", True):
        page.wait_for_function(READY)
    try:
        yield page, faults
    finally:
        context.close()


def look(browser: Browser, home: str, path: str, theme: str, width: int) -> list[str]:
    """Return all faults of a page as one reader meets it."""
    with opened(browser, home, path, theme=theme, width=width) as (page, faults):
        page.evaluate(LAY_OUT)
        faults += [f"image {fault}" for fault in page.evaluate(IMAGES)]
        faults += [f"mathematics: {raw}" for raw in page.evaluate(RAW)]
        page.evaluate(AXE.read_text(encoding="utf-8"))
        faults += [f"axe {found}" for found in page.evaluate(RUN_AXE)]
        if width < 600:
            page.set_viewport_size({"width": NARROW, "height": HEIGHT})
            faults += [f"wider than the screen: {e}" for e in page.evaluate(WIDER)]
            faults += [f"scrolls: {e}" for e in page.evaluate(SIDEWAYS)]
            faults += [f"equation cut: {e}" for e in page.evaluate(CUT)]
            faults += [f"line begins after: {e}" for e in page.evaluate(TORN)]
            page.set_viewport_size({"width": ENLARGED, "height": HEIGHT})
            needed = page.evaluate("document.documentElement.scrollWidth")
            if needed > ENLARGED:
                faults.append(f"needs {needed} of {ENLARGED} pixels")
        return faults
