// What boosting minimises: one record an objective, listed in objective.cpp and nowhere else. Raw outputs lie
// output after output: raw[o * rows + r].
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/task.h"
#include "cairn/tree/ensemble.h"

namespace cairn::tree {

class Expression;  // expression_internal.h

enum class Noise : std::uint8_t { normal, logistic, extreme };

struct ObjectiveParams {
  std::vector<double> levels;   // quantile: ascending, an output each
  double quantile = 0.5;        // expectile: the level
  double huber_quantile = 0.9;  // huber: the share of the residuals that count squared
  double tweedie_power = 1.5;
  bool rank_by_map = false;  // lambdarank: average precision instead of NDCG
  std::int64_t rank_at = 30;
  Noise noise = Noise::normal;  // aft
  double noise_scale = 1;
  std::shared_ptr<const Expression> expression;
};

// Rows that are judged together: rows[starts[q]] up to rows[starts[q + 1]], ascending.
struct Queries {
  std::vector<std::uint32_t> rows;
  std::vector<std::int64_t> starts;
  std::vector<std::string> names;  // as the column has them
  std::int64_t count() const { return std::ssize(starts) - 1; }
  std::span<const std::uint32_t> of(std::int64_t query) const {
    const auto q = static_cast<std::size_t>(query);
    return std::span(rows).subspan(static_cast<std::size_t>(starts[q]),
                                   static_cast<std::size_t>(starts[q + 1] - starts[q]));
  }
};

// The rows an objective is asked about.
struct Truth {
  std::span<const double> y;             // values; binary: 0 or 1; multiclass: empty
  std::span<const std::int32_t> labels;  // multiclass
  std::span<const double> weights;       // empty: every row counts once
  std::int64_t rows = 0, num_outputs = 1;
  std::span<const std::uint8_t> events;                       // empty: everywhere it happened
  std::shared_ptr<const Queries> queries;                     // of a ranking
  std::shared_ptr<const std::vector<std::uint32_t>> by_time;  // of cox: rows, the earliest first
  ObjectiveParams params;
  double delta = 0;  // huber: where |residual| begins to count linearly, set by prepare
  double weight(std::int64_t r) const { return weights.empty() ? 1 : weights[static_cast<std::size_t>(r)]; }
  double total_weight() const;
};

struct Objective {
  const char* name;
  const char* doc;
  bool regression, binary, multiclass;
  TreeOutput output;
  const char* needs;       // what targets must be, in words; null: any finite number
  bool (*fits)(double y);  // null: every target does
  // Raw outputs before the first tree, the best constant ones.
  void (*start)(const Truth& truth, std::span<double> base);
  // Rows [begin, end): weighted first and second derivatives of the loss by the raw outputs, as raw is laid
  // out.
  void (*gradients)(const Truth& truth, std::span<const double> raw, std::int64_t begin, std::int64_t end,
                    std::span<double> g, std::span<double> h);
  double (*loss)(const Truth& truth, std::span<const double> raw,
                 std::int64_t row);  // of one row, unweighted
  // What of the residuals is looked at before each round; may be null.
  void (*prepare)(Truth& truth, std::span<const double> raw) = nullptr;
  // Second derivatives of these losses say nothing: a leaf answers this quantile of its rows' residuals
  // instead.
  double (*leaf_quantile)(const ObjectiveParams& params, std::int64_t output) = nullptr;
  Predicts predicts = Predicts::value;
  // Where a row's loss depends on other rows there are, instead of `gradients` and `loss`, the derivatives of
  // the sum over all rows and its mean.
  void (*all_gradients)(const Truth& truth, std::span<const double> raw, std::span<double> g,
                        std::span<double> h) = nullptr;
  double (*mean_loss)(const Truth& truth, std::span<const double> raw) = nullptr;
  // DataError where rows cannot be learned from, beyond what `fits` sees.
  void (*check)(const Truth& truth) = nullptr;
};

std::span<const Objective> objectives();
std::vector<std::string> objective_names();
// What the model of an objective predicts; Predicts::value for a name that is not known.
Predicts predicts_of(std::string_view objective);
// By name, or for "auto" the task's own: squared, logistic, softmax. UsageError when it does not serve the
// task.
const Objective& objective_for(std::string_view name, Task task);

// The smallest value with at least `level` of the weight at or below it, halfway to the next one when it is
// reached exactly. values.size() >= 1; weights may be empty. The order of values is lost.
double weighted_quantile(std::vector<double> values, std::vector<double> weights, double level);

}  // namespace cairn::tree
