"""The guard of instructions.py says what rose, by how much, and lets the rest pass."""

import contextlib
import io
import unittest

import instructions


def compared(was, now):
    """(whether something rose, what was said) of one figure."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        risen = instructions.compare({"gateway": was}, {"gateway": now})
    return risen, said.getvalue()


class CompareTest(unittest.TestCase):
    def test_fails_above_five_percent_and_says_which_was_is_and_percent(self):
        risen, said = compared({"message": 1000.0}, {"message": 1051.0})
        self.assertTrue(risen)
        for part in ("gateway: message", "was 1,000.0", "is 1,051.0", "+5.1 %"):
            self.assertIn(part, said)

    def test_lets_five_percent_pass_silently(self):
        for now in (950.0, 1000.0, 1050.0):
            self.assertEqual(compared({"message": 1000.0}, {"message": now}), (False, ""))

    def test_lets_one_instruction_pass_where_that_is_more_than_five_percent(self):
        self.assertEqual(compared({"counter": 2.5}, {"counter": 3.5}), (False, ""))
        self.assertTrue(compared({"counter": 2.5}, {"counter": 3.6})[0])

    def test_fails_for_a_figure_that_is_not_committed(self):
        risen, said = compared({}, {"message": 1.0})
        self.assertTrue(risen)
        self.assertIn("--update", said)

    def test_asks_to_keep_what_fell(self):
        risen, said = compared({"message": 1000.0}, {"message": 900.0})
        self.assertFalse(risen)
        self.assertIn("was 1,000.0, is 900.0", said)

    def test_does_not_compare_what_goes_by_time(self):
        self.assertEqual(compared({}, {instructions.IDLE: 1.0}), (False, ""))


if __name__ == "__main__":
    unittest.main()
