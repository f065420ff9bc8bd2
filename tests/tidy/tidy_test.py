#!/usr/bin/env python3
"""Each rule of tidy.py finds the fault it is for, and leaves the right way alone."""

import pathlib
import tempfile
import unittest

import functions
import tidy

HEADER = "#pragma once\n"


def said(files):
    """What tidy says about a repository of these files, as `path:line: text` lines."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return [f"{path}:{line}: {text}" for path, line, text in tidy.faults(folder)]


def function_of(lines):
    """A C++ function of so many lines."""
    return "int f(int x) {\n" + "  ++x;\n" * (lines - 2) + "}\n"


# Name, file, its text, the start of the fault that must be found.
FAULTS = [
    ("a long line", "libs/net/src/a.cc", "x" * 101 + "\n", "libs/net/src/a.cc:1: 101 columns"),
    ("a long script line", "scripts/a", "#!/bin/sh\n" + "x" * 101 + "\n", "scripts/a:2: 101"),
    ("a long file", "libs/net/src/a.cc", "\n" * 401, "libs/net/src/a.cc:401: 401 lines"),
    ("a long function", "service/a.cc", "\n" + function_of(61), "service/a.cc:2: a function of 61"),
    ("a long Python function", "tests/e2e/a.py", "def f():\n" + "    f()\n" * 60,
     "tests/e2e/a.py:1: a function of 61"),
    ("a trailing space", "libs/net/src/a.cc", "int x; \n", "libs/net/src/a.cc:1: trailing"),
    ("a tab", "service/a.cc", "\tint x;\n", "service/a.cc:1: indent"),
    ("no last newline", "service/a.cc", "int x;", "service/a.cc:1: no newline"),
    ("FIXME", "service/a.cc", "// FIXME: x\n", "service/a.cc:1: open an issue"),
    ("TODO without issue", "a.md", "# T\nTODO: x\n", "a.md:2: open an issue"),
    ("a machine path", "configs/a.yaml", "x: /work/a\n", "configs/a.yaml:1: a path of one"),
    ("a home folder", "configs/a.yaml", "x: /home/ann/a\n", "configs/a.yaml:1: a path of one"),
    ("detached", "libs/net/src/a.cc", "f(asio::detached);\n", "libs/net/src/a.cc:1: asio::det"),
    ("a mutex", "libs/net/src/a.cc", "std::mutex m;\n", "libs/net/src/a.cc:1: use base::Mutex"),
    ("a lock", "service/a.cc", "std::lock_guard l{m};\n", "service/a.cc:1: use base::Mutex"),
    ("a thread", "libs/session/src/a.cc", "std::thread t;\n", "libs/session/src/a.cc:1: threads"),
    ("a sleep in a test", "tests/unit/net/a.cc", "sleep_for(1s);\n", "tests/unit/net/a.cc:1: wait"),
    ("a sleep in a library", "libs/net/src/a.cc", "sleep_for(1s);\n", "libs/net/src/a.cc:1: wait"),
    ("a rest in a session", "libs/session/src/a.cc", "base::rest(1s);\n",
     "libs/session/src/a.cc:1: only the main loop"),
    ("a rest in a test", "tests/unit/net/a.cc", "base::rest(1s);\n",
     "tests/unit/net/a.cc:1: only the main loop"),
    ("a stream in a library", "libs/net/src/a.cc", "std::cerr;\n", "libs/net/src/a.cc:1: log"),
    ("shared_from_this", "service/a.h", HEADER + "std::enable_shared_from_this<A>\n",
     "service/a.h:2: the coroutine frame"),
    ("async", "service/a.cc", "std::async(f);\n", "service/a.cc:1: post"),
    ("endl", "service/a.cc", "out << std::endl;\n", r"service/a.cc:1: write '\n'"),
    ("an unused using", "service/a.cc", "using base::A;\nnet::A a;  // A\n",
     "service/a.cc:1: `A` is not used"),
    ("using namespace in a header", "service/a.h", HEADER + "using namespace std;\n",
     "service/a.h:2: `using namespace`"),
    ("no pragma", "service/a.h", "int x;\n", "service/a.h:1: a header starts"),
    ("a library outside its home", "libs/session/src/a.cc", "#include <asio/post.hpp>\n",
     "libs/session/src/a.cc:1: asio is included by net only"),
    ("a library in a foreign unit test", "tests/unit/net/a.cc", "#include <yaml-cpp/yaml.h>\n",
     "tests/unit/net/a.cc:1: yaml-cpp is included by config only"),
    ("no title", "a.md", "text\n", "a.md:1: 0 lines"),
    ("two titles", "a.md", "# A\n# B\n", "a.md:2: 2 lines"),
]

# Name, file, its text: nothing to say.
RIGHT = [
    ("a full line", "service/a.cc", "x" * 100 + "\n"),
    ("a full file", "service/a.cc", "\n" * 400),
    ("a full function", "service/a.cc", function_of(60)),
    ("a long class of short functions", "service/a.h",
     HEADER + "class A {\n" + "  int f() { return 1; }\n" * 100 + "};\n"),
    ("a long namespace", "service/a.cc", "namespace a {\n" + function_of(9) * 9 + "}\n"),
    ("a long table line in a document", "a.md", "# T\n" + "x" * 200 + "\n"),
    ("a TODO with its issue", "service/a.cc", "// TODO(#12): x\n"),
    ("a folder named work", "service/a.cc", "// src/work/a and ${x}/work/a\n"),
    ("a ban named in a comment", "service/a.cc", "// asio::detached, std::mutex\n"),
    ("a ban named in a string", "service/a.cc", 'f("std::mutex");\n'),
    ("a used using", "service/a.cc", "using base::A;\nA a;\n"),
    ("a using for others", "service/a.h", HEADER + "using base::A;\n"),
    ("the mutex of base", "libs/base/include/chatgate/base/a.h", HEADER + "std::mutex m;\n"),
    ("a thread in a test", "tests/integration/a.cc", "std::thread t;\n"),
    ("a thread's number", "service/a.cc", "std::thread::hardware_concurrency();\n"),
    ("a library at home", "libs/net/src/a.cc", "#include <asio/post.hpp>\n"),
    ("a library in its home's test", "tests/unit/net/a.cc", "#include <asio/post.hpp>\n"),
    ("a library in a spanning test", "tests/e2e/a.cc", "#include <asio/post.hpp>\n"),
    ("a title and code with one", "a.md", "# T\n```sh\n# not a title\n```\n"),
    ("what is built", "build/a.cc", "x" * 101),
    ("the corpus of a fuzz target", "tests/fuzz/corpus/line/a.txt", "\t "),
]


class TidyTest(unittest.TestCase):
    def test_finds_each_fault(self):
        for name, path, text, start in FAULTS:
            with self.subTest(name):
                found = said({path: text})
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith(start), found[0])

    def test_says_nothing_about_what_is_right(self):
        for name, path, text in RIGHT:
            with self.subTest(name):
                self.assertEqual(said({path: text}), [])

    def test_finds_every_fault_of_one_run(self):
        self.assertEqual(len(said({"service/a.cc": "std::mutex m;\nstd::endl;\n", "a.md": ""})), 3)

    def test_every_ban_is_seeded(self):
        seeded = "\n".join(text for _, _, text, _ in FAULTS)
        for pattern, _, _ in tidy.BANS:
            with self.subTest(pattern):
                self.assertRegex(seeded, pattern)


class FunctionsTest(unittest.TestCase):
    def spans(self, text):
        return list(functions.in_cpp(functions.without_comments(text)))

    def test_measures_a_constructor_with_initializers(self):
        self.assertEqual(self.spans("A::A(int x)\n    : a_{x},\n      b_{1} {\n  f();\n}\n"),
                         [(1, 5)])

    def test_counts_a_lambda_with_the_function_around_it(self):
        self.assertEqual(self.spans("void f() {\n  g([] {\n    h();\n  });\n}\n"), [(1, 5)])

    def test_is_not_fooled_by_braces_in_text(self):
        text = "void f() {\n  g('{', \"{\", 10'000, R\"({)\");  // {\n  /* { */\n}\nvoid g() {}\n"
        self.assertEqual(self.spans(text), [(1, 4), (5, 5)])

    def test_takes_no_class_or_macro_for_a_function(self):
        text = "#define A(x) { \\\n  x }\nclass B(capability) C {\n  int d;\n};\n"
        self.assertEqual(self.spans(text), [])


if __name__ == "__main__":
    unittest.main()
