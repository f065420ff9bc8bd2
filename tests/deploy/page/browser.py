"""A real Chromium, driven by playwright-core, for the tests of the status page."""

import json
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "e2e")]

import npm_modules  # noqa: E402


class Browser:
    """`with Browser() as browser:`; then open() a page, and ask or tell it something."""

    def __enter__(self):
        modules = npm_modules.installed(HERE)
        self._process = subprocess.Popen(
            ["node", HERE / "driver.mjs", modules, shutil.which("chromium")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *ignored):
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _do(self, *command):
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, f"{command}: {answer['error']}"
        return answer["value"]

    def open(self, url, **options):
        """A new page without history: width, height, dark, script (False: none runs)."""
        self._do("open", url, options)

    def click(self, selector):
        self._do("click", selector)

    def fill(self, selector, text):
        self._do("fill", selector, text)

    def press(self, key):
        self._do("press", key)

    def evaluate(self, expression):
        return self._do("evaluate", expression)

    def wait(self, expression):
        """Until the expression is true in the page; fails after two minutes."""
        self._do("wait", expression)

    def text(self, selector):
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")

    def requests(self):
        """Every URL that this page has asked for."""
        return self._do("requests")

    def complaints(self):
        """Errors and warnings of the console, failures of the script, and dialogs."""
        return self._do("complaints")

    def screenshot(self, file, whole=False):
        self._do("screenshot", str(file), whole)
