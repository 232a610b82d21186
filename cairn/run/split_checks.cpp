#include "cairn/run/split_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "cairn/base/random.h"
#include "cairn/data/near_copies.h"
#include "cairn/data/stack.h"
#include "cairn/data/summary.h"
#include "cairn/metrics/distributions.h"
#include "cairn/model/pipeline.h"
#include "cairn/run/train_internal.h"

namespace cairn {
namespace {

constexpr std::int64_t kMostRows = 2000;  // of each part
constexpr std::int64_t kFewRows = 20,
                       kMostColumns = 200;  // wider tables are not asked: pictures, bags of words by columns
constexpr double kFewCopies = 0.01;         // of the rows: fewer change no estimate
constexpr const char* kPart = "part of the split";

bool is_dealt(const Dataset& data) { return data.roles().time.empty() && data.roles().group.empty(); }

// Both parts below each other, with a label that says which.
Dataset labelled(const Dataset& train, const Dataset& test) {
  const Table features = train.features();
  const std::vector<std::string> names = features.names();
  Table both = stack_rows({{"training rows", features}, {"test rows", test.table().only(names)}}, {}).table;
  std::vector<std::int32_t> part(static_cast<std::size_t>(train.num_rows()), 1);
  part.resize(static_cast<std::size_t>(both.num_rows()), 0);
  return Dataset(both.with(Column::category(kPart, Tensor::take(std::move(part)), {"test", "train"})),
                 {.roles = {.target = kPart}, .task = Task::binary, .classes = {}});
}

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

struct Measured {
  double mean = 0, half = 0;
};

Json estimate_to_json(const char* split, const char* kind, const Measured& m, bool shown) {
  return {{"split", split},
          {"kind", kind},
          {"metric", number(m.mean)},
          {"low", number(m.mean - m.half)},
          {"high", number(m.mean + m.half)},
          {"shown", shown}};
}

// Whether a split keeps so many rows together that it could change the estimate.
bool holds_copies(const Dataset& data, int folds) {
  if (!keeps_rows_together(data, folds)) return false;
  std::unordered_map<std::int64_t, std::int64_t> size;
  for (const std::int64_t unit : data.copies()) ++size[unit];
  std::int64_t rows = 0;
  for (const auto& [unit, n] : size) rows += n > 1 ? n : 0;
  return static_cast<double>(rows) >= kFewCopies * static_cast<double>(data.num_rows());
}

// The shipped learner's cross-validation as it was, and under another way to deal out the rows.
class Estimates {
 public:
  Estimates(const FittedRun& run, const Dataset& train, const Registry& registry, const FitContext& context)
      : run_(run),
        rows_(selection_rows(train, run.selection_options)),
        registry_(registry),
        context_(context) {}
  const Dataset& rows() const { return rows_.data; }
  int folds() const { return rows_.folds; }
  Measured as_it_was() const {
    const CrossValidation& cv = run_.selection.single().cross_validation;
    return {cv.mean(), 1.96 * cv.standard_error()};
  }
  Measured with(const Dataset& data, Copies copies) const {
    const Candidate& best = run_.selection.single();
    const SelectionOptions& options = run_.selection_options;
    const auto pipeline = configured(*best.entry, options.settings, data, registry_, options.pipeline);
    params_from_json(pipeline->params(), params_to_json(best.pipeline->params()));
    const CrossValidation cv =
        cross_validate(*pipeline, data, *run_.metric,
                       {.folds = rows_.folds, .copies = copies, .seed = options.seed}, context_);
    return {cv.mean(), 1.96 * cv.standard_error()};
  }

 private:
  const FittedRun& run_;
  SelectionRows rows_;
  const Registry& registry_;
  const FitContext& context_;
};

void add_copies(Json& list, const TrainOptions& o, const Estimates& estimates) {
  const Dataset& rows = estimates.rows();
  if (o.split == "random") {
    const NearCopies found = find_near_copies(rows);
    const Dataset together = rows.with_copies(found.of_row, found.near_rows > 0);
    if (!holds_copies(together, estimates.folds())) return;
    list.push_back(estimate_to_json("copies apart", "inflated", estimates.as_it_was(), true));
    list.push_back(
        estimate_to_json("copies together", "corrected", estimates.with(together, Copies::together), false));
  } else if (!rows.copies().empty() && holds_copies(rows, estimates.folds())) {
    list.push_back(estimate_to_json("copies apart", "inflated", estimates.with(rows, Copies::apart), false));
    list.push_back(estimate_to_json("copies together", "corrected", estimates.as_it_was(), true));
  }
}

void add_time_or_group(Json& list, const PreparedData& data, const FittedRun& run,
                       const Estimates& estimates) {
  const Dataset& rows = estimates.rows();
  // Rows that are learned from with their past cannot be dealt out at random.
  if (!run.selection.single().pipeline->looks_back_on(rows).empty()) return;
  Roles roles = rows.roles();
  if (!roles.time.empty() || !roles.group.empty()) {
    if (!roles.time.empty()) roles.ignored.push_back(roles.time);
    if (!roles.group.empty()) roles.ignored.push_back(roles.group);
    const char* shown = roles.group.empty() ? "in time" : "whole groups";
    roles.time.clear();
    roles.group.clear();
    list.push_back(estimate_to_json("at random", "inflated",
                                    estimates.with(rows.with_roles(roles), Copies::together), false));
    list.push_back(estimate_to_json(shown, "corrected", estimates.as_it_was(), true));
  } else if (data.plan.time) {
    roles.time = data.plan.time->column;
    list.push_back(estimate_to_json("at random", "inflated", estimates.as_it_was(), true));
    list.push_back(estimate_to_json("in time", "corrected",
                                    estimates.with(rows.with_roles(roles), Copies::together), false));
  }
}

Json shift_to_json(const SplitShift& shift) {
  Json columns = Json::array();
  for (const auto& [name, share] : shift.columns)
    columns.push_back({{"column", name}, {"share", number(share)}});
  return {{"roc_auc", number(shift.auc)}, {"p", number(shift.p)}, {"rows", shift.rows}, {"columns", columns}};
}

}  // namespace

bool can_measure_shift(const Dataset& train, const Dataset& test) {
  const Table features = train.features();
  const auto width = features.num_columns();
  return width > 0 && width <= kMostColumns && std::min(train.num_rows(), test.num_rows()) >= kFewRows &&
         std::ranges::none_of(features.columns(), [](const Column& c) {
           return c.kind() == ColumnKind::image || c.kind() == ColumnKind::tensor;
         });
}

std::optional<Warning> shift_warning(const SplitShift& shift) {
  constexpr double kSure = 0.001, kMuch = 0.6, kTiny = 1e-4;
  if (!(shift.p < kSure) || shift.auc < kMuch || shift.columns.empty()) return std::nullopt;
  return Warning{
      "test_differs", "",
      fmt::format(
          "Test rows can be told from training rows (ROC AUC {:.2f}, p {}), most by '{}': the held-out "
          "figures speak of rows like the test's, those of cross-validation of rows like the others.",
          shift.auc, shift.p < kTiny ? "< 0.0001" : fmt::format("= {:.4f}", shift.p),
          shift.columns[0].first)};
}

SplitShift measure_shift(const Dataset& train, const Dataset& test, const Registry& registry,
                         std::uint64_t seed, const StopToken& stop) {
  const Dataset both = labelled(sample_rows(train, kMostRows, derive_seed(seed, "shift", 0)),
                                sample_rows(test, kMostRows, derive_seed(seed, "shift", 1)));
  const LearnerEntry& entry = registry.learner("random_forest");
  const auto pipeline = configured(entry, {{"trees", "60"}, {"min_samples_leaf", "3"}}, both, registry, {});
  SplitShift shift{.rows = both.num_rows(), .columns = {}};
  std::map<std::string, double> gain;
  double total = 0, z = 0, auc = 0;
  const std::vector<Split> halves = k_fold(both, 2, seed, 0, Copies::apart);
  for (const Split& half : halves) {
    const auto model = pipeline->fit(both.select(half.train), {.seed = seed, .stop = stop});
    const Judged judged = judge(*model, both.select(half.test));
    std::vector<double> score;  // for "test", the first class
    for (std::size_t r = 0; r < judged.labels.size(); ++r) score.push_back(judged.probabilities[2 * r]);
    const std::vector<double> ranks = mean_ranks(score);
    double sum = 0, tests = 0, ties = 0;
    for (std::size_t r = 0; r < ranks.size(); ++r)
      if (judged.labels[r] == 0) sum += ranks[r], tests += 1;
    std::map<double, double> equal;
    for (const double r : ranks) equal[r] += 1;
    for (const auto& [rank, n] : equal) ties += n * n * n - n;
    const auto n = static_cast<double>(ranks.size());
    const double others = n - tests, u = sum - tests * (tests - 1) / 2;
    const double variance = tests * others / 12 * (n + 1 - ties / (n * (n - 1)));
    auc += u / (tests * others) / static_cast<double>(halves.size());
    if (variance > 0) z += (u - tests * others / 2) / std::sqrt(variance);
    for (const Importance& i : model->importances()) {
      gain[i.feature] += i.gain;
      total += i.gain;
    }
  }
  shift.auc = auc;
  // Both halves ask about the same pairs of rows, so their scores are far from independent: the mean of both,
  // whose variance is at most 1, and not their sum over its root.
  shift.p = normal_tail(z / static_cast<double>(halves.size()));
  for (const auto& [name, g] : gain)
    if (total > 0) shift.columns.emplace_back(name, g / total);
  std::ranges::stable_sort(shift.columns, [](const auto& a, const auto& b) { return a.second > b.second; });
  constexpr std::size_t kNamed = 5;
  if (shift.columns.size() > kNamed) shift.columns.resize(kNamed);
  return shift;
}

namespace {

void add_estimates(Json& result, const TrainOptions& o, const PreparedData& data, const FittedRun& run,
                   const Registry& registry, const FitContext& context) {
  const Estimates estimates(run, *data.train, registry, context);
  Json list = Json::array();
  try {
    if (is_dealt(*data.train)) add_copies(list, o, estimates);
    add_time_or_group(list, data, run, estimates);
  } catch (const Error& e) {  // such as folds in time without a class
    if (ends_the_run(e)) throw;
    result["warnings"].push_back(
        {{"code", "split_estimate"},
         {"message", fmt::format("What another split would say could not be measured: {}", e.what())}});
  }
  if (!list.empty()) result["split"]["estimates"] = std::move(list);
}

}  // namespace

void add_split_checks(Json& result, const TrainOptions& o, const PreparedData& data, const FittedRun& run,
                      const Registry& registry, const FitContext& context) {
  if (data.pictures) return;
  add_estimates(result, o, data, run, registry, context);
  // Rows dealt out at random differ by chance alone, and there is nothing to ask.
  const bool given = data.test_rows_given > 0;
  if (!data.test || (!given && is_dealt(*data.train)) || !can_measure_shift(*data.train, *data.test)) return;
  const SplitShift shift = measure_shift(*data.train, *data.test, registry, context.seed, context.stop);
  result["split"]["shift"] = shift_to_json(shift);
  if (const auto warning = shift_warning(shift); warning && given)
    result["warnings"].push_back({{"code", warning->code}, {"message", warning->message}});
}

}  // namespace cairn
