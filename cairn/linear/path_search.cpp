#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/random.h"
#include "cairn/base/split_commas.h"
#include "cairn/data/split.h"
#include "cairn/linear/path_search_internal.h"

namespace cairn::path_search {

PathNames alpha_names() {
  return {.values = "alphas",
          .values_doc = "strengths to try, such as 0.1,1,10, in place of a path",
          .values_also = {"lambda", "lambdas", "alpha"},
          .count = "num_alphas",
          .count_doc = "strengths tried along the path",
          .count_also = {"n_alphas", "nlambda"}};
}

std::vector<double> falling(double largest, double smallest, std::int64_t count) {
  std::vector<double> values;
  const auto steps = static_cast<double>(std::max<std::int64_t>(1, count - 1));
  if (largest == 0) largest = 1;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(largest * std::pow(smallest, static_cast<double>(i) / steps));
  return values;
}

std::vector<double> written_values(std::string_view learner, const char* parameter,
                                   const std::vector<std::string>& texts) {
  std::vector<double> values;
  for (const std::string& text : split_commas(texts)) {
    double value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stopped != end || !(value > 0) || !std::isfinite(value))
      throw UsageError(fmt::format("{}.{}", learner, parameter),
                       fmt::format("'{}' is no number above 0", text),
                       fmt::format("Such as --set {}=0.1,1,10.", parameter));
    values.push_back(value);
  }
  std::ranges::sort(values, std::greater<>());
  values.erase(std::ranges::unique(values).begin(), values.end());
  return values;
}

std::vector<std::int64_t> Folds::rows_to_learn(const Fold& fold) const {
  std::vector<std::int64_t> rows;
  for (const std::size_t part : fold.learns) rows.insert(rows.end(), parts[part].begin(), parts[part].end());
  std::ranges::sort(rows);
  return rows;
}

std::vector<std::int64_t> Folds::rows() const {
  Fold all;
  for (std::size_t part = 0; part < parts.size(); ++part) all.learns.push_back(part);
  return rows_to_learn(all);
}

std::int64_t Folds::num_rows() const {
  std::int64_t n = 0;
  for (const auto& part : parts) n += std::ssize(part);
  return n;
}

Folds deal(const Dataset& data, int folds, std::uint64_t seed, std::string_view learner) {
  const std::vector<double> weights = data.weights();
  std::vector<std::int64_t> counted;
  for (std::int64_t r = 0; r < data.num_rows(); ++r)
    if (weights.empty() || weights[at(r)] > 0) counted.push_back(r);
  const bool all = std::ssize(counted) == data.num_rows();
  const Dataset rows = all ? data : data.select(counted);
  if (folds_possible(rows, folds) < folds)
    throw DataError(
        std::string(learner),
        fmt::format("{} row{}{} are too few for {} folds", counted.size(), counted.size() == 1 ? "" : "s",
                    !data.roles().group.empty()  ? " in their groups"
                    : !data.roles().time.empty() ? " in their order of time"
                                                 : "",
                    folds),
        "Use fewer folds, or a strength of your own.");
  Folds result;
  std::vector<bool> judged(counted.size());
  std::vector<std::vector<std::int64_t>> learned;  // by places among `counted`, as the splits have them
  for (Split& split : k_fold(rows, folds, derive_seed(seed, "penalty path", 0))) {
    if (split.test.empty() || split.train.empty()) continue;
    std::vector<std::int64_t> part;
    for (const std::int64_t r : split.test) {
      judged[at(r)] = true;
      part.push_back(counted[at(r)]);
    }
    result.folds.push_back({.learns = {}, .judges = result.parts.size()});
    result.parts.push_back(std::move(part));
    for (std::int64_t& r : split.train) r = counted[at(r)];
    learned.push_back(std::move(split.train));
  }
  // The earliest rows of an order of time judge nothing.
  std::vector<std::int64_t> rest;
  for (std::size_t i = 0; i < counted.size(); ++i)
    if (!judged[i]) rest.push_back(counted[i]);
  if (!rest.empty()) result.parts.push_back(std::move(rest));
  for (std::size_t f = 0; f < learned.size(); ++f)
    for (std::size_t part = 0; part < result.parts.size(); ++part)
      if (std::ranges::binary_search(learned[f], result.parts[part].front()))
        result.folds[f].learns.push_back(part);
  return result;
}

std::string folds_in_words(int folds) { return fmt::format("{} folds", folds); }

NumericData rows_of(const NumericData& data, const std::vector<std::int64_t>& rows) {
  NumericData part{.x = data.x.select_rows(rows),
                   .feature_names = data.feature_names,
                   .task = data.task,
                   .y = {},
                   .labels = {},
                   .classes = data.classes,
                   .positive = data.positive,
                   .weights = {}};
  for (const std::int64_t r : rows) {
    if (!data.y.empty()) part.y.push_back(data.y[at(r)]);
    if (!data.labels.empty()) part.labels.push_back(data.labels[at(r)]);
    if (!data.weights.empty()) part.weights.push_back(data.weights[at(r)]);
  }
  return part;
}

void choose_by_folds(const std::vector<std::vector<double>>& losses, std::string_view learner,
                     PenaltyPath& path) {
  const auto k = static_cast<double>(losses.size());
  path.mean.clear();
  path.error.clear();
  for (std::size_t a = 0; a < path.values.size(); ++a) {
    double mean = 0, square = 0;
    for (const auto& fold : losses) mean += fold[a] / k;
    for (const auto& fold : losses) square += (fold[a] - mean) * (fold[a] - mean) / (k - 1);
    path.mean.push_back(mean);
    path.error.push_back(std::sqrt(square / k));
  }
  choose(learner, path);
}

void choose(std::string_view learner, PenaltyPath& path) {
  std::size_t least = path.mean.size();
  for (std::size_t a = 0; a < path.mean.size(); ++a)
    if (std::isfinite(path.mean[a]) && (least == path.mean.size() || path.mean[a] < path.mean[least]))
      least = a;
  if (least == path.mean.size() || !std::isfinite(path.error[least]))
    throw FitError(std::string(learner),
                   fmt::format("the {} of rows left out is beyond the range of numbers", path.loss),
                   "Rescale columns and target.");
  std::size_t chosen = least;
  if (path.rule == "one_standard_error")
    for (std::size_t a = least; a-- > 0;)
      if (path.mean[a] <= path.mean[least] + path.error[least]) chosen = a;
  path.least = static_cast<std::int64_t>(least);
  path.chosen = static_cast<std::int64_t>(chosen);
}

std::vector<std::string> notes_of(const PenaltyPath& path) {
  std::vector<std::string> notes{path.note()};
  if (path.values.size() > 1 && path.least + 1 == std::ssize(path.values))
    notes.push_back(fmt::format(
        "the least {} stands at the weak end of the path: weaker penalties may find a lower one", path.loss));
  return notes;
}

}  // namespace cairn::path_search
