// The costs that batch gradient descent walks down, as the introductory courses write them, with their
// gradients.
//
//   squared   J(w, b) = 1/2m sum_i (w . x_i + b - y_i)^2                       + l2/2m sum_j w_j^2
//   logistic  J(w, b) = 1/m  sum_i [-y_i log f_i - (1 - y_i) log(1 - f_i)]     + l2/2m sum_j w_j^2,  f = 1/(1
//   + e^-(w . x + b))
//
// With weights, m is their sum and each row counts by its weight. b is never penalised.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/ops/matrix.h"

namespace cairn {

enum class CostKind : std::uint8_t { squared, logistic };

struct CostGradient {
  double cost = 0;
  std::vector<double> dw;  // dJ/dw [d]
  double db = 0;           // dJ/db
};

double sigmoid(double z);
std::vector<double> softmax(std::span<const double> logits);

// A cost on fixed data, evaluated anywhere. x [n, d], y [n] (0 or 1 for logistic), weights [n] or empty.
// ShapeError when they do not fit. The data are seen, not copied, unless they are small and dense: then they
// are packed once.
class Cost {
 public:
  Cost(CostKind kind, Matrix x, std::vector<double> y, double l2 = 0, std::vector<double> weights = {});

  double value(std::span<const double> w, double b) const;
  CostGradient gradient(std::span<const double> w, double b) const;  // the cost comes with it at no price
  void gradient(std::span<const double> w, double b,
                CostGradient& into) const;  // dw is reused: no allocation when small

  std::int64_t num_rows() const { return x_.rows(); }
  std::int64_t num_features() const { return x_.columns(); }

 private:
  // Cost of one row at z = w . x + b, and its derivative by z.
  double row_cost(double z, double y, double& slope) const;
  void small_gradient(std::span<const double> w, double b, CostGradient& into) const;
  void large_gradient(std::span<const double> w, double b, CostGradient& into) const;
  void add_penalty(std::span<const double> w, CostGradient& into) const;
  CostKind kind_;
  Matrix x_;
  bool packed_ = false;
  std::vector<double> y_, weights_;
  double l2_, total_weight_;
};

struct DescentOptions {
  double learning_rate = 0.01;
  std::int64_t num_iterations = 1000;
  std::int64_t keep_path_every = 0;  // 0: none; k: (w, b) after iterations 0, k, 2k, ...
  StopToken stop;
};

struct DescentStep {
  std::int64_t iteration = 0;
  std::vector<double> w;
  double b = 0;
};

struct Descent {
  std::vector<double> w;
  double b = 0;
  double start_cost = 0;
  std::vector<double> history;  // history[i]: the cost after iteration i
  std::vector<DescentStep> path;
  bool diverged =
      false;  // the cost became infinite or NaN; the walk ended there, w and b are the last finite ones
};

// Plain batch gradient descent: w and b move together against their gradients, `num_iterations` times.
Descent gradient_descent(const Cost& cost, std::vector<double> w, double b, const DescentOptions& options);

}  // namespace cairn
