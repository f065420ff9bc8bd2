"""Finds functions in source text, well enough to measure them."""

import ast
import re

# In the order of trying: comments, raw strings, strings, characters. A quote between digits is a
# separator (10'000), which the character pattern must not start at.
TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r'|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)

# A block after one of these is not a function.
NO_FUNCTION = re.compile(
    r"^\s*(template\s*<.*?>\s*)?(\[\[\w+\]\]\s*)?"
    r"(namespace|class|struct|union|enum|extern|if|else|for|while|switch|do|try|catch|case)\b",
    re.DOTALL)


# The end of a constructor's head whose next brace opens a member initializer, not the body.
INITIALIZER = re.compile(r"\)\s*(noexcept\s*)?:(?!:).*[\w>]\s*$", re.DOTALL)


def without_comments(text):
    """The C++ text with comments and the insides of strings gone; line numbers stay."""

    def blank(match):
        token = match.group(0)
        lines = "\n" * token.count("\n")
        if token.startswith("/"):
            return lines
        return '"' + lines + '"' if '"' in token else "' '"

    return TOKEN.sub(blank, text)


def in_cpp(code):
    """Yields (first line, last line) of each function in `code`, as without_comments() gives it.

    A function is a block whose head holds a parenthesis. Lambdas count as part of the function
    around them, and the braces of a constructor's initializers as part of its head.
    """
    head_start = 0
    function = None  # The line and the depth where the current function began.
    initializer = None  # The depth where the current member initializer began.
    depth = 0
    for match in re.finditer(r"[;{}]|^\s*#(?:\\\n|[^\n])*", code, re.MULTILINE):
        token = match.group(0)
        head = code[head_start:match.start()]
        if token == "{":
            if function is None and initializer is None:
                if INITIALIZER.search(head):
                    initializer = depth
                elif "(" in head and not NO_FUNCTION.match(head):
                    skipped = len(head) - len(head.lstrip())
                    function = (code.count("\n", 0, head_start + skipped) + 1, depth)
            depth += 1
        elif token == "}":
            depth -= 1
            if function is not None and depth == function[1]:
                yield function[0], code.count("\n", 0, match.start()) + 1
                function = None
        if initializer is None:
            head_start = match.end()
        elif token == "}" and depth == initializer:
            initializer = None


def in_python(text):
    """Yields (first line, last line) of each function in Python text."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno
