#!/usr/bin/env python3
"""CMake refuses what the layers forbid: each case is a tiny project that must not build.

usage: layers_test.py [unittest arguments]; needs cmake, ninja and clang++-16.
"""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

MODULES = pathlib.Path(__file__).resolve().parent.parent.parent / "scripts" / "cmake"

# The project's own modules, with the folders of the case as its libraries.
PROJECT = """\
cmake_minimum_required(VERSION 3.25)
project(layers LANGUAGES CXX)
list(APPEND CMAKE_MODULE_PATH {modules})
include(ChatgateCompiler)
include(ChatgateTargets)
{folders}
"""


class Project:
    """A throwaway project of libraries: {name: text of its CMakeLists.txt}."""

    def __init__(self, folder, libraries, headers=None):
        self.folder = pathlib.Path(folder)
        headers = headers or {}
        for name, text in libraries.items():
            library = self.folder / name
            include = library / "include" / "chatgate" / name
            include.mkdir(parents=True)
            (library / "CMakeLists.txt").write_text(text + "\n", encoding="utf-8")
            (library / "empty.cc").write_text("", encoding="utf-8")
            header = headers.get(name, "#pragma once\nint f();\n")
            (include / "header.h").write_text(header, encoding="utf-8")
        folders = "\n".join(f"add_subdirectory({name})" for name in libraries)
        (self.folder / "CMakeLists.txt").write_text(
            PROJECT.format(modules=MODULES, folders=folders), encoding="utf-8")

    def run(self, *command):
        """Returns the exit status and what was said, each run of spaces made one."""
        result = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, encoding="utf-8", check=False)
        return result.returncode, re.sub(r"\s+", " ", result.stdout)

    def configure(self, compiler="clang++-16"):
        return self.run("cmake", "-G", "Ninja", "-S", ".", "-B", "build",
                        f"-DCMAKE_CXX_COMPILER={compiler}")

    def build(self, target):
        return self.run("cmake", "--build", "build", "--target", target)


def library(name, *edges):
    return f"chatgate_add_library({name} SOURCES empty.cc PUBLIC {' '.join(edges)})"


class LayersTest(unittest.TestCase):
    def project(self, libraries, headers=None):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Project(folder.name, libraries, headers)

    def refused(self, libraries, message):
        status, said = self.project(libraries).configure()
        self.assertNotEqual(status, 0, said)
        self.assertIn(message, said)

    def test_takes_edges_that_point_down(self):
        project = self.project({
            "base": library("base"),
            "net": library("net", "chatgate::base"),
            "session": library("session", "chatgate::net", "chatgate::base")})
        status, said = project.configure()
        self.assertEqual(status, 0, said)
        status, said = project.build("all_verify_interface_header_sets")
        self.assertEqual(status, 0, said)

    def test_refuses_an_upward_edge(self):
        self.refused({"session": library("session"), "net": library("net", "chatgate::session")},
                     "The library 'net' must not link 'session'")

    def test_refuses_an_edge_between_neighbours(self):
        self.refused({"config": library("config"), "net": library("net", "chatgate::config")},
                     "The library 'net' must not link 'config'")
        self.refused({"admin": library("admin"), "session": library("session", "chatgate::admin")},
                     "The library 'session' must not link 'admin'")

    def test_refuses_a_private_edge_that_points_up(self):
        self.refused({"net": library("net"),
                      "base": "chatgate_add_library(base SOURCES empty.cc PRIVATE chatgate::net)"},
                     "The library 'base' must not link 'net'")

    def test_refuses_an_upward_edge_that_is_added_later(self):
        later = library("net") + "\ntarget_link_libraries(chatgate_net PUBLIC chatgate::session)"
        self.refused({"session": library("session"), "net": later},
                     "The library 'net' must not link 'session'")

    def test_refuses_a_library_without_a_layer(self):
        self.refused({"util": library("util")}, "The library 'util' has no layer")

    def test_refuses_a_cycle(self):
        parts = "\n".join(f"add_library({name} STATIC empty.cc)" for name in ("one", "two"))
        edges = "target_link_libraries(one two)\ntarget_link_libraries(two one)"
        self.refused({"base": f"{parts}\n{edges}"}, "cyclic dependencies are not allowed")

    def test_refuses_an_unknown_link_name(self):
        self.refused({"base": library("base", "fnt")}, "links to: fnt which is not a target")

    def test_refuses_a_header_that_does_not_stand_alone(self):
        project = self.project({"base": library("base")},
                               {"base": "#pragma once\nstd::string f();\n"})
        self.assertEqual(project.configure()[0], 0)
        status, said = project.build("all_verify_interface_header_sets")
        self.assertNotEqual(status, 0, said)
        self.assertIn("use of undeclared identifier 'std'", said)

    def test_refuses_a_compiler_that_breaks_coroutines(self):
        if shutil.which("g++") is None:
            self.skipTest("no g++ here")
        version = subprocess.run(["g++", "-dumpversion"], stdout=subprocess.PIPE,
                                 encoding="utf-8", check=True).stdout
        if int(version.split(".")[0]) >= 13:
            self.skipTest(f"g++ {version.strip()} is new enough")
        status, said = self.project({"base": library("base")}).configure("g++")
        self.assertNotEqual(status, 0, said)
        self.assertIn("miscompiles coroutines", said)


if __name__ == "__main__":
    unittest.main()
