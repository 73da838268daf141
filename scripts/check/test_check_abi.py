"""Tests of check_abi.py."""

import unittest

import check_abi

HEADER = """
// A comment that names CTORCH_API int32_t ctorch_not_this(void);
typedef struct ctorch_result { int32_t value; } ctorch_result;
CTORCH_API int32_t ctorch_one(void);
CTORCH_API ctorch_result
ctorch_two(const ctorch_tensor* tensor,
           int64_t count);
CTORCH_API const char* ctorch_three(void);
"""

GO = """package torch

/*
#cgo noescape ctorch_two
#cgo nocallback ctorch_two
#include "ctorch/ctorch.h"
static inline void call(void) { ctorch_three(); }
*/
import "C"

func f() { C.ctorch_one(); var r C.ctorch_result = C.ctorch_two(nil, 0) }
"""


class CheckTest(unittest.TestCase):
    def test_declarations(self):
        self.assertEqual(
            check_abi.declared_functions(HEADER), {"ctorch_one", "ctorch_two", "ctorch_three"}
        )

    def test_names_in_go(self):
        used, marked = check_abi.names_in_go(GO)
        self.assertEqual(used, {"ctorch_one", "ctorch_result", "ctorch_two", "ctorch_three"})
        self.assertEqual(marked, {"ctorch_two"})

    def differences(self, **changes):
        functions = {"ctorch_one", "ctorch_two"}
        given = dict(
            declared=functions, exported=functions, used=functions | {"ctorch_type"},
            marked={"ctorch_two"}, types={"ctorch_type"},
        )
        return check_abi.differences(**(given | changes))

    def test_what_agrees(self):
        self.assertEqual(self.differences(), [])

    def test_what_does_not_agree(self):
        for changes, mistake in (
            ({"exported": {"ctorch_one"}}, "ctorch_two is declared, and not in the library"),
            ({"exported": {"ctorch_one", "ctorch_two", "ctorch_old"}}, "ctorch_old is in the library, and no"),
            ({"used": {"ctorch_one", "ctorch_two", "ctorch_gone"}}, "ctorch_gone is called by Go, and no"),
            ({"used": {"ctorch_two"}}, "ctorch_one is declared, and Go does not call it"),
            ({"marked": {"ctorch_gone"}}, "ctorch_gone is named in a #cgo line"),
        ):
            with self.subTest(mistake):
                (found,) = self.differences(**changes)
                self.assertIn(mistake, found)

    def test_the_sum_is_of_what_is_declared(self):
        value = check_abi.headers_sum([HEADER])
        self.assertEqual(value, check_abi.headers_sum([HEADER.replace("A comment", "Another")]))
        self.assertEqual(value, check_abi.headers_sum([HEADER.replace(",\n           ", ", ")]))
        for old, new in (("int64_t count", "int32_t count"), ("int32_t value", "int64_t value")):
            self.assertNotEqual(value, check_abi.headers_sum([HEADER.replace(old, new)]))


if __name__ == "__main__":
    unittest.main()
