// Numbers computed elsewhere, committed under tests/golden with the script that made them.
#pragma once

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace cairn::test {

inline nlohmann::json read_golden(const std::string& name) {
  const std::string path = std::string(CAIRN_SOURCE_DIR) + "/tests/golden/" + name;
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + " cannot be read");
  return nlohmann::json::parse(file);
}

// A list of numbers; null is NaN.
inline std::vector<double> golden_numbers(const nlohmann::json& list) {
  std::vector<double> values;
  for (const auto& v : list) values.push_back(v.is_null() ? std::nan("") : v.get<double>());
  return values;
}

// The largest difference, relative to numbers above 1; infinite when lengths or places of NaN differ.
inline double largest_difference(std::span<const double> got, std::span<const double> expected) {
  if (got.size() != expected.size()) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) != std::isnan(expected[i])) return INFINITY;
    if (!std::isnan(got[i]))
      worst = std::max(worst, std::abs(got[i] - expected[i]) / std::max(1.0, std::abs(expected[i])));
  }
  return worst;
}

}  // namespace cairn::test
