// What `tune` tried, why it ended, and how far its best score is to be believed.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "cairn/report/format_internal.h"
#include "cairn/report/sections_internal.h"
#include "cairn/report/verdict_internal.h"
#include "cairn/report/words_internal.h"

namespace cairn::report {
namespace {

std::string settings_words(const Json& settings) {
  std::string text;
  for (const auto& [name, value] : settings.items())
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", name,
                        value.is_string() ? value.get<std::string>() : "");
  return text.empty() ? "as it was, without a search" : text;
}

bool is_repeat(const Json& trial) { return has(trial, "repeat"); }
double share_of(const Json& trial) { return number_at(trial, "share").value_or(1); }

std::string share_words(double share, const std::string& budget) {
  return share >= 1 ? "a trial" : fmt::format("1/{:.0f} of {}", 1 / share, budget);
}

// What the trials scored, best first, those at the full budget only.
void add_trial_table(Page& page, const Json& tuning, const std::string& label, bool higher) {
  std::vector<const Json*> trials;
  for (const Json& t : field(tuning, "trials"))
    if (!is_repeat(t) && share_of(t) >= 1) trials.push_back(&t);
  std::ranges::stable_sort(trials, [&](const Json* a, const Json* b) {
    const double worst = higher ? -INFINITY : INFINITY;
    const double x = number_at(*a, "metric").value_or(worst), y = number_at(*b, "metric").value_or(worst);
    return higher ? x > y : x < y;
  });
  std::vector<Row> rows;
  for (std::size_t i = 0; i < trials.size() && i < kShownRows; ++i) {
    const Json& t = *trials[i];
    const Figure f = figure_of(t, "metric");
    const auto seconds = number_at(t, "seconds");
    const bool chosen = flag_at(t, "chosen");
    std::string remark = text_at(t, "note");
    if (remark.empty() && chosen) remark = "chosen";
    rows.push_back({{fmt::format("{}<span class=\"soft\">{}</span>",
                                 escaped(settings_words(field(t, "settings"))), escaped(remark)),
                     escaped(value_of(f)), escaped(f.bounded() ? interval_of(f) : ""),
                     seconds ? escaped(duration(*seconds)) : kUnknown},
                    chosen ? "strong" : ""});
  }
  page.add(table({{"Settings"}, {label, true}, {"95 % interval", true, true}, {"Time", true, true}}, rows,
                 "Trials"));
  if (trials.size() > kShownRows)
    page.paragraph(fmt::format("The best {} of {} trials at the full budget; all stand in trials.jsonl.",
                               kShownRows, trials.size()));
}

std::optional<double> number_from(const std::string& text) {
  double v = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, v);
  return error == std::errc{} && at == end ? std::optional(v) : std::nullopt;
}

// A range: each trial a point, the chosen one by itself; short trials of halving apart, since they have not
// had the same chance.
void add_range_chart(Page& page, const Json& tuning, const Json& axis, const std::string& label) {
  const std::string name = text_at(axis, "name"), scale = text_at(axis, "scale");
  const bool near_one = scale == "near_one";
  std::map<double, Json> by_share;
  Json chosen = Json::array();
  for (const Json& t : field(tuning, "trials")) {
    const auto y = number_at(t, "metric");
    const auto x = number_from(text_at(field(t, "settings"), name));
    if (is_repeat(t) || !y || !x) continue;
    Json point = Json::array({near_one ? 1 - *x : *x, *y});
    if (flag_at(t, "chosen"))
      chosen.push_back(std::move(point));
    else
      by_share.try_emplace(-share_of(t), Json::array()).first->second.push_back(std::move(point));
  }
  Json series = Json::array();
  if (!chosen.empty())
    series.push_back({{"label", "chosen"}, {"style", "points"}, {"role", "warm"}, {"points", chosen}});
  constexpr const char* kRoles[] = {"accent", "soft", "pale"};
  std::size_t i = 0, points = chosen.size();
  for (const auto& [share, list] : by_share) {
    points += list.size();
    series.push_back({{"label", share_words(-share, text_at(tuning, "budget"))},
                      {"style", "points"},
                      {"role", kRoles[std::min<std::size_t>(i++, 2)]},
                      {"points", list}});
  }
  if (points < 2) return;
  double low = number_at(axis, "low").value_or(0), high = number_at(axis, "high").value_or(1);
  if (near_one) {
    std::swap(low, high);
    low = 1 - low;
    high = 1 - high;
  }
  Json x{{"title", near_one ? fmt::format("1 − {}", name) : name}, {"min", low}, {"max", high}};
  if ((scale == "log" || near_one) && low > 0 && high > low) {
    x["log"] = true;
    x["ticks"] = decades(low, high);
  }
  page.chart({{"kind", "xy"}, {"x", x}, {"y", {{"title", label}, {"grace", "4%"}}}, {"series", series}}, name,
             fmt::format("{} of each trial against {}: {} points.", label, name, points), 260, "");
}

// A list: the best, and the range, of the trials with each value.
void add_list_chart(Page& page, const Json& tuning, const Json& axis, const std::string& label, bool higher) {
  const std::string name = text_at(axis, "name");
  Json labels = Json::array(), best = Json::array(), ranges = Json::array(), roles = Json::array();
  for (const Json& value : field(axis, "values")) {
    std::optional<double> least, most;
    bool chosen = false;
    for (const Json& t : field(tuning, "trials")) {
      const auto y = number_at(t, "metric");
      if (is_repeat(t) || !y || share_of(t) < 1 || field(field(t, "settings"), name) != value) continue;
      least = std::min(*y, least.value_or(*y));
      most = std::max(*y, most.value_or(*y));
      chosen |= flag_at(t, "chosen");
    }
    if (!least || !value.is_string()) continue;
    labels.push_back(value);
    best.push_back(higher ? *most : *least);
    ranges.push_back({*least, *most});
    roles.push_back(chosen ? "warm" : "accent");
  }
  if (labels.size() < 2) return;
  page.chart({{"kind", "rows"},
              {"labels", labels},
              {"x", {{"title", label}, {"grace", "4%"}}},
              {"series",
               {{{"label", "best trial"}, {"style", "dot"}, {"roles", roles}, {"values", best}},
                {{"label", "all trials"},
                 {"quiet", true},
                 {"style", "range"},
                 {"roles", roles},
                 {"values", ranges}}}}},
             name, fmt::format("Best {} and range of the trials with each value of {}.", label, name),
             56 + 36 * static_cast<int>(labels.size()), "");
}

}  // namespace

std::vector<std::string> tuning_words(const Json& result) {
  const Json& tuning = field(result, "tuning");
  const std::string metric = text_at(result, "metric"), label = metric_label(metric);
  const auto figure = [&](const char* key) { return number(number_at(tuning, key)); };
  std::vector<std::string> words;
  const Figure gain = figure_of(field(tuning, "gain"));
  std::string found =
      fmt::format("{} {} with {}, {} as it was", label, figure("best"),
                  has(tuning, "settings") ? text_at(tuning, "settings") : "the settings as they were",
                  figure("defaults"));
  if (gain.bounded() && has(tuning, "settings"))
    found += fmt::format(": as an error, {} less ({} to {} with 95 %{})", number(gain.value),
                         number(gain.low), number(gain.high), *gain.low <= 0 ? ", so unproven" : "");
  words.push_back(found + ".");
  words.push_back(capitalised(text_at(tuning, "stopped")) + ".");
  const auto held_out = number_at(field(field(result, "metrics"), metric), "value");
  std::string honest;
  if (number_at(tuning, "optimism"))
    honest = fmt::format(
        "The best of many scores is too good by luck: chosen on the other parts and judged on each in turn, "
        "the same search gets {}, "
        "so about {} of {} is optimism. ",
        figure("corrected"), figure("optimism"), figure("best"));
  if (held_out && number_at(field(result, "rows"), "test").value_or(0) > 0)
    honest += fmt::format("On held-out rows, which no trial saw: {}.", number(held_out));
  else
    honest += "No rows were held out: cross-validation of the chosen settings shares the luck of the choice.";
  words.push_back(honest);
  return words;
}

void add_tuning(Page& page, const Json& result) {
  const Json& tuning = field(result, "tuning");
  if (!has(tuning, "trials")) return;
  const std::string metric = text_at(result, "metric"), label = metric_label(metric);
  const bool higher = higher_is_better(result, metric);
  page.open_section(
      "tuning", "How the settings were found",
      fmt::format("Settings of {} tried by {}, each judged by {}; {} is better. Held-out rows had no say.",
                  learner_label(text_at(tuning, "learner")),
                  text_at(tuning, "method") == "grid"      ? "a grid"
                  : text_at(tuning, "method") == "halving" ? "successive halving"
                                                           : "random draws",
                  text_at(tuning, "judged_by"), higher ? "higher" : "lower"));
  for (const std::string& sentence : tuning_words(result)) page.paragraph(sentence);
  for (const Json& axis : field(tuning, "space")) {
    if (has(axis, "values"))
      add_list_chart(page, tuning, axis, label, higher);
    else
      add_range_chart(page, tuning, axis, label);
  }
  add_trial_table(page, tuning, label, higher);
  page.close_section();
}

}  // namespace cairn::report
