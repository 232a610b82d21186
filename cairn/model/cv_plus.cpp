#include "cairn/model/cv_plus.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/data/split.h"
#include "cairn/model/conformal.h"
#include "cairn/model/cross_validation.h"
#include "cairn/model/pipeline.h"

namespace cairn {
namespace {

// The smallest value below or at which weight `wanted` lies; weights empty: all 1. Puts `values` in another
// order.
double weighted_quantile(std::vector<std::pair<double, double>>& values, bool weighted, double wanted) {
  if (!weighted) {
    const auto place = static_cast<std::ptrdiff_t>(std::max(1.0, std::ceil(wanted))) - 1;
    std::nth_element(values.begin(), values.begin() + place, values.end());
    return values[static_cast<std::size_t>(place)].first;
  }
  std::ranges::sort(values);
  double sum = 0;
  for (const auto& [value, weight] : values) {
    sum += weight;
    if (sum >= wanted) return value;
  }
  return values.back().first;  // rounding alone: `wanted` is not above the weight of all
}

}  // namespace

CvPlus::CvPlus(std::vector<Fold> folds) {
  for (Fold& fold : folds) {
    std::vector<double> residuals, weights;
    const auto r = fold.residuals.data<double>();
    for (std::size_t i = 0; i < r.size(); ++i) {
      const double weight = fold.weights.defined() ? fold.weights.data<double>()[i] : 1;
      if (!(weight > 0) || !std::isfinite(r[i])) continue;
      residuals.push_back(r[i]);
      weights.push_back(weight);
    }
    if (residuals.empty()) continue;
    const bool plain = std::ranges::all_of(weights, [](double w) { return w == 1; });
    folds_.push_back({.model = std::move(fold.model),
                      .residuals = Tensor::take(std::move(residuals)),
                      .weights = plain ? Tensor() : Tensor::take(std::move(weights))});
  }
}

std::int64_t CvPlus::size() const {
  std::int64_t n = 0;
  for (const Fold& fold : folds_) n += fold.residuals.size();
  return n;
}

Table CvPlus::with_interval(const Table& rows, const Table& predicted, double coverage) const {
  double all = 0;
  bool weighted = false;
  for (const Fold& fold : folds_) {
    weighted = weighted || fold.weights.defined();
    if (!fold.weights.defined()) all += static_cast<double>(fold.residuals.size());
    if (fold.weights.defined())
      for (const double w : fold.weights.data<double>()) all += w;
  }
  const double wanted = conformal_weight(coverage, all);
  std::vector<Tensor> middles;
  for (const Fold& fold : folds_) middles.push_back(fold.model->predict(rows).column("prediction").numbers());
  std::vector<double> low(at(rows.num_rows())), high(low.size());
  parallel_for(rows.num_rows(), 64, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::pair<double, double>> values(at(size()));
    for (std::int64_t r = begin; r < end; ++r) {
      // The lower end is the upper one of the other side of zero.
      for (const double sign : {1.0, -1.0}) {
        std::size_t i = 0;
        for (std::size_t f = 0; f < folds_.size(); ++f) {
          const double middle = sign * middles[f].data<double>()[at(r)];
          const auto residuals = folds_[f].residuals.data<double>();
          for (std::size_t k = 0; k < residuals.size(); ++k)
            values[i++] = {middle + residuals[k],
                           folds_[f].weights.defined() ? folds_[f].weights.data<double>()[k] : 1.0};
        }
        (sign > 0 ? high : low)[at(r)] = sign * weighted_quantile(values, weighted, wanted);
      }
    }
  });
  return predicted.with(Column::number("low", Tensor::take(std::move(low))))
      .with(Column::number("high", Tensor::take(std::move(high))));
}

void CvPlus::visit(Visitor& v, const Registry* registry) {
  constexpr std::int64_t kMostFolds = 1000;
  auto count = num_folds();
  v.optional("folds", count);
  if (v.loading()) {
    if (count < 0 || count > kMostFolds)
      throw ModelFileError("model", fmt::format("claims {} models of folds for its intervals", count));
    folds_.clear();
    folds_.resize(at(count));
  }
  for (std::size_t f = 0; f < folds_.size(); ++f) {
    Fold& fold = folds_[f];
    v.enter(fmt::format("fold.{}", f));
    v.tensor("residuals", fold.residuals);
    v.tensor("weights", fold.weights);
    if (v.loading()) {
      auto model = std::make_unique<PipelineModel>();
      model->set_registry(registry);
      model->set_fold();
      fold.model = std::move(model);
    }
    fold.model->visit(v);
    v.leave();
    if (!v.loading()) continue;
    const auto fits = [](const Tensor& t) {
      return t.defined() && t.dtype() == DType::f64 && t.ndim() == 1 && t.size() > 0 &&
             std::ranges::all_of(t.data<double>(), [](double x) { return std::isfinite(x) && x >= 0; });
    };
    const Tensor &r = fold.residuals, &w = fold.weights;
    if (!fits(r) || (w.defined() && (!fits(w) || w.size() != r.size())) ||
        is_classification(fold.model->task()) || fold.model->predicts() != Predicts::value)
      throw ModelFileError(
          "model", fmt::format("fold {} of its intervals is no model of values with residuals", f + 1));
  }
}

CvPlus fit_cv_plus(const Learner& learner, const Dataset& data, int folds, std::uint64_t seed,
                   const FitContext& context) {
  std::vector<CvPlus::Fold> all;
  for (const Split& split : k_fold(data, folds, seed)) {
    context.stop.throw_if_requested("intervals");
    const FitContext inner = context_of_fold(context, learner, "interval", seed, std::ssize(all));
    std::unique_ptr<Model> model = learner.fit(data.select(split.train), inner);
    auto* pipeline = dynamic_cast<PipelineModel*>(model.get());
    CAIRN_ASSERT(pipeline && !is_classification(data.task()) && model->predicts() == Predicts::value);
    pipeline->set_fold();
    const Judged judged = judge(*model, data.select(split.test));
    std::vector<double> residuals;
    for (std::size_t r = 0; r < judged.truth.size(); ++r)
      residuals.push_back(std::abs(judged.truth[r] - judged.predicted[r]));
    all.push_back({.model = std::move(model),
                   .residuals = Tensor::take(std::move(residuals)),
                   .weights = judged.weights.empty() ? Tensor() : Tensor::from(judged.weights)});
  }
  return CvPlus(std::move(all));
}

}  // namespace cairn
