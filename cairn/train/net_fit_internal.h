// Fitting a network to examples: what learners on tables and on pictures share.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "cairn/data/task.h"
#include "cairn/train/net_learner.h"

namespace cairn::train_detail {

// The training rows as the loader hands them on. Rows of weight 0 are not among them.
struct Examples {
  Tensor x, y;                  // [n, ...]; codes i64 [n], or standardised values [n, 1]
  std::vector<double> weights;  // of mean 1; empty: all 1
};

struct Scaling {  // of a regression's target
  double center = 0, scale = 1;
};
Scaling scaling_of(const std::vector<double>& y, const std::vector<double>& weights);

struct Targets {
  Task task = Task::regression;
  std::span<const double> values;       // regression
  std::span<const std::int32_t> codes;  // classification
  std::span<const double> weights;      // empty: every row counts once
};
// Examples of these rows, whose inputs are `x`.
Examples examples_of(Tensor x, const Targets& targets, std::span<const std::int64_t> rows,
                     const Scaling& scaling, DType dtype);

struct Rows {
  std::vector<std::int64_t> train, watched;
};
// Rows that count, and those that early stopping watches where it is wanted and nobody brings others.
Rows divide_rows(std::int64_t count, std::span<const double> weights, const NetLearnerParts& parts,
                 const FitContext& context);

// How a batch becomes what the network sees.
struct InputForm {
  std::function<Tensor(const Tensor& x)> present;             // empty: as it is
  std::function<void(Batch& batch, Random& random)> augment;  // training only, before `present`
};

// What a learner's parameter `precision` says of products: f32 where it is f64, which they then are.
Precision products_of(const std::string& precision);

// Draws the network from the context's seed and trains it. `watched` may be empty.
History fit_network(Network& net, const NetLearnerParts& parts, const Examples& train,
                    const Examples& watched, const FitContext& context, const InputForm& form = {});

// What a person should know of a training, for the model's notes. With products in bf16: what the rounding
// does to the loss of some examples.
std::vector<std::string> notes_of(Network& net, const NetLearnerParts& parts, const History& history,
                                  const Examples& examples, const InputForm& form = {});

}  // namespace cairn::train_detail
