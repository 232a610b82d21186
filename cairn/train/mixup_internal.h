// Mixup: what a network learns from are points between two examples, and targets between theirs (Zhang,
// Cisse, Dauphin, Lopez-Paz: mixup, beyond empirical risk minimization; 2018).
#pragma once

#include <cstdint>

#include "cairn/base/random.h"
#include "cairn/train/loader.h"

namespace cairn::train_detail {

struct Mixup {
  double alpha = 0;          // share ~ Beta(alpha, alpha) for each pair; 0: examples stay as they are
  std::int64_t classes = 0;  // 0: targets are values
  bool any() const { return alpha > 0; }
};

double beta_share(double alpha, Random& random);  // ~ Beta(alpha, alpha)

// Each example becomes share times itself and 1 - share times another one of the batch, its weight too. Comes
// in: x [n, ...] f32 or f64, y i64 [n] classes or [n, 1] values. Goes out: y of x's type, [n, C]
// probabilities or [n, 1] values.
void mix(Batch& batch, const Mixup& how, Random& random);

}  // namespace cairn::train_detail
