// A check that goes on after a failure, and the program's exit status.
#ifndef CTORCH_TESTS_CHECK_H_
#define CTORCH_TESTS_CHECK_H_

#include <atomic>
#include <cstdio>

inline std::atomic<int>& failures() {
  static std::atomic<int> count{0};
  return count;
}

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      ++failures();                                                                \
    }                                                                              \
  } while (0)

#endif  // CTORCH_TESTS_CHECK_H_
