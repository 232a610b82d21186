#include "cairn/report/verdict_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/report/format_internal.h"

namespace cairn::report {
namespace {

struct Parts {
  const Json& result;
  std::string metric;
  Figure model;
  std::optional<double> baseline;
  std::int64_t rows = 0;
};

Parts parts_of(const Json& result, const std::string& metric) {
  const Json& estimate = field(field(result, "metrics"), metric);
  return {result, metric, figure_of(estimate), number_at(field(field(result, "baseline"), metric), "value"),
          static_cast<std::int64_t>(number_at(estimate, "n").value_or(0))};
}

// A share is never rounded up to a certainty that was not measured.
std::string times(double share) {
  if (share < 1 && share > 0.995)
    return fmt::format("{:.0f} times in 1,000", std::min(999.0, std::round(share * 1000)));
  return fmt::format("{:.0f} times in 100", share * 100);
}

// "always no" -> "always answering no"; "the mean, 12" -> "always answering the mean, 12".
std::string baseline_words(const Json& result) {
  std::string words = text_at(result, "baseline_learner");
  if (words.starts_with("always ")) words = words.substr(7);
  if (words.empty()) return "the simplest guess";
  // "always answering the mean, 12, misses by": what follows must not read as part of the number.
  return "always answering " + words + (words.find(',') != std::string::npos ? "," : "");
}

Verdict share_of_right(const Parts& p) {
  Verdict v;
  const double share = *p.model.value;
  const std::string part =
      share == 1 ? fmt::format("all of the {} rows", count(p.rows)) : percent(share) + " of the rows";
  v.sentence = fmt::format("The model is right on {} it has never seen", part);
  if (p.baseline)
    v.baseline = fmt::format("{} is right on {}", baseline_words(p.result), percent(*p.baseline));
  return v;
}

Verdict ranking(const Parts& p) {
  const std::string positive = text_at(p.result, "positive", "positive");
  std::string other = "other";
  for (const Json& name : field(p.result, "classes"))
    if (name.is_string() && name != positive) other = name.get<std::string>();
  Verdict v;
  v.sentence = fmt::format("Of two unseen rows, one “{}” and one “{}”, the model ranks the “{}” higher {}",
                           positive, other, positive, times(*p.model.value));
  if (p.baseline) v.baseline = fmt::format("guessing does so {}", times(*p.baseline));
  return v;
}

Verdict distance(const Parts& p, std::string_view how) {
  Verdict v;
  v.sentence = fmt::format("On rows it has never seen, the model misses {} by {}{}",
                           text_at(p.result, "target"), number(p.model.value), how);
  if (p.baseline) v.baseline = fmt::format("{} misses by {}", baseline_words(p.result), number(p.baseline));
  return v;
}

Verdict explained(const Parts& p) {
  Verdict v;
  v.sentence = fmt::format("The model explains {} of the variance of {} on rows it has never seen",
                           percent(*p.model.value), text_at(p.result, "target"));
  if (p.baseline && std::abs(*p.baseline) < 0.0005)
    v.baseline = baseline_words(p.result) + " explains nothing";
  if (p.baseline && v.baseline.empty())
    v.baseline = fmt::format("{} explains {}", baseline_words(p.result), percent(*p.baseline));
  return v;
}

Verdict plain(const Parts& p) {
  Verdict v;
  v.sentence = fmt::format("The model reaches {} {} on rows it has never seen", metric_label(p.metric),
                           value_of(p.model));
  if (p.baseline) v.baseline = fmt::format("{} reaches {}", baseline_words(p.result), number(p.baseline));
  return v;
}

Verdict sentence_of(const Parts& p) {
  if (p.metric == "accuracy") return share_of_right(p);
  if (p.metric == "roc_auc" && text_at(p.result, "task") == "binary") return ranking(p);
  if (p.metric == "rmse") return distance(p, " (root mean square)");
  if (p.metric == "mae") return distance(p, " on average");
  if (p.metric == "median_ae") return distance(p, " or less, half of the time");
  if (p.metric == "r2") return explained(p);
  // Losses and scores mean little by themselves: the share of right decisions is said first where it was
  // measured.
  if (text_at(p.result, "task") != "regression") {
    const Parts share = parts_of(p.result, "accuracy");
    if (share.model.value) return share_of_right(share);
  }
  return plain(p);
}

}  // namespace

bool higher_is_better(const Json& result, const std::string& metric) {
  const Json& direction = field(field(field(result, "metric_info"), metric), "higher_is_better");
  return !direction.is_boolean() || direction.get<bool>();
}

Verdict verdict_of(const Json& result) {
  const std::string metric = text_at(result, "metric");
  const Parts p = parts_of(result, metric);
  if (!p.model.value)
    return {fmt::format("{} cannot be measured on the rows that were held out",
                        capitalised(metric_label(metric))),
            {},
            {},
            {}};
  Verdict v = sentence_of(p);
  v.figure = fmt::format("{} {}", capitalised(metric_label(metric)), value_of(p.model));
  if (p.model.bounded()) v.figure += fmt::format(", 95 % interval {}", interval_of(p.model));
  v.figure += fmt::format(", on {} held-out rows", count(p.rows));
  if (p.baseline && p.model.bounded()) {
    const bool better =
        higher_is_better(result, metric) ? *p.model.low > *p.baseline : *p.model.high < *p.baseline;
    if (!better)
      v.doubt = fmt::format("This is no proof of skill: the interval of {} reaches the baseline’s {}.",
                            metric_label(metric), number(p.baseline));
  }
  return v;
}

}  // namespace cairn::report
