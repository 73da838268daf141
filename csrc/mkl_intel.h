// MKL's fast kernels on AMD processors.
#ifndef CTORCH_MKL_INTEL_H_
#define CTORCH_MKL_INTEL_H_

#ifdef __cplusplus
extern "C" {
#endif

// Whether MKL is told that it runs on an Intel processor while it does not.
int ctorch_mkl_told_intel(void);

#ifdef __cplusplus
}
#endif

#endif  // CTORCH_MKL_INTEL_H_
