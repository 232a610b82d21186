#include "cairn/model/quantile_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/split_commas.h"

namespace cairn {
namespace {

constexpr std::size_t kMostLevels = 100;

double level_of(const std::string& where, std::string_view text) {
  double level = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, level);
  if (error != std::errc{} || at != end || !(level > 0 && level < 1))
    throw UsageError(where, fmt::format("'{}' is no level between 0 and 1", text),
                     "Such as --set quantiles=0.1,0.5,0.9.");
  return level;
}

}  // namespace

std::string quantile_column(double level) { return fmt::format("q_{}", level); }

std::vector<double> parse_levels(std::string_view learner, const std::vector<std::string>& texts) {
  const std::string where = fmt::format("{}.quantiles", learner);
  std::vector<double> levels;
  for (const std::string& text : split_commas(texts)) levels.push_back(level_of(where, text));
  std::ranges::sort(levels);
  if (const auto twice = std::ranges::adjacent_find(levels); twice != levels.end())
    throw UsageError(where, fmt::format("the level {} stands twice", *twice));
  if (levels.size() > kMostLevels)
    throw UsageError(where, fmt::format("{} levels are more than {}", levels.size(), kMostLevels));
  return levels;
}

Table quantile_table(std::span<const double> levels, std::vector<double> predicted) {
  const std::size_t k = levels.size(), n = predicted.size() / k;
  std::vector<std::vector<double>> columns(k, std::vector<double>(n));
  for (std::size_t r = 0; r < n; ++r) {
    std::sort(predicted.begin() + static_cast<std::ptrdiff_t>(r * k),
              predicted.begin() + static_cast<std::ptrdiff_t>((r + 1) * k));
    for (std::size_t o = 0; o < k; ++o) columns[o][r] = predicted[r * k + o];
  }
  const auto middle = std::ranges::min_element(levels, {}, [](double a) { return std::abs(a - 0.5); });
  std::vector<Column> table{
      Column::number("prediction", Tensor::from(columns[static_cast<std::size_t>(middle - levels.begin())]))};
  for (std::size_t o = 0; o < k; ++o)
    table.push_back(Column::number(quantile_column(levels[o]), Tensor::take(std::move(columns[o]))));
  return Table(std::move(table));
}

}  // namespace cairn
