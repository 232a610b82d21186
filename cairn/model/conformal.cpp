#include "cairn/model/conformal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "cairn/base/index.h"

namespace cairn {
namespace {

double weight_of(const Judged& judged, std::size_t row) {
  return judged.weights.empty() ? 1 : judged.weights[row];
}

bool has_scores(const Judged& judged) {
  // A score that only orders rows has no distance from the truth, nor has a time that was not lived to see.
  if (judged.task == Task::regression)
    return judged.predicts == Predicts::value || judged.predicts == Predicts::quantiles;
  return !judged.probabilities.empty();
}

double score_of(const Judged& judged, std::size_t row) {
  if (judged.task == Task::regression) return std::abs(judged.truth[row] - judged.predicted[row]);
  return 1 - judged.probabilities[row * at(judged.num_classes) + at(judged.labels[row])];
}

std::string escaped(const std::string& name) {
  std::string text;
  for (const char c : name) text += c == '|' ? std::string("\\|") : std::string(1, c);
  return text;
}

}  // namespace

ConformalScores::ConformalScores(const Judged& out_of_fold) {
  if (!has_scores(out_of_fold)) return;
  const auto n = static_cast<std::size_t>(out_of_fold.view().size());
  std::vector<double> scores(n);
  std::vector<std::size_t> order;
  for (std::size_t r = 0; r < n; ++r) {
    scores[r] = score_of(out_of_fold, r);
    if (weight_of(out_of_fold, r) > 0 && std::isfinite(scores[r])) order.push_back(r);
  }
  if (order.empty()) return;
  std::ranges::stable_sort(order, {}, [&](std::size_t r) { return scores[r]; });
  std::vector<double> sorted, weights;
  for (const std::size_t r : order) {
    sorted.push_back(scores[r]);
    weights.push_back(weight_of(out_of_fold, r));
  }
  scores_ = Tensor::take(std::move(sorted));
  if (std::ranges::any_of(weights, [](double w) { return w != 1; }))
    weights_ = Tensor::take(std::move(weights));
}

double conformal_weight(double coverage, double all) {
  if (!(coverage > 0 && coverage < 1))
    throw UsageError("--interval", fmt::format("{} is outside (0, 1)", coverage),
                     "Such as 0.9: the truth is inside for nine rows in ten.");
  // Rounding must not ask for one row more: 0.7 * 10 is a little above 7.
  const double wanted = coverage * (all + 1) * (1 - 1e-12);
  if (wanted > all)
    throw NotSupported(
        "--interval",
        fmt::format("a coverage of {:g} needs residuals of weight {:.0f} or more; the model holds {:g}",
                    coverage, std::ceil(coverage / (1 - coverage) * (1 - 1e-12)), all),
        fmt::format("At most {:.4g} can be told.", std::floor(all / (all + 1) * 1e4) / 1e4));
  return wanted;
}

double ConformalScores::quantile(double coverage) const {
  if (empty())
    throw NotSupported("--interval",
                       "the model holds no residuals of cross-validation, which intervals are made of",
                       "Train it again with `cairn train`, which keeps them.");
  const auto scores = scores_.data<double>();
  const std::span<const double> weights =
      weights_.defined() ? weights_.data<double>() : std::span<const double>{};
  const double all = weights.empty() ? static_cast<double>(scores.size())
                                     : std::accumulate(weights.begin(), weights.end(), 0.0);
  const double wanted = conformal_weight(coverage, all);
  double sum = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    sum += weights.empty() ? 1 : weights[i];
    if (sum >= wanted) return scores[i];
  }
  return scores.back();  // rounding alone: `wanted` is not above the weight of all
}

void ConformalScores::visit(Visitor& v) {
  v.tensor("scores", scores_);
  v.tensor("weights", weights_);
  if (!v.loading()) return;
  if (!scores_.defined() && !weights_.defined()) return;
  const auto fits = [&](const Tensor& t) {
    return t.defined() && t.dtype() == DType::f64 && t.ndim() == 1 && t.size() > 0 &&
           std::ranges::all_of(t.data<double>(), [](double x) { return std::isfinite(x) && x >= 0; });
  };
  bool fine = fits(scores_) && (!weights_.defined() || (fits(weights_) && weights_.size() == scores_.size()));
  if (fine) fine = std::ranges::is_sorted(scores_.data<double>());
  if (!fine) throw ModelFileError("model", "its residuals are not a rising list of numbers of at least 0");
}

Table with_interval(const Table& predicted, double quantile) {
  const Tensor middle = predicted.column("prediction").numbers();
  std::vector<double> low, high;
  for (const double y : middle.data<double>()) {
    low.push_back(y - quantile);
    high.push_back(y + quantile);
  }
  return predicted.with(Column::number("low", Tensor::take(std::move(low))))
      .with(Column::number("high", Tensor::take(std::move(high))));
}

Table with_prediction_set(const Table& predicted, const std::vector<std::string>& classes, double quantile) {
  std::vector<std::string> sets(at(predicted.num_rows()));
  for (const std::string& name : classes) {
    const Tensor p = predicted.column("p_" + name).numbers();
    const auto probability = p.data<double>();
    for (std::size_t r = 0; r < sets.size(); ++r)
      if (1 - probability[r] <= quantile) sets[r] += (sets[r].empty() ? "" : "|") + escaped(name);
  }
  return predicted.with(Column::text("prediction_set", sets));
}

namespace {

// From whether each held-out row's truth is inside, and how large its interval or set is; nullopt where that
// has no estimate.
std::optional<Coverage> coverage_of(const Judged& held_out, Coverage c, std::vector<std::int32_t> inside,
                                    std::span<const double> sizes) {
  // The share of rows inside is an accuracy: decision 1 where the truth, always 1, is inside.
  Judged judged{
      .task = Task::binary, .weights = held_out.weights, .groups = held_out.groups, .num_classes = 2};
  judged.labels.assign(inside.size(), 1);
  judged.decisions = std::move(inside);
  const auto held = estimate(metric("accuracy"), judged.view(), 0);
  if (!held) return std::nullopt;
  c.held = *held;
  double size = 0, total = 0;
  for (std::size_t r = 0; r < sizes.size(); ++r) {
    size += weight_of(held_out, r) * sizes[r];
    total += weight_of(held_out, r);
  }
  c.mean_size = total > 0 ? size / total : 0;
  return c;
}

// `measure(level)` for each level that rows are enough for.
template <class Measure>
std::vector<Coverage> at_levels(std::span<const double> levels, Measure&& measure) {
  std::vector<Coverage> all;
  for (const double level : levels) {
    try {
      if (const std::optional<Coverage> c = measure(level)) all.push_back(*c);
    } catch (const NotSupported&) {
      continue;  // too few rows for this level
    }
  }
  return all;
}

}  // namespace

std::vector<Coverage> measure_coverage(const ConformalScores& scores, const Judged& held_out,
                                       std::span<const double> levels) {
  if (scores.empty() || !has_scores(held_out) || held_out.view().size() == 0) return {};
  const auto n = static_cast<std::size_t>(held_out.view().size());
  return at_levels(levels, [&](double level) {
    const Coverage c{.asked = level, .quantile = scores.quantile(level), .held = {}};
    std::vector<std::int32_t> inside;
    std::vector<double> sizes;
    for (std::size_t r = 0; r < n; ++r) {
      inside.push_back(score_of(held_out, r) <= c.quantile ? 1 : 0);
      double own = 2 * c.quantile;
      if (held_out.task != Task::regression) {
        const auto k = at(held_out.num_classes);
        const auto p = std::span(held_out.probabilities).subspan(r * k, k);
        own = static_cast<double>(std::ranges::count_if(p, [&](double v) { return 1 - v <= c.quantile; }));
      }
      sizes.push_back(own);
    }
    return coverage_of(held_out, c, std::move(inside), sizes);
  });
}

std::vector<Coverage> measure_coverage(const CvPlus& folds, const Table& rows, const Judged& held_out,
                                       std::span<const double> levels) {
  if (folds.empty() || rows.num_rows() == 0) return {};
  return at_levels(levels, [&](double level) {
    const Table bounds = folds.with_interval(rows, Table::with_rows(rows.num_rows()), level);
    const Tensor low = bounds.column("low").numbers(), high = bounds.column("high").numbers();
    std::vector<std::int32_t> inside;
    std::vector<double> sizes;
    for (std::size_t r = 0; r < held_out.truth.size(); ++r) {
      const double a = low.data<double>()[r], b = high.data<double>()[r];
      inside.push_back(held_out.truth[r] >= a && held_out.truth[r] <= b ? 1 : 0);
      sizes.push_back(b - a);
    }
    return coverage_of(held_out, {.asked = level, .quantile = std::nan(""), .held = {}}, std::move(inside),
                       sizes);
  });
}

}  // namespace cairn
