"""Leave the fields of NamedTuples out of the API page.

Their class docstrings describe them; "Alias for field number 0" says nothing.
"""


def without_fields(_app, _what, _name, obj, _skip, _options):
    """Return whether to skip a member; None leaves that to others."""
    is_field = str(obj.__doc__).startswith("Alias for field number")
    return True if is_field else None


def setup(app):
    """Connect to autodoc."""
    app.connect("autodoc-skip-member", without_fields)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
