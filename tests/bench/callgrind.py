"""Runs programs under valgrind's callgrind and reads what it counted.

Callgrind counts the instructions of user space alone, of every thread. Its files are for
callgrind_profile.Profile as well.
"""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

PATIENCE = 120


class Callgrind:
    """A folder for what callgrind counts in one program, and the program in it.

    `files` are written to the folder, where the program runs.
    """

    def __init__(self, program, files=None):
        self._directory = tempfile.TemporaryDirectory(prefix="chatgate-callgrind-")
        self.path = pathlib.Path(self._directory.name)
        for name, text in (files or {}).items():
            (self.path / name).write_text(text)
        # valgrind 3.19 cannot read the DWARF 5 of clang-16; symbols and code stay as they are.
        subprocess.run(["llvm-objcopy-16", "--strip-debug", program, self.path / "program"],
                       check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._directory.cleanup()

    def command(self, options, arguments):
        return ["valgrind", "--tool=callgrind", *options,
                f"--callgrind-out-file={self.path / 'counts'}", f"--log-file={self.path / 'log'}",
                "./program", *arguments]

    def settings(self):
        """For subprocess. The environment is on the stack and may say what libraries do: the same
        for everybody."""
        return {"cwd": self.path, "stdin": subprocess.DEVNULL,
                "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}}


class Server(Callgrind):
    """A running server, which starts and stops to count when it is told to.

    Errors: RuntimeError when it ends, or takes longer than PATIENCE for anything.
    """

    def __init__(self, command, files=None):
        super().__init__(command[0], files)
        self.stdout, self.stderr = self.path / "stdout", self.path / "stderr"
        with open(self.stdout, "w") as stdout, open(self.stderr, "w") as stderr:
            self.process = subprocess.Popen(
                self.command(["--separate-threads=yes", "--dump-instr=yes"], command[1:]),
                stdout=stdout, stderr=stderr, **self.settings())
        self._dumps = 0

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        super().__exit__()

    def wait_for(self, file, pattern):
        """The first match of `pattern` in what the program writes to `file`, stdout or stderr."""
        deadline = time.monotonic() + PATIENCE
        while not (match := re.search(pattern, file.read_text(), re.MULTILINE)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = file.read_text() + (self.path / "log").read_text()
                raise RuntimeError(f"{pattern!r} does not come; what did:\n{said}")
            time.sleep(0.01)
        return match

    def zero(self):
        """Counts from here."""
        self._control("zero")

    def dump(self):
        """The files, one for each thread, of what was counted since zero()."""
        self._dumps += 1
        self._control("dump")
        return sorted(self.path.glob(f"counts.{self._dumps}-*"))

    def _control(self, command):
        subprocess.run(["vgdb", f"--pid={self.process.pid}", command], check=True,
                       capture_output=True, timeout=PATIENCE)

    def settle(self):
        """Waits until no thread has anything left to do."""
        deadline = time.monotonic() + PATIENCE
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        quiet = 0
        while quiet < 2:
            quiet = quiet + 1 if all(map(is_waiting, tasks.iterdir())) else 0
            if time.monotonic() > deadline:
                raise RuntimeError("the server does not come to rest")

    def stop(self):
        """Returns once the server stands still."""
        self.process.send_signal(signal.SIGSTOP)
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise RuntimeError("the server ended")

    def resume(self):
        self.process.send_signal(signal.SIGCONT)


def is_waiting(task):
    """Whether a thread sleeps in a system call of its own. valgrind runs one thread at a time, and
    the others wait for their turn on a pipe."""
    state = (task / "stat").read_text().rpartition(")")[2].split()[0]
    return state == "S" and "pipe" not in (task / "wchan").read_text()


def count_calls(program, function):
    """(what `program` printed, instructions in each call of `function` in their order)."""
    with Callgrind(program) as folder:
        options = [f"--toggle-collect={function}", f"--dump-after={function}"]
        done = subprocess.run(folder.command(options, []), check=True, text=True,
                              stdout=subprocess.PIPE, timeout=PATIENCE, **folder.settings())
        files = sorted(folder.path.glob("counts.*"), key=lambda file: int(file.suffix[1:]))
        return done.stdout, [total([file]) for file in files]


def total(files):
    """The instructions in callgrind's files."""
    return sum(int(re.search(r"^(?:totals|summary): (\d+)", file.read_text(), re.MULTILINE)[1])
               for file in files)


def calls(file, function):
    """How often a function whose name begins like that was called, in one of callgrind's files."""
    text = file.read_text()
    names = re.findall(rf"fn=\((\d+)\) {re.escape(function)}", text)
    pattern = rf"^cfn=\((?:{'|'.join(names)})\).*\ncalls=(\d+)"
    return sum(map(int, re.findall(pattern, text, re.MULTILINE))) if names else 0
