#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/parallel.h"
#include "cairn/linear/logistic_regression.h"
#include "cairn/ops/linalg.h"

namespace cairn {

LogisticModel::LogisticModel(const NumericData& data, Tensor coefficients, Tensor intercepts,
                             std::vector<std::int64_t> present, std::vector<std::string> notes,
                             std::vector<double> loss_history)
    : NumericModel(data),
      coefficients_(std::move(coefficients)),
      intercepts_(std::move(intercepts)),
      present_(std::move(present)),
      loss_history_(std::move(loss_history)) {
  notes_ = std::move(notes);
}

void LogisticModel::compute(const Matrix& x, std::span<double> outputs) const {
  const std::int64_t m = intercepts_.size(), d = num_features(), k = num_outputs();
  const auto w = coefficients_.data<double>();
  std::vector<double> transposed(static_cast<std::size_t>(m * d));
  for (std::int64_t c = 0; c < m; ++c)
    for (std::int64_t j = 0; j < d; ++j)
      transposed[static_cast<std::size_t>(j * m + c)] = w[static_cast<std::size_t>(c * d + j)];
  std::vector<double> logits(static_cast<std::size_t>(x.rows() * m));
  linalg::multiply(x, transposed, m, intercepts_.data<double>(), logits);
  parallel_for(x.rows(), 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      double* p = outputs.data() + r * k;
      const double* z = logits.data() + r * m;
      std::fill(p, p + k, 0.0);
      if (m == 1) {
        const double small = std::exp(-std::abs(z[0])), likely = 1 / (1 + small),
                     unlikely = small / (1 + small);
        p[present_[0]] = z[0] > 0 ? unlikely : likely;
        p[present_[1]] = z[0] > 0 ? likely : unlikely;
        continue;
      }
      const double top = *std::max_element(z, z + m);
      double sum = 0;
      for (std::int64_t c = 0; c < m; ++c)
        sum += p[present_[static_cast<std::size_t>(c)]] = std::exp(z[c] - top);
      for (std::int64_t c = 0; c < m; ++c) p[present_[static_cast<std::size_t>(c)]] /= sum;
    }
  });
}

Json LogisticModel::penalty_path() const { return path_.json(); }

std::vector<Coefficient> LogisticModel::coefficients() const {
  std::vector<Coefficient> all;
  const auto w = coefficients_.data<double>();
  const std::int64_t m = intercepts_.size();
  for (std::int64_t c = 0; c < m; ++c)
    for (std::int64_t j = 0; j < num_features(); ++j) {
      const auto of = static_cast<std::size_t>(present_[static_cast<std::size_t>(m == 1 ? 1 : c)]);
      all.push_back({feature_names()[static_cast<std::size_t>(j)],
                     task() == Task::binary ? std::string() : classes()[of],
                     w[static_cast<std::size_t>(c * num_features() + j)]});
    }
  return all;
}

// A softmax does not change when one number is added to all logits: centred, a logit is the logarithm of its
// probability less the mean of these logarithms.
NumericModel::LinearScore LogisticModel::linear_score() const {
  const auto m = static_cast<std::size_t>(intercepts_.size()), d = static_cast<std::size_t>(num_features());
  const auto w = coefficients_.data<double>(), b = intercepts_.data<double>();
  LinearScore s{.weights = {w.begin(), w.end()}, .intercepts = {b.begin(), b.end()}};
  for (std::size_t k = 0; k < m; ++k) {
    const std::int64_t of = present_[m == 1 ? 1 : k];
    s.outputs.push_back(task() == Task::binary ? "" : classes()[static_cast<std::size_t>(of)]);
  }
  if (m == 1) return s;
  const auto centre = [m](std::vector<double>& values, std::size_t n) {
    for (std::size_t j = 0; j < n; ++j) {
      double mean = 0;
      for (std::size_t k = 0; k < m; ++k) mean += values[k * n + j] / static_cast<double>(m);
      for (std::size_t k = 0; k < m; ++k) values[k * n + j] -= mean;
    }
  };
  centre(s.weights, d);
  centre(s.intercepts, 1);
  return s;
}

void LogisticModel::visit_members(Visitor& v) {
  v.tensor("coefficients", coefficients_);
  v.tensor("intercepts", intercepts_);
  v.value("present", present_);
  v.value("loss_history", loss_history_);
  v.child("penalty_path", path_);
  if (!v.loading()) return;
  const auto f64 = [](const Tensor& t, const Shape& shape) {
    return t.defined() && t.dtype() == DType::f64 && t.shape() == shape;
  };
  const auto k = static_cast<std::int64_t>(classes().size()),
             seen = static_cast<std::int64_t>(present_.size());
  const std::int64_t m = seen == 2 ? 1 : seen;
  bool fine = seen >= 2 && f64(coefficients_, Shape{m, num_features()}) && f64(intercepts_, Shape{m});
  for (const std::int64_t c : present_) fine = fine && c >= 0 && c < k;
  if (!fine)
    throw ModelFileError("logistic model",
                         fmt::format("{} classes of {}, coefficients {} and intercepts {} for {} features",
                                     seen, k, coefficients_.text(), intercepts_.text(), num_features()));
}

}  // namespace cairn
