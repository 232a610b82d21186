#include "cairn/model/partial_dependence.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/run/measure.h"

namespace cairn {
namespace {

constexpr std::size_t kMostColumns = 4, kMostClasses = 4;

Json told_to_json(const PartialDependence& told) {
  Json json{{"feature", told.column}, {"rows", told.rows}};
  if (told.is_number) {
    json["numbers"] = numbers_to_json(told.numbers);
    json["rug"] = numbers_to_json(told.rug);
  } else {
    json["levels"] = told.levels;
    json["share"] = numbers_to_json(told.share);
  }
  const std::size_t values = told.is_number ? told.numbers.size() : told.levels.size();
  Json curves = Json::array();
  for (std::size_t o = 0; o < told.outputs.size(); ++o) {
    const auto part = [&](const std::vector<double>& all) {
      return numbers_to_json(std::span(all).subspan(o * values, values));
    };
    curves.push_back({{"output", told.outputs[o]},
                      {"mean", part(told.mean)},
                      {"low", part(told.low)},
                      {"high", part(told.high)}});
  }
  json["curves"] = std::move(curves);
  return json;
}

}  // namespace

std::vector<std::string> outputs_told(const Dataset& data) {
  if (data.task() == Task::regression) return {};
  if (data.task() == Task::binary) return {data.classes()[static_cast<std::size_t>(data.positive())]};
  std::vector<std::int64_t> counts(data.classes().size());
  for (const std::int32_t code : data.class_codes()) ++counts[static_cast<std::size_t>(code)];
  std::vector<std::size_t> order(counts.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return counts[i]; });
  order.resize(std::min(order.size(), kMostClasses));
  std::ranges::sort(order);
  std::vector<std::string> outputs;
  for (const std::size_t i : order) outputs.push_back(data.classes()[i]);
  return outputs;
}

std::vector<std::string> leading_columns(const Table& features, const Json& importance) {
  std::vector<std::string> columns;
  for (const Json& entry : importance) {
    if (columns.size() == kMostColumns) break;
    if (!entry["value"].is_number() || entry["value"].get<double>() <= 0) break;
    // Beyond the first, those whose importance might be chance are left out.
    if (!columns.empty() && entry["low"].is_number() && entry["low"].get<double>() <= 0) continue;
    const auto name = entry["feature"].get<std::string>();
    const Column* column = features.find(name);
    if (column && has_partial_dependence(*column)) columns.push_back(name);
  }
  return columns;
}

Json partial_dependence_to_json(const Model& model, const Table& features,
                                const std::vector<std::string>& columns,
                                const std::vector<std::string>& outputs) {
  Json list = Json::array();
  for (const std::string& name : columns)
    list.push_back(told_to_json(partial_dependence(model, features, name, outputs)));
  return list;
}

}  // namespace cairn
