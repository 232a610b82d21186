// What --calibrate did to the probabilities.
#include <fmt/format.h>

#include "cairn/report/format_internal.h"
#include "cairn/report/sections_internal.h"
#include "cairn/report/words_internal.h"

namespace cairn::report {

void add_calibration_map(Page& page, const Json& result) {
  const Json& c = field(result, "calibration");
  if (!c.is_object()) return;
  const std::string method = text_at(c, "method", "none");
  page.open_section("calibrate", "What calibrating did",
                    method == "none"
                        ? "No map did better than the model's own probabilities, which were kept."
                        : fmt::format("Probabilities are mapped by {}, fitted to predictions out of fold.",
                                      method == "platt" ? "Platt's sigmoid" : method));
  std::vector<Row> rows;
  for (const char* name : {"ece", "log_loss", "brier"}) {
    const Figure before = figure_of(field(field(c, "before"), name)),
                 after = figure_of(field(field(c, "after"), name));
    if (!before.value && !after.value) continue;
    rows.push_back({{escaped(metric_label(name)), value_of(before), interval_of(before), value_of(after),
                     interval_of(after)}});
  }
  page.add(
      table({{"Metric"}, {"Before", true}, {"95 % interval", true}, {"After", true}, {"95 % interval", true}},
            rows, "Before and after calibrating"));
  std::string tried;
  for (const Json& t : field(c, "trials"))
    tried += fmt::format("{}{} {}", tried.empty() ? "" : ", ", text_at(t, "method"),
                         number(number_at(t, "log_loss")));
  page.add("<p class=\"soft\">" +
           escaped(fmt::format(
               "Told on {}. Log loss of each map on out-of-fold rows that it was not fitted to: {}.",
               text_at(c, "on"), tried)) +
           "</p>\n");
  const Json &before = field(c, "reliability_before"), &after = field(field(result, "curves"), "calibration");
  if (before.is_object() && after.is_object()) {
    const Json axis_x{{"title", "predicted probability"}, {"min", 0}, {"max", 1}},
        axis_y{{"title", "observed share"}, {"min", 0}, {"max", 1}};
    page.chart(
        {{"kind", "xy"},
         {"x", axis_x},
         {"y", axis_y},
         {"series",
          {{{"label", "before"},
            {"style", "points"},
            {"role", "warm"},
            {"points", points_of(field(before, "mean_predicted"), field(before, "observed"))}},
           {{"label", "after"},
            {"style", "points"},
            {"role", "accent"},
            {"points", points_of(field(after, "mean_predicted"), field(after, "observed"))}},
           {{"label", "honest"}, {"style", "reference"}, {"role", "soft"}, {"points", {{0, 0}, {1, 1}}}}}}},
        "Reliability before and after",
        "Observed share of positives against predicted probability, before and after calibrating.", 320, "");
  }
  page.close_section();
}

}  // namespace cairn::report
