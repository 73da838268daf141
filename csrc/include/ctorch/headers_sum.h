// Written by scripts/check/check_abi.py --write (make generate): the sum of what the headers here
// declare, by which Go tells a library that was built from others.
#ifndef CTORCH_HEADERS_SUM_H_
#define CTORCH_HEADERS_SUM_H_

#define CTORCH_HEADERS_SUM 0xd13b98a2u

#endif  // CTORCH_HEADERS_SUM_H_
