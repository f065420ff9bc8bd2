#!/usr/bin/env python3
"""Checks the habits of this repository that neither compiler nor clang-tidy knows.

usage: tidy.py [ROOT]

Prints each fault as `file:line: what to do instead` and exits with 1 if there is one. The rules
are the functions and tables below; tidy_test.py seeds a fault for each.
"""

import os
import pathlib
import re
import sys

import functions

COLUMNS_MAX = 100
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

CODE_SUFFIXES = {".h", ".cc", ".py", ".cmake", ".in"}
TEXT_SUFFIXES = CODE_SUFFIXES | {".md", ".yaml", ".yml", ".json", ".txt", ".service", ".socket"}

# Who may include a third-party library (design: each has one home).
HOMES = {
    "yaml-cpp/": {"config"},
    "asio/": {"net"},
    "asio.hpp": {"net"},
    "openssl/": {"net"},
    "spdlog/": {"telemetry"},
    "prometheus/": {"telemetry"},
    "civetweb.h": {"admin"},
    "CivetServer.h": {"admin"},
    "CLI/": {"service"},
    "nlohmann/": {"admin", "ctl", "service", "telemetry"},
    "systemd/": {"net", "service", "telemetry"},
}

# What C++ code does not use: pattern, the parts that may, what to do instead. A part is a library,
# `service`, or a folder of tests/; `tests` stands for all of those.
BANS = [
    (r"\basio::detached\b", set(),
     "asio::detached swallows exceptions: co_spawn with a handler that rethrows them"),
    (r"\bstd::(recursive_|shared_|timed_)?mutex\b|\bstd::(lock_guard|scoped_lock)\b",
     {"base", "tests"},
     "use base::Mutex and base::MutexLock, which -Wthread-safety understands"),
    (r"\bstd::j?thread\b(?!::)", {"net", "telemetry", "admin", "bench", "tests"},
     "threads are started by net (workers, acceptors): post the work to one"),
    (r"\bstd::async\b", {"admin", "tests"}, "post the work to a worker: std::async hides a thread"),
    (r"\benable_shared_from_this\b", {"bench"},
     "the coroutine frame owns the session: no shared_from_this"),
    (r"\b(sleep_for|sleep_until|usleep|nanosleep)\b", {"base", "support", "bench"},
     "wait for the event, or with tests/support for a condition until a deadline"),
    (r"\bbase::rest\b", {"net", "telemetry"},
     "only the main loop of a thread paces itself: elsewhere wait for the event, or set a timer"),
    (r"\bstd::(cout|cerr|clog)\b", {"service", "tests"},
     "log through telemetry: the standard streams belong to the program"),
    (r"\bstd::endl\b", set(), r"write '\n': std::endl flushes"),
]

# Paths of somebody's machine. `/work` must stand alone: `src/work/` is none.
MACHINE_PATH = re.compile(r"(?<![\w.}-])(/work/|/root/|/tmp/b-|/home/\w+/)")
TASK_MARK = re.compile(r"\b(FIXME|XXX|TODO)\b(?!\(#\d+\): )")
TASK_MARK_TEXT = "open an issue and write TODO(#123): what is missing, or do it now"


def text_files(root):
    """The files that rules look at, as paths relative to root."""
    for folder, names, files in os.walk(root):
        names[:] = sorted(n for n in names if n not in {"build", "corpus", "__pycache__"}
                          and (not n.startswith(".") or n == ".ci"))
        for name in sorted(files):
            path = pathlib.Path(folder, name)
            if path.suffix in TEXT_SUFFIXES or is_script(path):
                yield path.relative_to(root)


def is_script(path):
    if path.suffix or path.name.startswith("."):
        return False
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def part_of(path):
    """`net` for libs/net/…, `service`, and for tests the set of words that bans may name."""
    if path.parts[0] == "libs":
        return {path.parts[1]}
    if path.parts[0] == "tests":
        return {"tests", path.parts[1]}
    return {path.parts[0]}


def is_code(path):
    return (path.suffix in CODE_SUFFIXES or path.name == "CMakeLists.txt" or not path.suffix)


def check_size(path, lines):
    if not is_code(path):
        return
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns: at most {COLUMNS_MAX}"
    if len(lines) > FILE_LINES_MAX:
        yield len(lines), f"{len(lines)} lines: at most {FILE_LINES_MAX}, one subject a file"


def check_spaces(path, lines):
    for number, line in enumerate(lines, 1):
        if line != line.rstrip() and path.suffix != ".md":
            yield number, "trailing space"
        if "\t" in line and is_code(path) and not lines[0].endswith("make -f"):
            yield number, "indent by spaces"


def check_functions(path, lines):
    text = "\n".join(lines)
    if path.suffix in {".h", ".cc"}:
        spans = functions.in_cpp(functions.without_comments(text))
    elif path.suffix == ".py" or (lines and lines[0].endswith("python3")):
        spans = functions.in_python(text)
    else:
        return
    for first, last in spans:
        length = last - first + 1
        if length > FUNCTION_LINES_MAX:
            yield first, f"a function of {length} lines: at most {FUNCTION_LINES_MAX}"


def check_words(path, lines):
    if path.parts[:2] == ("tests", "tidy"):
        return  # Names what it forbids.
    for number, line in enumerate(lines, 1):
        if MACHINE_PATH.search(line):
            yield number, "a path of one machine: say it relative to the repository"
        if TASK_MARK.search(line):
            yield number, TASK_MARK_TEXT


def check_bans(path, lines):
    if path.suffix not in {".h", ".cc"}:
        return
    part = part_of(path)
    code = functions.without_comments("\n".join(lines)).split("\n")
    for number, line in enumerate(code, 1):
        for pattern, allowed, instead in BANS:
            if not part & allowed and re.search(pattern, line):
                yield number, instead
        if path.suffix == ".h" and re.match(r"\s*using namespace\b", line):
            yield number, "`using namespace` in a header reaches everyone who includes it"


def check_using(path, lines):
    """What misc-unused-using-decls does not see, because scripts/lint includes sources."""
    if path.suffix != ".cc":
        return
    code = functions.without_comments("\n".join(lines))
    for number, line in enumerate(code.split("\n"), 1):
        name = re.match(r"\s*using (?:\w+::)+(\w+);", line)
        if name and not re.search(rf"(?<!::)\b{name[1]}\b", code):
            yield number, f"`{name[1]}` is not used: drop the using-declaration"


def check_homes(path, lines):
    """Tests that span libraries may include anything; a unit test what its library may."""
    if path.suffix not in {".h", ".cc"} or path.parts[0] not in {"libs", "service", "tests"}:
        return
    part = part_of(path)
    if "tests" in part:
        if path.parts[1] != "unit":
            return
        part = {path.parts[2]}
    for number, line in enumerate(lines, 1):
        include = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        for prefix, home in HOMES.items():
            if include and include[1].startswith(prefix) and not part & home:
                yield number, f"{prefix.rstrip('/')} is included by {', '.join(sorted(home))} only"


def check_header(path, lines):
    if path.suffix == ".h" and (not lines or lines[0] != "#pragma once"):
        yield 1, "a header starts with #pragma once"


def check_title(path, lines):
    if path.suffix != ".md":
        return
    titles = []
    in_fence = False
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("```"):
            in_fence = not in_fence
        elif line.startswith("# ") and not in_fence:
            titles.append(number)
    if len(titles) != 1:
        yield titles[1] if titles else 1, f"{len(titles)} lines `# Title`: a document has one"


RULES = [check_size, check_spaces, check_functions, check_words, check_bans, check_using,
         check_homes, check_header, check_title]


def faults(root):
    """Yields (path, line, text) for each fault below root."""
    for path in text_files(root):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            yield path, 1, "not UTF-8"
            continue
        lines = text.split("\n")
        if lines.pop() != "" and text:
            yield path, len(lines) + 1, "no newline at the end of the file"
        for rule in RULES:
            for number, fault in rule(path, lines):
                yield path, number, fault


def main(arguments):
    default = pathlib.Path(__file__).resolve().parent.parent.parent
    found = list(faults(pathlib.Path(arguments[0]) if arguments else default))
    for path, number, text in found:
        print(f"{path}:{number}: {text}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
