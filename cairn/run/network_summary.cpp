#include "cairn/run/network_summary.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/nn/count.h"

namespace cairn {
namespace {

std::vector<std::int64_t> dims_of(const Shape& shape) { return {shape.dims().begin(), shape.dims().end()}; }

bool declares(const Json& json) {
  return json.is_object() && json.contains("input") && json.contains("layers");
}

}  // namespace

Json network_to_json(const Network& net) {
  Json layers = Json::array();
  std::int64_t parameters = 0, multiply_adds = 0;
  for (const Network::Row& row : net.rows()) {
    layers.push_back({{"name", row.name},
                      {"kind", row.kind},
                      {"output", dims_of(row.output)},
                      {"parameters", row.parameters},
                      {"multiply_adds", row.multiply_adds}});
    parameters = count_sum(parameters, row.parameters);
    multiply_adds = count_sum(multiply_adds, row.multiply_adds);
  }
  return {{"input", dims_of(net.input_shape())},
          {"output", dims_of(net.output_shape())},
          {"layers", std::move(layers)},
          {"parameters", parameters},
          {"multiply_adds", multiply_adds}};
}

std::optional<Network> declared_in(const std::string& path) {
  char first = 0;
  if (!(std::ifstream(path) >> first) || first != '{') return std::nullopt;
  const std::string text = read_file(path);
  if (!declares(Json::parse(text, nullptr, false))) return std::nullopt;
  return Network::parse(text, path);
}

std::optional<Network> network_inside(const Json& values) {
  if (!values.is_object()) return std::nullopt;
  for (const auto& [name, value] : values.items()) {
    const bool named = name == "network" || name.ends_with(".network");
    if (!named || !value.is_string()) continue;
    try {
      return Network::parse(value.get<std::string>(), name);
    } catch (const Error&) {  // a file may claim anything; what it holds is shown all the same
    }
  }
  return std::nullopt;
}

}  // namespace cairn
