#include "cairn/report/format_internal.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace cairn::report {

int decimals_for(double value) {
  const double size = std::abs(value);
  if (size == 0 || !std::isfinite(size)) return 3;
  if (size >= 1000) return 0;
  if (size >= 100) return 1;
  if (size >= 10) return 2;
  if (size >= 0.005) return 3;
  return std::min(12, 1 - static_cast<int>(std::floor(std::log10(size))));
}

int decimals_for(const Figure& figure) {
  double size = std::abs(figure.value.value_or(0));
  if (figure.bounded()) size = std::max({size, std::abs(*figure.low), std::abs(*figure.high)});
  return decimals_for(size);
}

std::string number(double value, int decimals) {
  if (!std::isfinite(value)) return kUnknown;
  const double size = std::abs(value);
  if (size >= 1e15) return fmt::format("{}{:.3e}", value < 0 ? "−" : "", size);
  std::string digits = fmt::format("{:.{}f}", size, decimals);
  const bool zero = digits.find_first_not_of("0.") == std::string::npos;
  const std::size_t whole = std::min(digits.find('.'), digits.size());
  for (std::size_t i = whole; i > 3; i -= 3) digits.insert(i - 3, ",");
  return value < 0 && !zero ? "−" + digits : digits;
}

std::string number(std::optional<double> value) {
  return value ? number(*value, decimals_for(*value)) : kUnknown;
}

std::string count(std::int64_t value) { return number(static_cast<double>(value), 0); }

std::string percent(double share, int decimals) { return number(share * 100, decimals) + " %"; }

std::string bytes(double size) {
  constexpr std::array<const char*, 5> kUnits{"bytes", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; size >= 1000 && unit + 1 < kUnits.size(); ++unit) size /= 1000;
  return fmt::format("{} {}", number(size, unit == 0 || size >= 100 ? 0 : 1), kUnits[unit]);
}

std::string duration(double seconds) {
  if (seconds < 60) return number(seconds, seconds < 10 ? 2 : 1) + " s";
  const auto whole = std::llround(seconds);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string value_of(const Figure& figure) {
  return figure.value ? number(*figure.value, decimals_for(figure)) : kUnknown;
}

std::string interval_of(const Figure& figure) {
  if (!figure.bounded()) return kUnknown;
  const int decimals = decimals_for(figure);
  return fmt::format("{} to {}", number(*figure.low, decimals), number(*figure.high, decimals));
}

std::string signed_number(double value, int decimals) {
  const std::string text = number(value, decimals);
  return value > 0 && text.find_first_not_of("0.,") != std::string::npos ? "+" + text : text;
}

std::string metric_label(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kLabels{
      {{"roc_auc", "ROC AUC"},
       {"rmse", "RMSE"},
       {"mse", "MSE"},
       {"mae", "MAE"},
       {"median_ae", "median absolute error"},
       {"r2", "R²"},
       {"mape", "MAPE"},
       {"mcc", "MCC"},
       {"ece", "ECE"},
       {"cohen_kappa", "Cohen’s kappa"},
       {"f1", "F1"},
       {"ndcg", "NDCG"},
       {"map", "MAP"}}};
  if (name.starts_with("1 - ")) return "1 − " + metric_label(name.substr(4));
  for (const auto& [known, label] : kLabels)
    if (name == known) return std::string(label);
  if (name.starts_with("ndcg@") || name.starts_with("map@"))
    return metric_label(name.substr(0, name.find('@'))) + std::string(name.substr(name.find('@')));
  if (name.starts_with("f1_")) return "F1, " + std::string(name.substr(3));
  return learner_label(name);
}

std::string learner_label(std::string_view name) {
  std::string label(name);
  std::replace(label.begin(), label.end(), '_', ' ');
  return label;
}

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

namespace {
// The next character of `text` from `at`: its bytes and the terminal columns it takes.
std::pair<std::size_t, int> next_character(std::string_view text, std::size_t at) {
  utf8proc_int32_t code = 0;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                       static_cast<utf8proc_ssize_t>(text.size() - at), &code);
  if (length <= 0) return {1, 1};
  return {static_cast<std::size_t>(length), utf8proc_charwidth(code)};
}
}  // namespace

int display_width(std::string_view text) {
  int width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto [length, columns] = next_character(text, i);
    width += columns;
    i += length;
  }
  return width;
}

std::string padded(std::string_view text, int width, bool right) {
  const int missing = std::max(0, width - display_width(text));
  const std::string space(static_cast<std::size_t>(missing), ' ');
  return right ? space + std::string(text) : std::string(text) + space;
}

std::string shortened(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  int used = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    const auto [length, columns] = next_character(text, end);
    if (used + columns > width - 1) break;
    used += columns;
    end += length;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::vector<std::string> wrapped(std::string_view text, int width) {
  std::vector<std::string> lines;
  std::string line;
  for (std::size_t i = 0; i <= text.size();) {
    const std::size_t end = std::min(text.find(' ', i), text.size());
    const std::string_view word = text.substr(i, end - i);
    if (!line.empty() && display_width(line) + 1 + display_width(word) > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
    i = end + 1;
  }
  lines.push_back(std::move(line));
  return lines;
}

}  // namespace cairn::report
