// What was found, for a person and for programs.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/check/layer_table_internal.h"
#include "cairn/check/network_check.h"

namespace cairn {
namespace {

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

}  // namespace

std::string layer_table(const std::vector<LayerStatistics>& layers) {
  std::size_t width = 5;
  for (const LayerStatistics& s : layers) width = std::max(width, s.layer.size());
  std::string text = fmt::format("{:<{}}  {:>10}  {:>10}  {:>10}  {:>11}  {:>9}\n", "layer", width, "mean",
                                 "stddev", "gradient", "dead", "saturated");
  for (const LayerStatistics& s : layers)
    text += fmt::format("{:<{}}  {:>10}  {:>10}  {:>10}  {:>11}  {:>8.0f}%\n", s.layer, width,
                        s.finite ? fmt::format("{:.3g}", s.mean) : "not finite",
                        s.finite ? fmt::format("{:.3g}", s.stddev) : "-",
                        !s.gradient_finite       ? "not finite"
                        : std::isnan(s.gradient) ? "-"
                                                 : fmt::format("{:.3g}", s.gradient),
                        fmt::format("{} of {}", s.dead, s.units), 100 * s.saturated);
  return text;
}

Json layers_json(const std::vector<LayerStatistics>& layers) {
  Json all = Json::array();
  for (const LayerStatistics& s : layers)
    all.push_back({{"layer", s.layer},
                   {"mean", number(s.mean)},
                   {"stddev", number(s.stddev)},
                   {"gradient", number(s.gradient)},
                   {"finite", s.finite},
                   {"units", s.units},
                   {"dead", s.dead},
                   {"saturated", s.saturated}});
  return all;
}

std::string NetworkCheck::text() const {
  std::string text;
  std::size_t width = 0;
  for (const Measured& m : measured) width = std::max(width, m.what.size());
  for (const Measured& m : measured) text += fmt::format("{:<{}}  {}\n", m.what, width, m.value);
  if (!layers.empty()) text += "\n" + layer_table(layers);
  if (!gradients.empty()) {
    text += "\ngradient of                       compared   largest relative error\n";
    for (const GradientCheck& g : gradients)
      text += fmt::format("{:<32}  {:>8}   {:.2g}{}\n", g.parameter, g.compared, g.error,
                          g.skipped > 0 ? fmt::format("   ({} at a kink)", g.skipped) : "");
  }
  text += "\n";
  if (findings.empty()) return text + "No fault found.\n";
  text += fmt::format("{} {}:\n", findings.size(), findings.size() == 1 ? "finding" : "findings");
  for (const Finding& f : findings)
    text += fmt::format("\n  {}{}\n    {}.\n    {}\n", f.name, f.place.empty() ? "" : " at " + f.place,
                        f.evidence, f.remedy);
  return text;
}

Json NetworkCheck::json() const {
  Json all{{"passed", passed()}, {"findings", Json::array()}, {"measured", Json::array()}};
  for (const Finding& f : findings)
    all["findings"].push_back(
        {{"name", f.name}, {"place", f.place}, {"evidence", f.evidence}, {"remedy", f.remedy}});
  for (const Measured& m : measured) all["measured"].push_back({{"what", m.what}, {"value", m.value}});
  all["layers"] = layers_json(layers);
  all["gradients"] = Json::array();
  for (const GradientCheck& g : gradients)
    all["gradients"].push_back(
        {{"of", g.parameter}, {"compared", g.compared}, {"skipped", g.skipped}, {"error", number(g.error)}});
  all["learning_rate"] = number(rates.suggestion);
  return all;
}

}  // namespace cairn
