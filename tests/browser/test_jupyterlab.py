"""In JupyterLab, with a kernel, a figure moves as it does on the page, and Python moves with it."""

import os
import secrets
import socket
import subprocess
import sys
import urllib.request
from urllib.error import URLError

import nbformat
import pytest
from playwright.sync_api import expect

from .conftest import ROOT
from .looking import PATIENCE

START = 600_000  # milliseconds, for the server, the page and the kernel
MAKE = """\
from lstm_lab.figures import Control, Frame, MovingFigure

sizes, colors = ["small", "large"], ["red", "blue"]
figure = MovingFigure(
    "A test",
    [Control("size", sizes), Control("color", colors, slides=False)],
    lambda size, color: Frame(f"{sizes[size]} {colors[color]}"),
    ask=("a word", lambda word: f"<b>{word[::-1]}</b>"),
)
figure
"""
TELL = "print(figure.value)"
MOVE = 'figure.value = {"size": 0, "color": 1}'


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(address):
    """Tell whether a server is there."""
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (URLError, OSError):
        return False


@pytest.fixture
def notebook(browser, tmp_path):
    """A notebook in JupyterLab whose cells have not been run, and what its page complained of."""
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in (MAKE, TELL, MOVE)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python"}},
    )
    nbformat.write(book, tmp_path / "figure.ipynb")
    port, token = free_port(), secrets.token_hex()
    address = f"http://127.0.0.1:{port}"
    settings = {
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "ServerApp.root_dir": str(tmp_path),
        "IdentityProvider.token": token,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=ROOT,
            env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path / "config")},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    page = browser.new_page()
    page.set_default_timeout(START)
    expect.set_options(timeout=START)
    said = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "request",
        lambda sent: (
            sent.url.startswith((address, f"ws://127.0.0.1:{port}", "data:", "blob:"))
            or said.append(sent.url)
        ),
    )
    try:
        for _ in range(START // 500):
            if server.poll() is not None or answers(f"{address}/api"):
                break
            page.wait_for_timeout(500)
        assert server.poll() is None, (tmp_path / "log").read_text()
        page.goto(f"{address}/doc/tree/figure.ipynb?token={token}")
        page.wait_for_selector(
            ".jp-Notebook-ExecutionIndicator[data-status=idle]", state="attached"
        )
        yield page, said
    finally:
        expect.set_options(timeout=PATIENCE)
        page.close()
        server.terminate()
        try:
            server.wait(timeout=60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def run(page, number):
    """Run a cell, and return it."""
    cell = page.locator(".jp-CodeCell").nth(number)
    prompt = cell.locator(".jp-InputPrompt")
    for _ in range(START // 1000):  # keys do nothing yet while the page loads
        cell.locator(".cm-content").press("Shift+Enter")
        page.wait_for_timeout(1000)
        if prompt.inner_text() != "[ ]:":
            return cell
    raise TimeoutError(f"cell {number} could not be run")


def test_a_figure_and_python_move_each_other(notebook):
    page, said = notebook
    run(page, 0)
    figure = page.locator(".lab-figure")
    shown = figure.locator("[data-frame]:visible")

    expect(shown).to_have_text("small red")

    slider = figure.locator("input[type=range]")
    slider.press("ArrowRight")
    figure.locator("select").select_option("blue")
    expect(shown).to_have_text("large blue")
    # What moves twice is sent twice, and the second time when the kernel has answered the first.
    moved = "{'size': 1, 'color': 1}\n"
    for _ in range(START // 1000):
        told = run(page, 1).locator(".jp-OutputArea-output")
        if told.inner_text() == moved:
            break
        page.wait_for_timeout(1000)
    expect(told).to_have_text(moved)

    run(page, 2)
    expect(shown).to_have_text("small blue")
    expect(slider).to_have_value("0")

    field = figure.locator(".lab-ask input")
    field.fill("lstm")
    field.press("Enter")
    expect(page.locator(".lab-answer b")).to_have_text("mtsl")
    assert said == []
