// The statistics of a linear model for a terminal.
#include <fmt/format.h>

#include <algorithm>

#include "cairn/report/format_internal.h"
#include "cairn/report/report.h"

namespace cairn {

std::string inference_text(const Json& inference) {
  using namespace report;
  if (!inference.is_object()) return "";
  if (has(inference, "absent")) return text_at(inference, "absent") + "\n";
  constexpr std::size_t kMost = 60;
  const Json& list = field(inference, "coefficients");
  int width = 12;
  for (const Json& c : list) width = std::max(width, std::min(40, display_width(text_at(c, "feature"))));
  const auto figure = [](const Json& c, const char* key) {
    const auto v = number_at(c, key);
    return v ? fmt::format("{:.5g}", *v) : std::string("-");
  };
  std::string text = fmt::format(
      "\n{}, {} rows, {} degrees of freedom left\n  {} {:>12} {:>12} {:>9} {:>9}   {:<25} {:>7}\n",
      text_at(inference, "model"), figure(inference, "rows"), figure(inference, "df_residual"),
      padded("", width), "estimate", "std. error", text_at(inference, "statistic"), "p", "95 % interval",
      "VIF");
  for (std::size_t i = 0; i < std::min(list.size(), kMost); ++i) {
    const Json& c = list[i];
    text += fmt::format("  {} {:>12} {:>12} {:>9} {:>9}   {:<25} {:>7}\n",
                        padded(shortened(text_at(c, "feature"), width), width), figure(c, "estimate"),
                        figure(c, "error"),
                        number_at(c, "statistic") ? fmt::format("{:.3f}", *number_at(c, "statistic")) : "-",
                        number_at(c, "p") ? fmt::format("{:.4f}", *number_at(c, "p")) : "-",
                        figure(c, "low") + " to " + figure(c, "high"),
                        number_at(c, "vif") ? fmt::format("{:.2f}", *number_at(c, "vif")) : "-");
  }
  if (list.size() > kMost) text += fmt::format("  and {} more; --json has them\n", list.size() - kMost);
  for (const Json& name : field(inference, "aliased"))
    if (name.is_string())
      text += fmt::format("  {} is determined by those before it\n", name.get<std::string>());
  for (const auto& [name, value] : field(inference, "fit").items())
    if (value.is_number()) text += fmt::format("  {:<24} {:.6g}\n", name, value.get<double>());
  for (const Json& t : field(inference, "tests"))
    text +=
        fmt::format("  {:<24} {:.5g}, p {:.4g} (a small p speaks against: {})\n", text_at(t, "name"),
                    number_at(t, "statistic").value_or(0), number_at(t, "p").value_or(1), text_at(t, "null"));
  return text;
}

}  // namespace cairn
