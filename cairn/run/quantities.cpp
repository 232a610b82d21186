#include "cairn/run/quantities.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "cairn/base/error.h"

namespace cairn {
namespace {

using Units = std::initializer_list<std::pair<const char*, double>>;

// NaN where the text is no positive number with one of these units.
double amount(const std::string& text, Units units) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || !(value > 0) || !std::isfinite(value)) return std::nan("");
  const std::string unit(at, end);
  for (const auto& [name, scale] : units)
    if (unit == name) return value * scale;
  return std::nan("");
}

}  // namespace

std::uint64_t parse_bytes(const char* flag, const std::string& text) {
  if (text.empty()) return 0;
  const double bytes = amount(text, {{"", 1},
                                     {"K", 1e3},
                                     {"KB", 1e3},
                                     {"M", 1e6},
                                     {"MB", 1e6},
                                     {"G", 1e9},
                                     {"GB", 1e9},
                                     {"T", 1e12},
                                     {"TB", 1e12}});
  if (!(bytes >= 1 && bytes < 1e18))
    throw UsageError(flag, fmt::format("'{}' is not an amount of memory", text), "Write 500M or 8G.");
  return static_cast<std::uint64_t>(bytes);
}

double parse_seconds(const char* flag, const std::string& text) {
  if (text == "none" || text == "0") return 0;
  const double seconds = amount(text, {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}});
  if (!(seconds > 0 && seconds < 1e9))
    throw UsageError(flag, fmt::format("'{}' is not a length of time", text), "Write 90s, 5m or none.");
  return seconds;
}

}  // namespace cairn
