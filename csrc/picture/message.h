#ifndef CPICTURE_MESSAGE_H_
#define CPICTURE_MESSAGE_H_

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "cpicture/cpicture.h"

// Writes a message as one line, and returns the status.
static inline int32_t cpicture_fail_args(int32_t status, char* message, const char* format,
                                         va_list arguments) {
  vsnprintf(message, CPICTURE_MESSAGE_SIZE, format, arguments);
  for (char* c = message; *c != '\0'; c++) {
    if (*c == '\n' || *c == '\r') *c = ' ';
  }
  return status;
}

__attribute__((format(printf, 3, 4))) static inline int32_t cpicture_fail(int32_t status,
                                                                          char* message,
                                                                          const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  cpicture_fail_args(status, message, format, arguments);
  va_end(arguments);
  return status;
}

#endif  // CPICTURE_MESSAGE_H_
