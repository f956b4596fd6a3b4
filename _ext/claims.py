"""List what a page claims, and what carries each claim, from the built pages themselves.

The directive `{claims} ch318` becomes a table of one page, in the order in which it is read: each
sentence with a number that a cell computed, each caption with what cells assert of the figure's
data, each equation with its test, and every other assertion. `{claims}` alone becomes a table of
how many there are. What a page claims, `claimed` reads.
"""

from collections import Counter

from claimed import KINDS, Page, is_cell, is_value, paragraph, plain, section
from docutils import nodes
from myst_nb.ext.glue.roles import PasteTextRole
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective


class Claims(nodes.General, nodes.Element):
    """The place of a table."""


class ClaimsDirective(SphinxDirective):
    """Leave a place for the table of a page, or for that of all pages."""

    optional_arguments = 1

    def run(self):
        """Return the place."""
        self.env.metadata[self.env.docname]["claims"] = True
        page = sibling(self.env.docname, *self.arguments)
        if self.arguments and page not in self.env.found_docs:
            raise self.error(f"there is no page {page}")
        return [Claims(page=page if self.arguments else None)]


class NamedValue(PasteTextRole):
    """The role glue:text, which remembers the name of what it inserts."""

    def run(self):
        """Return what the role returns, with the name."""
        inserted, messages = super().run()
        for node in inserted:
            node["glued"] = self.text.partition(":")[0]
        return inserted, messages


def sibling(page, *name):
    """Return the page of another name in the same folder."""
    return "/".join([*page.split("/")[:-1], *name])


# --- The places that are linked to ---


def name_places(_app, doctree):
    """Give an id to each paragraph with a computed number, and to each cell."""
    seen = Counter()
    for block in dict.fromkeys(map(paragraph, doctree.findall(is_value))):
        name = next(block.findall(is_value))["glued"]
        again = f"-{seen[name] + 1}" if name in seen else ""
        block["ids"].append(f"claim-{name}{again}")
        seen[name] += 1
    for cell in doctree.findall(is_cell):
        cell["ids"].append(f"cell-{cell['cell_index']}")


# --- The tables ---


class Fill(SphinxPostTransform):
    """Put the tables into their places, before references are resolved."""

    default_priority = 4

    def run(self, **_):
        """Fill all places of a page."""
        places = list(self.document.findall(Claims))
        pages = {
            place: Page(self.app, place["page"], self.env.docname)
            for place in places
            if place["page"]
        }
        listed = {place: page.sections() for place, page in pages.items()}
        for place in places:
            place.replace_self(
                one_page(pages[place], listed[place])
                if place in pages
                else all_pages(pages, listed)
            )


def one_page(page, sections):
    """Return the table of what a page claims."""
    rows = []
    for where, claims in sections:
        title = nodes.Text(where.next_node(nodes.title).astext())
        link = page.link(where["ids"][0], title)
        head = nodes.paragraph("", "", link)
        rows.append(row([entry(head, across=2)], "claims-section"))
        for claim in claims:
            label = nodes.paragraph("", "", *claim.label, classes=["claims-label"])
            across = 1 if claim.carriers else 2
            cells = [entry(label, *claim.said, across=across)]
            cells += [entry(*claim.carriers)] if claim.carriers else []
            rows.append(row(cells, f"claims-{claim.kind}"))
    return table(["What is claimed", "What carries it"], rows, "claims")


def all_pages(pages, listed):
    """Return the table of how much each page claims."""
    rows, sums = [], Counter()
    for place, sections in listed.items():
        counts = Counter(claim.kind for _, claims in sections for claim in claims)
        counts["number"] = len([*pages[place].doctree.findall(is_value)])
        counts["assertion"] = len(pages[place].assertions)
        sums += counts
        own = section(place)
        link = nodes.reference(
            "", own.next_node(nodes.title).astext(), internal=True, refid=own["ids"][0]
        )
        rows.append(row([entry(nodes.paragraph("", "", link)), *numbers(counts)]))
    rows.append(row([entry(plain("together")), *numbers(sums)], "claims-sum"))
    return table(["", *KINDS.values()], rows, "claims-counts")


def numbers(counts):
    """Return a cell for the number of each kind of claim."""
    return [entry(plain(f"{counts[kind]}")) for kind in KINDS]


def table(heads, rows, look):
    """Return a table with a row of heads."""
    columns = (nodes.colspec(colwidth=1) for _ in heads)
    head = row([entry(plain(text)) for text in heads])
    group = nodes.tgroup(
        "", *columns, nodes.thead("", head), nodes.tbody("", *rows), cols=len(heads)
    )
    return nodes.table("", group, classes=[look])


def row(cells, *looks):
    """Return a row of a table."""
    return nodes.row("", *cells, classes=list(looks))


def entry(*content, across=1):
    """Return a cell of a table, which may go across several columns."""
    spanned = {"morecols": across - 1} if across > 1 else {}
    return nodes.entry("", *content, **spanned)


def without_preview(_app, doctree, _page):
    """Mark the links to equations that stand beside them: they need no preview."""
    for claim in doctree.findall(nodes.row):
        if "claims-equation" in claim["classes"]:
            for link in claim.findall(nodes.reference):
                link["classes"].append("claims-place")


def outdated(_app, env):
    """Return the pages that list claims: they are written anew whenever any page is."""
    return [page for page, data in env.metadata.items() if "claims" in data]


def setup(app):
    """Add the directive, and let the role of MyST-NB remember names."""
    app.add_node(Claims)
    app.add_directive("claims", ClaimsDirective)
    app.add_role_to_domain("glue", "text", NamedValue(), override=True)
    app.add_post_transform(Fill)
    app.connect("doctree-read", name_places)
    app.connect("doctree-resolved", without_preview)
    app.connect("env-updated", outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
