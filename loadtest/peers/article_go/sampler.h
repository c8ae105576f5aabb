// Draws from Beta distributions, for cgo.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void sample_beta(const double* alpha, const double* beta, double* scores, size_t n);

#ifdef __cplusplus
}
#endif
