"""Make the API page of module docstrings and NamedTuples, which numpydoc leaves as they are."""

import re

HEADING = re.compile(r"^(\S.*)\n-{3,}$", re.MULTILINE)


def without_headings(_app, what, _name, _obj, _options, lines):
    """Turn the headings of a module's docstring into rubrics, as numpydoc does elsewhere."""
    if what == "module":
        lines[:] = HEADING.sub(r".. rubric:: \1\n", "\n".join(lines)).split(
            "\n"
        )


def without_fields(_app, _what, _name, obj, _skip, _options):
    """Leave out the fields of a NamedTuple, which its own docstring describes."""
    return (
        True if str(obj.__doc__).startswith("Alias for field number") else None
    )


def setup(app):
    """Connect both to autodoc."""
    app.connect("autodoc-process-docstring", without_headings)
    app.connect("autodoc-skip-member", without_fields)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
