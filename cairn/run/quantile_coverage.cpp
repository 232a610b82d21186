#include <array>
#include <nlohmann/json.hpp>

#include "cairn/model/quantile_model.h"
#include "cairn/run/measure.h"

namespace cairn {

Json quantiles_to_json(const PipelineModel& model, const Dataset& data) {
  const auto* quantiles = dynamic_cast<const QuantileModel*>(&model.model());
  if (!quantiles || data.num_rows() == 0) return nullptr;
  constexpr std::array kLevels{0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95};
  const Table told = model.turned_back(quantiles->quantiles(model.transformed(model.inputs(data)), kLevels));
  const Judged judged = judge(model, data);
  Json list = Json::array();
  for (std::size_t l = 0; l < kLevels.size(); ++l) {
    // The share of rows below is an accuracy: decision 1 where the truth, always 1, is below.
    Judged below{.task = Task::binary, .weights = judged.weights, .groups = judged.groups, .num_classes = 2};
    below.labels.assign(judged.truth.size(), 1);
    const Column& column = told.column(static_cast<std::int64_t>(l));
    for (std::size_t r = 0; r < judged.truth.size(); ++r)
      below.decisions.push_back(judged.truth[r] <= column.number_at(static_cast<std::int64_t>(r)) ? 1 : 0);
    if (const auto share = estimate(metric("accuracy"), below.view(), 0))
      list.push_back({{"level", kLevels[l]},
                      {"below", share->value},
                      {"low", share->low},
                      {"high", share->high},
                      {"n", share->n}});
  }
  return list;
}

}  // namespace cairn
