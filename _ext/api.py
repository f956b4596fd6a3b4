"""Leave out of the API pages what says nothing, and read names as names.

The class docstrings of NamedTuples describe their fields; "Alias for field number 0" says nothing.
Nor does the value of a constant that is a table of functions.
"""

import re

from sphinx import addnodes

LONGEST = 120  # characters of a constant's value that are shown
MODULE = re.compile(r"<module '(?:\w+\.)*(\w+)' from '[^']*'>")
INITIAL = re.compile(r"\s*(?=[A-Za-z]\.\s)")


def without_fields(_app, _what, _name, obj, _skip, _options):
    """Return whether to skip a member; None leaves that to others."""
    is_field = str(obj.__doc__).startswith("Alias for field number")
    return True if is_field else None


def without_long_values(_app, doctree):
    """Remove the values of constants that are longer than a reader wants."""
    for part in list(doctree.findall(addnodes.desc_annotation)):
        text = part.astext().strip()
        if text.startswith("=") and (len(text) > LONGEST or MODULE.search(text)):
            part.parent.remove(part)


def with_names_of_modules(_app, _what, _name, _obj, _options, signature, annotation):
    """Return a signature in which a default that is a module has its name, not its file."""
    return MODULE.sub(r"\1", signature or "") or signature, annotation


def keep_initials(_app, _what, _name, _obj, _options, lines):
    """Escape an initial at the beginning of a line, which would begin a list from A to Z."""
    for n, line in enumerate(lines):
        if found := INITIAL.match(line):
            lines[n] = f"{found[0]}\\{line[found.end() :]}"


def setup(app):
    """Connect to autodoc, after numpydoc has."""
    app.connect("autodoc-skip-member", without_fields)
    app.connect("autodoc-process-signature", with_names_of_modules)
    app.connect("autodoc-process-docstring", keep_initials, priority=900)
    app.connect("doctree-read", without_long_values)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
