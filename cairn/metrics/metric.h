// Named metrics with intervals. A metric is a table entry: the program, the report, the doctor and the tests
// read the table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/task.h"

namespace cairn {

// What a model said about rows whose truth is known. Views on memory of the caller.
struct Scored {
  Task task = Task::regression;
  std::span<const double> truth;            // regression [n]
  std::span<const double> predicted;        // regression [n]
  std::span<const std::int32_t> labels;     // classification [n]: codes into classes
  std::span<const std::int32_t> decisions;  // classification [n]: the class decided for
  std::span<const double>
      probabilities;                // classification [n * k], row after row; empty when the model gives none
  std::span<const double> weights;  // empty: every row counts once
  std::span<const std::int64_t> groups;  // empty: rows are independent; else intervals resample whole groups
  std::span<const double> levels;        // regression: of the quantiles [q]; empty: none are predicted
  std::span<const double> quantiles;     // [n * q], row after row
  std::span<const std::uint8_t> events;  // [n] 0: it had not happened by the time `truth`; empty: all did
  Predicts predicts = Predicts::value;   // regression: what `predicted` is
  std::int64_t num_classes = 0;
  std::int32_t positive = 1;  // binary
  std::int64_t size() const {
    return static_cast<std::int64_t>(task == Task::regression ? truth.size() : labels.size());
  }
};

struct Estimate {
  double value = 0, low = 0, high = 0;  // a 95 % interval; NaN bounds when it cannot be told
  std::int64_t n = 0;                   // rows
};

struct Bounds {
  double low = 0, high = 0;
};

// Which regressions a metric speaks of.
enum class Judges : std::uint8_t {
  values,  // predictions in the target's unit
  order,   // scores that order the rows of a group
  times,   // who is first, where some times are censored
};

struct Metric {
  const char* name;      // scikit-learn's where it has one
  const char* doc;       // one clause with the unit
  const char* interval;  // one clause: how the interval is found
  bool regression, binary, multiclass;
  bool higher_is_better;
  bool needs_probabilities;
  double best;  // the value of a perfect model
  // The value on these rows; nullopt when it is not defined there (one class only, no positive prediction, no
  // row of positive weight) or is no finite number. Rows of weight 0 count as absent.
  std::optional<double> (*compute)(const Scored& rows);
  // The 95 % interval of a value on these rows in closed form; nullptr where the bootstrap is used.
  Bounds (*bounds)(const Scored& rows, double value);
  Judges judges = Judges::values;  // regression
  bool applies(Task task) const {
    return task == Task::regression ? regression : task == Task::binary ? binary : multiclass;
  }
};

std::span<const Metric> metrics();            // the table
const Metric& metric(std::string_view name);  // UsageError with the nearest name
// roc_auc, log_loss; rmse, pinball, ndcg or concordance by what a regression predicts.
const Metric& default_metric(Task task, Predicts predicts = Predicts::value);
// Those that speak of such predictions. Others can be asked for by name.
std::vector<const Metric*> metrics_for(Task task, bool with_probabilities,
                                       Predicts predicts = Predicts::value);

// The value with its 95 % interval: in closed form where a good one is known (each table entry says which),
// else a percentile bootstrap over rows (whole groups where given) whose resamples come from counter streams
// of `seed`: the same for any number of threads. The closed forms take groups as clusters too. The
// bootstrap's cost is bounded: 1000 resamples of m rows, where m is n up to 8000 / classes rows (4000 when
// the metric looks at decisions only); above, the spread of the small resamples is scaled by sqrt(m / n)
// (Bickel, Goetze, van Zwet 1997: resampling fewer than n observations).
std::optional<Estimate> estimate(const Metric& metric, const Scored& rows, std::uint64_t seed);

// The metric as an error, lower is better and 0 best: 1 - value for those in [0, 1] that grow, the value
// itself else.
double as_error(const Metric& metric, double value);

}  // namespace cairn
