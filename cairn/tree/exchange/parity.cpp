#include "cairn/tree/exchange/parity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/tree/exchange/export_internal.h"

namespace cairn {
namespace {

using nlohmann::json;

constexpr std::int64_t kRows = 16;
constexpr double kTolerance = 1e-6;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

std::vector<double> row_of(const json& list, std::int64_t width, const std::string& path) {
  if (!list.is_array() || std::ssize(list) != width)
    throw ModelFileError(path, fmt::format("a row of {} is not {} numbers", kParityName, width));
  std::vector<double> row;
  for (const json& v : list) {
    if (!v.is_number() && !v.is_null())
      throw ModelFileError(path, fmt::format("a row of {} holds {}", kParityName,
                                             v.dump(-1, ' ', false, json::error_handler_t::replace)));
    row.push_back(v.is_null() ? std::nan("") : v.get<double>());
  }
  return row;
}

}  // namespace

void check_parity(const TreeEnsemble& trees, const std::string& promise, const std::string& path) {
  const json said = json::parse(promise, nullptr, false);
  const bool finished = said.is_object() && said.contains("predicted");
  const char* name = finished ? "predicted" : "raw";
  if (!said.is_object() || !said.contains("rows") || !said.contains(name) || !said["rows"].is_array() ||
      !said[name].is_array() || said["rows"].size() != said[name].size())
    throw ModelFileError(
        path, fmt::format("its {} is not rows and, of each, its raw scores or its prediction", kParityName),
        "It was changed after it was written; export the model again.");
  std::vector<std::vector<double>> promised;
  double scale = 1;  // sums of f32 leaves are as exact as their largest part
  for (const json& list : said[name]) {
    promised.push_back(row_of(list, finished ? trees.num_predicted() : trees.num_outputs(), path));
    for (const double v : promised.back()) scale = std::max(scale, std::abs(v));
  }
  std::vector<double> raw(at(trees.num_outputs())), predicted(at(trees.num_predicted()));
  for (std::size_t r = 0; r < promised.size(); ++r) {
    trees.predict_raw_row(row_of(said["rows"][r], trees.num_features(), path), raw);
    if (finished) trees.finish(raw, predicted);
    const std::vector<double>& got = finished ? predicted : raw;
    for (std::size_t o = 0; o < got.size(); ++o)
      if (!(std::abs(got[o] - promised[r][o]) <= kTolerance * scale))
        throw ModelFileError(path,
                             fmt::format("row {} of its {} gives {}; the file promises {}", r + 1,
                                         kParityName, got[o], promised[r][o]),
                             "It was changed after it was written; export the model again.");
  }
}

namespace export_detail {

std::vector<double> parity_rows(const TreeModel& model, std::int64_t count) {
  const TreeEnsemble& trees = model.trees();
  const auto& features = model.features().list();
  std::vector<std::vector<double>> thresholds(features.size());
  for (std::int64_t i = 0; i < trees.num_nodes(); ++i)
    if (!trees.is_leaf(i) && !trees.is_category(i) && std::abs(trees.thresholds()[at(i)]) < 1e30)
      thresholds[at(trees.features()[at(i)])].push_back(trees.thresholds()[at(i)]);
  Random draw(0, "parity");
  std::vector<double> rows;
  for (std::int64_t r = 0; r < count; ++r)
    for (std::size_t f = 0; f < features.size(); ++f) {
      const bool missing = draw.below(8) == 0;
      double value = 0;
      if (features[f].category) {
        value = features[f].levels.empty() ? 0 : static_cast<double>(draw.below(features[f].levels.size()));
      } else if (!thresholds[f].empty()) {
        const auto near = static_cast<float>(thresholds[f][draw.below(thresholds[f].size())]);
        const std::uint64_t side = draw.below(3);
        value = side == 0 ? near : std::nextafterf(near, side == 1 ? -INFINITY : INFINITY);
      }
      rows.push_back(missing ? std::nan("") : value);
    }
  return rows;
}

std::string parity_text(const TreeModel& model) {
  const TreeEnsemble& trees = model.trees();
  const std::vector<double> rows = parity_rows(model, kRows);
  const std::int64_t d = trees.num_features();
  json said{{"rows", json::array()}, {"raw", json::array()}};
  std::vector<double> raw(at(trees.num_outputs()));
  for (std::int64_t r = 0; r < kRows; ++r) {
    const std::span<const double> row(rows.data() + r * d, at(d));
    trees.predict_raw_row(row, raw);
    if (!trees.options().average)
      for (double& v : raw) v /= divisor_of(trees);
    said["rows"].push_back(row);  // NaN is written as null
    said["raw"].push_back(raw);
  }
  return said.dump();
}

std::string shares_text(const TreeModel& model) {
  return json(model.classes()).dump(-1, ' ', true, json::error_handler_t::replace);
}

}  // namespace export_detail
}  // namespace cairn
