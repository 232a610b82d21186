// Linear models by stochastic gradient descent: one row at a time, for data with many rows or very many
// sparse columns.
//
//   auto model = Sgd({.loss = "hinge"}).fit(data);
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "cairn/model/parts.h"
#include "cairn/model/registry.h"

namespace cairn {

struct SgdParams {
  std::string loss = "auto";
  std::string penalty = "l2";
  double alpha = 1e-4;
  std::string schedule = "auto";
  double learning_rate = 0.01;
  double power = 0.25;
  double epsilon = 0.1;
  std::int64_t max_epochs = 1000;
  double tol = 1e-3;
  std::int64_t patience = 5;
  static const ParamList& list();
};

// min 1/m sum_i loss(w . x_i + b, y_i) + alpha |w|_1 or alpha/2 |w|^2 (Bottou: Large-scale machine learning
// with stochastic gradient descent; 2010; cumulative L1 penalty: Tsuruoka, Tsujii, Ananiadou 2009). Several
// classes: one against the rest each. The rows are shuffled anew every epoch from a counter-based stream;
// those that come in parts within blocks of some ten thousand, in the order of the file, wherever the parts
// end. FitError when the steps diverge.
class Sgd final : public LearnerWith<Sgd, SgdParams>, public PartsLearner {
 public:
  static constexpr const char* kName = "sgd";
  explicit Sgd(Params params) : LearnerWith(std::move(params)) {}
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
  std::string why_not_in_parts() const override;
  // Up to a block of rows, the model of fit(), to the bit.
  std::unique_ptr<Model> fit_parts(DatasetParts& rows, const FitContext& context) const override;
};

std::span<const LossEntry> sgd_losses();

}  // namespace cairn
