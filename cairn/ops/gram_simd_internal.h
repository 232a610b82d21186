// Private to ops/gram.cpp: products of the columns of one tile, the instruction set chosen at run time.
#pragma once

#include <cstdint>

#include "cairn/base/prefetch.h"

namespace cairn::linalg::gram_kernels {

constexpr std::int64_t kTileRows = 256;  // rows of a tile; shorter ones are filled up with zeros
constexpr std::int64_t kMaxLanes = 8;

// Columns of a tile for q columns of numbers: the last ones are zero.
std::int64_t padded_columns(std::int64_t q);
// Numbers that the running sums of a tile take.
std::int64_t sums_size(std::int64_t q);

// sums += the products of all pairs of columns, the next tile fetched meanwhile. tile [padded_columns(q),
// kTileRows]; sums [sums_size(q)], zero at first.
void add_products(const double* tile, std::int64_t q, const Prefetch& next, double* sums);
// The upper triangle of products [q, q] += what the sums hold.
void collect_products(const double* sums, std::int64_t q, double* products);

// out [n] = (from - shift) * scale * root; root may be null.
void shift_column(const double* from, std::int64_t n, double shift, double scale, const double* root,
                  double* out);
void shift_column(const float* from, std::int64_t n, double shift, double scale, const double* root,
                  double* out);

}  // namespace cairn::linalg::gram_kernels
