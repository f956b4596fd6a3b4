"""Every way to run a page elsewhere leads to something: in the site, the repository or its branch.

The small book is built twice: from a repository on GitHub, and from none that is known.
"""

import os
import re
import runpy
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from smallbook import BUILD, write
from test_drift import run

ROOT = Path(__file__).resolve().parents[2]
PAGE = "chapters/page"
NAME = "Someone/lstm-lab"
repository = runpy.run_path(str(ROOT / "_ext" / "address.py"))["repository"]


def build(root: Path, name: str) -> Path:
    """Build the small book as the repository's workflow would."""
    outcome = run(BUILD, write(root), GITHUB_REPOSITORY=name)
    assert not outcome.red, outcome.said
    return root


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> Path:
    """The small book, built from a repository on GitHub."""
    return build(tmp_path_factory.mktemp("known"), NAME)


@pytest.fixture(scope="module")
def unknown(tmp_path_factory) -> Path:
    """The small book, built from a folder of no repository."""
    return build(tmp_path_factory.mktemp("unknown"), "")


def links(root: Path, page: str = PAGE) -> dict[str, str]:
    """Return where the buttons of a page's head lead, by their names."""
    html = (root / "_build" / "html" / f"{page}.html").read_text("utf-8")
    buttons = BeautifulSoup(html, "lxml").select("a.dropdown-item[href]")
    return {button.get_text(strip=True): button["href"] for button in buttons}


def target(root: Path, link: str, page: str = PAGE) -> Path:
    """Return the file of the site that a relative link leads to."""
    folder = (root / "_build" / "html" / page).parent
    return Path(os.path.normpath(folder / urlsplit(link).path))


def notebook(file: Path) -> nbformat.NotebookNode:
    """Return a notebook that keeps to its format."""
    content = nbformat.read(file, as_version=4)
    nbformat.validate(content)
    return content


def test_without_a_repository_nothing_leads_to_other_hosts(unknown):
    found = links(unknown)
    assert list(found) == ["Run in this browser", ".ipynb", ".md", ".pdf"]
    assert all(not urlsplit(link).netloc for link in found.values())
    assert not (unknown / "_build" / "notebooks").exists()


def test_with_a_repository_both_hosts_are_offered(known):
    assert list(links(known)) == [
        *("Run in this browser", "Binder", "Colab"),
        *("Repository", "Open issue"),
        *(".ipynb", ".md", ".pdf"),
    ]
    assert links(known)["Repository"] == f"https://github.com/{NAME}"


def test_a_page_without_cells_offers_no_notebook(unknown):
    assert list(links(unknown, "chapters/index")) == [".md", ".pdf"]


def test_the_browsers_notebook_is_the_one_to_download(unknown):
    link = links(unknown)["Run in this browser"]
    site = unknown / "_build" / "html"
    assert target(unknown, link) == site / "lite" / "notebooks" / "index.html"
    (path,) = parse_qs(urlsplit(link).query)["path"]
    download = target(unknown, links(unknown)[".ipynb"])
    assert site / "_sources" / path == download
    assert download.is_file()


def test_the_source_can_be_downloaded(unknown):
    source = target(unknown, links(unknown)[".md"])
    assert source.read_bytes() == (unknown / f"{PAGE}.md").read_bytes()


def test_the_downloaded_notebook_needs_no_book(unknown):
    cells = notebook(target(unknown, links(unknown)[".ipynb"])).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    text = "\n".join(cell.source for cell in cells)
    assert "glue" not in text
    assert "so 0.73 of the state is left" in text
    assert "import matplotlib.pyplot as plt\nimport numpy as np\n" in text
    assert [output.text for output in code[1].outputs] == ["0.7311\n"]
    assert "image/svg+xml" in code[2].outputs[0].data
    executed = unknown / "_build" / "jupyter_execute" / f"{PAGE}.ipynb"
    built = [c for c in notebook(executed).cells if c.cell_type == "code"]
    assert len(built) == len(code) + 1  # one glued what is in the text
    assert "(small-page)=" not in text
    assert "\n**Fig. 1.** " in text


def test_binder_opens_the_chapter_as_a_notebook(known):
    link = urlsplit(links(known)["Binder"])
    assert link.netloc == "mybinder.org"
    assert link.path == f"/v2/gh/{NAME}/HEAD"
    (path,) = parse_qs(link.query)["urlpath"]
    assert (known / path.removeprefix("lab/tree/")).is_file()
    start = ROOT / ".binder" / "postBuild"
    assert "set-default-viewer markdown myst" in start.read_text("utf-8")
    listed = ["git", "ls-files", "--stage", str(start)]
    mode = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True)
    assert mode.stdout.startswith(b"100755")  # or Binder does not run it


def test_colab_opens_a_notebook_of_the_published_branch(known):
    link = urlsplit(links(known)["Colab"])
    assert link.netloc == "colab.research.google.com"
    branch, _, path = link.path.removeprefix(f"/github/{NAME}/blob/").partition("/")
    first, *others = notebook(known / "_build" / branch / path).cells
    assert f"git+https://github.com/{NAME}" in first.source
    downloaded = target(known, links(known)[".ipynb"])
    assert others == notebook(downloaded).cells

    workflow = ROOT / ".github" / "workflows" / "pages.yml"
    jobs = yaml.safe_load(workflow.read_text("utf-8"))["jobs"]
    uploaded = [step.get("with", {}) for step in jobs["build"]["steps"]]
    assert {"name": branch, "path": f"_build/{branch}"} in uploaded
    (publish,) = jobs["notebooks"]["steps"]
    assert re.search(rf"push .* HEAD:{branch}$", publish["run"], re.MULTILINE)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://github.com/Someone/lstm-lab.git", NAME),
        ("https://github.com/Someone/lstm-lab", NAME),
        ("git@github.com:Someone/lstm-lab.git", NAME),
        ("ssh://git@github.com/Someone/lstm-lab/", NAME),
        ("https://example.org/Someone/lstm-lab.git", None),
        ("https://notgithub.com/Someone/lstm-lab.git", None),
        ("/srv/lstm-lab.git", None),
    ],
)
def test_the_repository_is_what_was_cloned(tmp_path, address, expected):
    for arguments in (["init"], ["remote", "add", "origin", address]):
        subprocess.run(["git", *arguments], cwd=tmp_path, capture_output=True, check=True)
    assert repository({}, tmp_path) == expected
    assert repository({"GITHUB_REPOSITORY": "a/b"}, tmp_path) == "a/b"


def test_a_folder_of_no_repository_has_none(tmp_path):
    assert repository({}, tmp_path) is None
