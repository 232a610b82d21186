// What holds a model back and what to do next: the error ledger, measured probes, and advice with its
// evidence. Works through Learner and Model only; never names a family.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/metrics/metric.h"
#include "cairn/model/selection.h"

namespace cairn {

// One line of the ledger: an error of one kind and its gap to the line above. Errors are the metric as an
// error: lower is better, 0 is perfect (metrics/metric.h, as_error).
struct LedgerLine {
  std::string line;         // "human", "baseline", "training", "cross-validated", "dev", "held-out"
  std::string measured_on;  // "275 rows the model saw"; or, when not measured, why not and how to get it
  std::optional<Estimate> error;  // with a 95 % interval; human levels are taken as exact
  std::string gap_name;  // "avoidable bias", "variance", "data mismatch", "over-tuning or luck"; "" when
                         // there is none
  std::optional<Estimate> gap;
  bool gap_proven = false;  // the interval does not hold 0
};

struct LearningPoint {
  std::int64_t rows = 0;
  Estimate error;  // mean over folds and draws, 95 % interval
  double training_error = 0;
};

// E(n) = a + b n^-c fitted to the learning curve.
struct LearningCurve {
  std::vector<LearningPoint> points;
  double a = 0, b = 0, c = 0;
  std::vector<LearningPoint> forecast;  // at 2n, 4n, 8n; 80 % intervals
};

// An action and what its probe says it would change. `change` is in the metric's own units and direction.
struct Advice {
  std::string action, evidence, cost;
  double change = 0, low = 0, high = 0;  // 80 % interval
  bool measured = false;                 // false: advice without a figure, such as to stop
  bool better = false;                   // the change is an improvement and its interval leaves room for one
  std::string command;                   // what to type, where software can carry it out
};

// What these data, or this run, cannot tell, and what would.
struct Unexamined {
  std::string what, why, how;
};

struct Diagnosis {
  std::vector<LedgerLine> ledger;
  std::vector<std::string> ledger_notes;
  std::optional<LearningCurve> learning_curve;
  std::vector<Advice> next, not_worth;
  std::vector<Unexamined> could_not_examine;
};

struct DiagnosisInput {
  const Dataset* train = nullptr;
  const Registry* registry = nullptr;
  const Selection* selection = nullptr;  // candidates[0] was shipped; of a blend the probes fit single()
  const Metric* metric = nullptr;
  const Judged* on_train = nullptr;  // the shipped model on the rows it saw
  const Judged* on_dev = nullptr;    // rows like those the model will meet; null when none were given
  const Judged* on_test = nullptr;   // null when there is no held-out part
  std::optional<double> human_error;
  std::vector<Warning> warnings;  // of the data: leak suspects are probed
  SelectionOptions options;       // as used for the selection: same folds, same seed
  bool probe = true;              // false: the ledger only
};

Diagnosis diagnose(const DiagnosisInput& input, const FitContext& context = {});

// Parts, for tests and later verbs.
std::vector<LedgerLine> error_ledger(const DiagnosisInput& input);
LearningCurve learning_curve(const DiagnosisInput& input, const Dataset& data, const FitContext& context);

// Least squares of a + b n^-c with a, b >= 0 over a grid of c in [0.05, 2].
struct PowerLaw {
  double a = 0, b = 0, c = 0;
  double at(double n) const;
};
PowerLaw fit_power_law(const std::vector<double>& rows, const std::vector<double>& errors);

// The parts of result.json that the doctor answers for: ledger, learning_curve, next, not_worth,
// could_not_examine (docs/reference/result.schema.json).
Json to_json(const Diagnosis& diagnosis, const Metric& metric);

}  // namespace cairn
