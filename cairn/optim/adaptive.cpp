#include "cairn/optim/adaptive.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/base/parallel.h"
#include "cairn/optim/pieces_internal.h"
#include "cairn/optim/rules_internal.h"

namespace cairn {

const ParamList& AdaGradParams::list() {
  using P = AdaGradParams;
  static const ParamList l{rule_params::learning_rate<&P::learning_rate>(),
                           rule_params::epsilon<&P::epsilon>()};
  return l;
}

AdaGrad::AdaGrad(ModuleRef net, Params params, StepOptions options)
    : Optimizer(net, params.learning_rate, std::move(options), 1), params_(params) {
  validate({kName, &params_, &Params::list()});
}

void AdaGrad::move(std::span<Moved> moved) {
  step_all({.rule = step_kernels::Rule::adagrad, .a = params_.epsilon}, moved, options().clip_value);
}

const ParamList& RmsPropParams::list() {
  using P = RmsPropParams;
  static const ParamList l{
      rule_params::learning_rate<&P::learning_rate>(),
      rule_params::beta<&P::rho>("rho", "how slowly the mean of the squares forgets"),
      rule_params::epsilon<&P::epsilon>(),
      rule_params::beta<&P::momentum>("momentum", "share of the last step that goes on"),
      param<&P::centered>("centered", "divide by the variance of the gradients, not by their mean square"),
  };
  return l;
}

RmsProp::RmsProp(ModuleRef net, Params params, StepOptions options)
    : Optimizer(net, params.learning_rate, std::move(options), params.centered ? 3 : 2), params_(params) {
  validate({kName, &params_, &Params::list()});
}

void RmsProp::move(std::span<Moved> moved) {
  step_all({.rule = step_kernels::Rule::rmsprop,
            .a = params_.rho,
            .b = params_.epsilon,
            .c = params_.momentum,
            .flag = params_.centered},
           moved, options().clip_value);
}

const ParamList& AdafactorParams::list() {
  using P = AdafactorParams;
  static const ParamList l{
      rule_params::learning_rate<&P::learning_rate>(),
      param<&P::beta2_decay>("beta2_decay", "the mean of squares takes the share step^beta2_decay of each",
                             between(-10, 0)),
      param<&P::scale_floor>("scale_floor", "a parameter smaller than this moves as if it were this large",
                             above(0)),
      param<&P::clip>("clip", "largest root mean square of an update", above(0)),
      rule_params::weight_decay<&P::weight_decay>(),
  };
  return l;
}

Adafactor::Adafactor(ModuleRef net, Params params, StepOptions options)
    : Optimizer(net, params.learning_rate, rule_params::with_decay(std::move(options), params.weight_decay),
                0),
      params_(params) {
  validate({kName, &params_, &Params::list()});
  for (OptimizedParameter& p : parameters_) {
    const Shape& s = p.parameter->shape();
    if (s.ndim() < 2) {
      p.state.push_back(Tensor::zeros(s, DType::f64));
      continue;
    }
    const std::int64_t columns = s[s.ndim() - 1], rows = s[s.ndim() - 2];
    const std::int64_t matrices = rows * columns == 0 ? 0 : s.size() / (rows * columns);
    p.state.push_back(Tensor::zeros({matrices, rows}, DType::f64));
    p.state.push_back(Tensor::zeros({matrices, columns}, DType::f64));
  }
}

void Adafactor::move(std::span<Moved> moved) {
  parallel_for(std::ssize(moved), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) move_one(moved[static_cast<std::size_t>(i)]);
  });
}

namespace {

double root_mean_square(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v * v;
  return std::sqrt(sum / static_cast<double>(std::max<std::size_t>(1, values.size())));
}

double root_mean_square(const Parameter& p) {
  const Tensor wide = p.value().detach().to(DType::f64);
  double sum = 0;
  for (const double v : wide.data<double>()) sum += v * v;
  return std::sqrt(sum / static_cast<double>(std::max<std::int64_t>(1, wide.size())));
}

// The estimate of the mean squares [rows, columns] from means of rows and columns, which are moved by
// `share`.
void factored(const double* g, std::int64_t rows, std::int64_t columns, double share, double floor,
              double* row_means, double* column_means, double* out) {
  std::vector<double> of_row(static_cast<std::size_t>(rows)), of_column(static_cast<std::size_t>(columns));
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) {
      const double square = g[r * columns + c] * g[r * columns + c];
      of_row[static_cast<std::size_t>(r)] += square;
      of_column[static_cast<std::size_t>(c)] += square;
    }
  double mean = 0;
  for (std::int64_t r = 0; r < rows; ++r) {
    row_means[r] +=
        share * (of_row[static_cast<std::size_t>(r)] / static_cast<double>(columns) - row_means[r]);
    mean += row_means[r];
  }
  mean = std::max(mean / static_cast<double>(rows), floor);
  for (std::int64_t c = 0; c < columns; ++c)
    column_means[c] +=
        share * (of_column[static_cast<std::size_t>(c)] / static_cast<double>(rows) - column_means[c]);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) out[r * columns + c] = row_means[r] * column_means[c] / mean;
}

}  // namespace

void Adafactor::move_one(const Moved& m) const {
  const std::vector<double> g = whole_gradient(m, options().clip_value);
  if (g.empty()) return;
  const auto t = static_cast<double>(steps());
  const double share = std::pow(t, params_.beta2_decay);
  const double floor = m.gradient.dtype() == DType::f32 ? std::numeric_limits<float>::epsilon()
                                                        : std::numeric_limits<double>::epsilon();
  const double rate =
      std::max(params_.scale_floor, root_mean_square(*m.of->parameter)) * std::min(m.rate, 1 / std::sqrt(t));
  std::vector<double> update(g.size());
  auto first = m.of->state[0].mutable_data<double>();
  if (m.of->state.size() == 1) {
    for (std::size_t i = 0; i < g.size(); ++i) update[i] = first[i] += share * (g[i] * g[i] - first[i]);
  } else {
    const std::int64_t matrices = m.of->state[0].size(0), rows = m.of->state[0].size(1),
                       columns = m.of->state[1].size(1);
    auto second = m.of->state[1].mutable_data<double>();
    for (std::int64_t k = 0; k < matrices; ++k)
      factored(&g[static_cast<std::size_t>(k * rows * columns)], rows, columns, share, floor,
               &first[static_cast<std::size_t>(k * rows)], &second[static_cast<std::size_t>(k * columns)],
               &update[static_cast<std::size_t>(k * rows * columns)]);
  }
  for (std::size_t i = 0; i < g.size(); ++i) update[i] = g[i] / std::sqrt(std::max(update[i], floor * floor));
  take_off(m, update, rate / std::max(1.0, root_mean_square(update) / params_.clip));
}

}  // namespace cairn
