#include <fmt/format.h>

#include <cmath>

#include "cairn/doctor/diagnosis.h"

namespace cairn {
namespace {

std::optional<Estimate> error_of(const Metric& metric, const Judged& judged, std::uint64_t seed) {
  const auto e = estimate(metric, judged.view(), seed);
  if (!e) return std::nullopt;
  Estimate error{as_error(metric, e->value), as_error(metric, e->low), as_error(metric, e->high), e->n};
  if (error.low > error.high) std::swap(error.low, error.high);
  return error;
}

// The difference of two errors measured on different rows: half-widths add in squares.
Estimate difference(const Estimate& lower, const Estimate& upper) {
  const double value = lower.value - upper.value;
  const double down = std::hypot(lower.value - lower.low, upper.high - upper.value);
  const double up = std::hypot(lower.high - lower.value, upper.value - upper.low);
  return {value, value - down, value + up, lower.n};
}

void add_gap(LedgerLine& line, const char* name, const Estimate& above) {
  if (!line.error) return;
  line.gap_name = name;
  line.gap = difference(*line.error, above);
  line.gap_proven = line.gap->low > 0 || line.gap->high < 0;
}

std::int64_t rows_of(const Judged& j) { return j.view().size(); }

}  // namespace

std::vector<LedgerLine> error_ledger(const DiagnosisInput& in) {
  const Metric& metric = *in.metric;
  const std::uint64_t seed = in.options.seed;
  std::vector<LedgerLine> ledger;

  LedgerLine human{.line = "human"};
  if (in.human_error) {
    human.error = Estimate{*in.human_error, *in.human_error, *in.human_error, 0};
    human.measured_on = "the level you stated";
  } else {
    human.measured_on =
        "not known, so avoidable bias cannot be told from noise; let two people label the same 200 rows, "
        "or state a target with --human-error";
  }

  const Candidate& shipped = in.selection->candidates[0];
  LedgerLine training{.line = "training",
                      .measured_on = fmt::format("{} rows the model saw", rows_of(*in.on_train)),
                      .error = error_of(metric, *in.on_train, seed)};
  LedgerLine cross{
      .line = "cross-validated",
      .measured_on = fmt::format("{} rows, each judged by a model that had not seen it ({} folds)",
                                 in.selection->rows, in.selection->folds),
      .error = error_of(metric, shipped.cross_validation.pooled(), seed)};
  LedgerLine baseline{
      .line = "baseline",
      .measured_on = fmt::format("the same rows, judged by '{}'", in.selection->baseline.learner)};
  if (!in.selection->baseline.cross_validation.folds.empty())
    baseline.error = error_of(metric, in.selection->baseline.cross_validation.pooled(), seed);
  LedgerLine dev{.line = "dev"};
  if (in.on_dev) {
    dev.measured_on = fmt::format("{} rows like those the model will meet", rows_of(*in.on_dev));
    dev.error = error_of(metric, *in.on_dev, seed);
  }
  LedgerLine held_out{.line = "held-out"};
  if (in.on_test) {
    held_out.measured_on = fmt::format("{} rows kept back until the end", rows_of(*in.on_test));
    held_out.error = error_of(metric, *in.on_test, seed);
    if (!held_out.error) held_out.measured_on += fmt::format("; {} is not defined on them", metric.name);
  } else {
    held_out.measured_on = "no rows were kept back; use --holdout or --test";
  }

  if (human.error) add_gap(training, "avoidable bias", *human.error);
  if (training.error) add_gap(cross, "variance", *training.error);
  if (cross.error) add_gap(dev, "data mismatch", *cross.error);
  if (cross.error) add_gap(held_out, "over-tuning or luck", *cross.error);
  for (LedgerLine* line : {&human, &baseline, &training, &cross, &dev, &held_out})
    if (line != &dev || in.on_dev) ledger.push_back(std::move(*line));
  return ledger;
}

}  // namespace cairn
