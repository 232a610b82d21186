// Kernels of logistic and softmax regression on one tile of rows, the instruction set chosen at run time. A
// tile is a list of column pointers; its rows are padded to a multiple of kTilePad with rows of weight 0.
// Margins, probabilities and gradients are f64 for f32 data too; Gram sums of f32 tiles are f32 within the
// tile only.
#pragma once

#include <cstdint>

#include "cairn/base/prefetch.h"

namespace cairn::logistic_kernels {

constexpr std::int64_t kTilePad = 16;

template <class T>
struct Tile {
  const T* const* columns = nullptr;  // [num_columns] pointers to `rows` values each
  std::int64_t num_columns = 0, rows = 0;
};

// logits [m, rows] = intercepts [m] + X w, with w [m, num_columns].
void linear_predictor(const Tile<float>& x, const double* w, const double* intercepts, std::int64_t m,
                      double* logits);
void linear_predictor(const Tile<double>& x, const double* w, const double* intercepts, std::int64_t m,
                      double* logits);

// gradient [m, num_columns] += residuals X, with residuals [m, rows].
void add_gradient(const Tile<float>& x, const double* residuals, std::int64_t m, double* gradient);
void add_gradient(const Tile<double>& x, const double* residuals, std::int64_t m, double* gradient);

// What one tile adds to the objective, and the smallest margin (logit of the true class less the best other
// one) among rows that count.
struct Link {
  double loss = 0, margin = 0;
};
// One logit a row: logits z become residuals s (sigmoid(z) - y); curvature = s sigmoid (1 - sigmoid). y is 0
// or 1; s >= 0 are the rows' weights. `next` is fetched meanwhile.
Link logistic_link(std::int64_t rows, double* z, const double* y, const double* s, double* curvature,
                   const Prefetch& next);
// m logits a row [m, rows] become probabilities; rows of weight 0 too. `truth` is the logit's number of each
// row.
Link softmax_link(std::int64_t rows, std::int64_t m, double* z, const std::int32_t* truth, const double* s,
                  const Prefetch& next);

// The sum of n values; root [n] = their square roots, and the sum. n is a multiple of kTilePad.
double sum(const double* values, std::int64_t n);
double square_roots(const double* values, std::int64_t n, double* root);

// packed [num_columns rounded up to kGramPad, rows] = root * (X - centre) * scale, the added columns zero.
constexpr std::int64_t kGramPad = 4;
void pack_weighted(const Tile<float>& x, const double* root, const double* centre, const double* scale,
                   float* packed);
void pack_weighted(const Tile<double>& x, const double* root, const double* centre, const double* scale,
                   double* packed);

// Lower triangle of gram [columns, columns] += sign * A A^T, with A = packed [columns, rows]; sums [columns]
// += sign * A root.
void add_gram(const float* packed, std::int64_t columns, std::int64_t rows, const double* root, double sign,
              double* gram, double* sums);
void add_gram(const double* packed, std::int64_t columns, std::int64_t rows, const double* root, double sign,
              double* gram, double* sums);

// Smallest and largest value, and sums of (x - shift), its square and along * (x - shift), of n values.
struct ColumnSums {
  double low, high, sum, squares, along;
};
ColumnSums column_sums(const float* x, const double* along, std::int64_t n, double shift);
ColumnSums column_sums(const double* x, const double* along, std::int64_t n, double shift);

}  // namespace cairn::logistic_kernels
