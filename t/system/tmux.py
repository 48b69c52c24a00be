"""A terminal for a program that takes the whole screen: tmux, with a socket of its own."""
import os
import pathlib
import subprocess

from harness import wait_for


class Terminal:
    """Runs a shell in COLUMNS x LINES; what is typed and seen goes through it. Use as a context manager."""

    def __init__(self, folder, columns=80, lines=24, locale="C.UTF-8", term="screen-256color"):
        self.socket = pathlib.Path(folder) / "tmux"
        self.size = (columns, lines)
        self.environment = {"PATH": os.environ["PATH"], "LC_ALL": locale, "HOME": str(folder), "PS1": "$ "}
        self.term = term

    def tmux(self, *words):
        return subprocess.run(["tmux", "-u", "-S", str(self.socket), "-f", "/dev/null", *words], env=self.environment, capture_output=True,
                              text=True, timeout=30, check=True).stdout

    def __enter__(self):
        self.tmux("new-session", "-d", "-x", str(self.size[0]), "-y", str(self.size[1]), f"TERM={self.term} exec sh")
        self.wait(str.strip, "a prompt")
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], check=False, capture_output=True)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def press(self, *keys):
        """Keys by the names of tmux: Enter, Tab, Down, PageDown, Escape, C-z."""
        self.tmux("send-keys", *keys)

    def run(self, *words):
        self.type(" ".join(words))
        self.press("Enter")

    def resize(self, columns, lines):
        self.tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def lines(self):
        return self.screen().split("\n")

    def wait(self, condition, what, seconds=20):
        """Waits until condition(screen) is true; returns the screen. On failure the screen is in the error."""
        seen = [""]

        def look():
            seen[0] = self.screen()
            return condition(seen[0]) and seen[0]
        try:
            return wait_for(look, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{seen[0]}") from None

    def see(self, text, seconds=20):
        return self.wait(lambda screen: text in screen, f"{text!r} on the screen", seconds)

    def alternate(self):
        """Whether a program has taken the screen."""
        return self.tmux("display-message", "-p", "#{alternate_on}").strip() == "1"
