#include "cairn/linear/penalty_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/index.h"

namespace cairn {
namespace {

Json finite_or_null(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

Json finite_or_null(std::span<const double> values) {
  Json list = Json::array();
  for (const double v : values) list.push_back(finite_or_null(v));
  return list;
}

}  // namespace

void PenaltyPath::set_lines(const std::vector<std::string>& feature_names,
                            const std::vector<std::string>& output_names,
                            const std::vector<std::vector<double>>& along) {
  CAIRN_ASSERT(along.size() == values.size() && !along.empty());
  const std::size_t d = feature_names.size(), all = d * output_names.size();
  num_weights = static_cast<std::int64_t>(all);
  std::vector<double> most(all);
  for (const std::vector<double>& w : along) {
    CAIRN_ASSERT(w.size() == all);
    for (std::size_t i = 0; i < all; ++i) most[i] = std::max(most[i], std::abs(w[i]));
  }
  std::vector<std::size_t> order(all);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::vector<double>& here = along[at(chosen)];
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return std::pair(-std::abs(here[a]), -most[a]) < std::pair(-std::abs(here[b]), -most[b]);
  });
  order.resize(std::min(order.size(), kMostLines));
  features.clear();
  outputs.clear();
  std::vector<double> lines;
  for (const std::size_t i : order) {
    features.push_back(feature_names[i % d]);
    outputs.push_back(output_names[i / d]);
    for (const std::vector<double>& w : along) lines.push_back(w[i]);
  }
  weights = Tensor::take(std::move(lines)).reshape(Shape{std::ssize(features), std::ssize(values)});
}

std::string PenaltyPath::note() const {
  std::string text = fmt::format("{} = {:.6g} by {} ({}): {} {:.6g} +- {:.2g}", parameter, values[at(chosen)],
                                 judged_by, rule, loss, mean[at(chosen)], error[at(chosen)]);
  if (chosen != least)
    text +=
        fmt::format("; the least is {:.6g} at {} = {:.6g}", mean[at(least)], parameter, values[at(least)]);
  return text;
}

Json PenaltyPath::json() const {
  if (empty()) return nullptr;
  Json lines = Json::array();
  for (std::size_t l = 0; l < features.size(); ++l)
    lines.push_back(
        {{"feature", features[l]},
         {"output", outputs[l]},
         {"values", finite_or_null(weights.data<double>().subspan(l * values.size(), values.size()))}});
  return {{"parameter", parameter},
          {"loss", loss},
          {"judged_by", judged_by},
          {"rule", rule},
          {"values", values},
          {"mean", finite_or_null(mean)},
          {"standard_error", finite_or_null(error)},
          {"least", values[at(least)]},
          {"chosen", values[at(chosen)]},
          {"coefficients", std::move(lines)},
          {"num_coefficients", num_weights}};
}

void PenaltyPath::visit(Visitor& v) {
  v.optional("values", values);  // absent where no strength was searched for
  if (!empty()) {
    v.value("parameter", parameter);
    v.value("loss", loss);
    v.value("judged_by", judged_by);
    v.value("rule", rule);
    v.value("mean", mean);
    v.value("error", error);
    v.value("least", least);
    v.value("chosen", chosen);
    v.value("features", features);
    v.value("outputs", outputs);
    v.value("num_weights", num_weights);
  }
  v.tensor("weights", weights);
  if (!v.loading()) return;
  const auto inside = [&](std::int64_t i) { return i >= 0 && (empty() ? i == 0 : i < std::ssize(values)); };
  const bool fits = mean.size() == values.size() && error.size() == values.size() && inside(least) &&
                    inside(chosen) && outputs.size() == features.size() && weights.defined() == !empty();
  if (!fits)
    throw ModelFileError("linear model", fmt::format("its path of {} penalties has {} losses and {} lines",
                                                     values.size(), mean.size(), features.size()));
  if (!empty()) check_stored("weights", weights, DType::f64, Shape{std::ssize(features), std::ssize(values)});
}

}  // namespace cairn
