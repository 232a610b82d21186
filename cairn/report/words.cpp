#include "cairn/report/words_internal.h"

#include <fmt/format.h>

#include "cairn/report/format_internal.h"

namespace cairn::report {

namespace {
std::string with_point(std::string text) {
  if (!text.empty() && text.back() != '.' && text.back() != '!' && text.back() != '?') text += '.';
  return text;
}
}  // namespace

std::string as_sentence(std::string text) { return with_point(capitalised(std::move(text))); }

Gain gain_of(const Json& advice) {
  const Json& expected = field(advice, "expected");
  const Figure f = figure_of(expected, "change");
  if (!f.value) return {};
  const int decimals = decimals_for(f);
  Gain gain{
      fmt::format("{} {}", signed_number(*f.value, decimals), metric_label(text_at(expected, "metric"))), "",
      false};
  if (f.bounded()) {
    gain.interval =
        fmt::format("{} %: {} to {}", number(number_at(expected, "confidence").value_or(0.8) * 100, 0),
                    signed_number(*f.low, decimals), signed_number(*f.high, decimals));
    gain.proven = *f.low > 0 || *f.high < 0;
  }
  return gain;
}

std::string evidence_and_cost(const Json& advice) {
  std::string text = as_sentence(text_at(advice, "evidence"));
  if (has(advice, "cost"))
    text += fmt::format("{}Cost: {}", text.empty() ? "" : " ", with_point(text_at(advice, "cost")));
  return text;
}

std::string not_worth_words(const Json& advice) {
  const Gain gain = gain_of(advice);
  std::string rest = evidence_and_cost(advice);
  if (gain.change.empty()) return rest;
  return fmt::format("{}{}. {}", gain.change, gain.interval.empty() ? "" : " (" + gain.interval + ")", rest);
}

std::string unexamined_words(const Json& entry) {
  std::string text = as_sentence(text_at(entry, "why"));
  if (has(entry, "how")) text += " " + as_sentence(text_at(entry, "how"));
  return text;
}

bool is_proven(const Json& gap) {
  if (field(gap, "proven").is_boolean()) return flag_at(gap, "proven");
  const Figure f = figure_of(gap);
  return f.bounded() && (*f.low > 0 || *f.high < 0);
}

std::string gap_words(const Json& gap) {
  const Figure f = figure_of(gap);
  if (!f.value) return "";
  const int decimals = decimals_for(f);
  std::string words = fmt::format("{} {}", text_at(gap, "name"), signed_number(*f.value, decimals));
  if (f.bounded())
    words += fmt::format(" ({} to {})", signed_number(*f.low, decimals), signed_number(*f.high, decimals));
  return words + (is_proven(gap) ? "" : ", unproven");
}

std::string blend_members(const Json& blend) {
  const Json& members = field(blend, "members");
  if (!members.is_array()) return "";
  std::string names;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::string settings = text_at(members[i], "settings");
    if (i > 0) names += i + 1 == members.size() ? " and " : ", ";
    names += learner_label(text_at(members[i], "learner"));
    if (!settings.empty()) names += " with " + settings;
    names += fmt::format(" ({})", percent(number_at(members[i], "weight").value_or(0), 0));
  }
  return names;
}

std::string blend_words(const Json& blend) {
  const Figure gain = figure_of(field(blend, "gain"));
  std::string text = flag_at(blend, "shipped")
                         ? fmt::format("What is shipped is a blend of {}", blend_members(blend))
                         : fmt::format("A blend of {} was tried and not shipped", blend_members(blend));
  text += fmt::format(": {}.", text_at(blend, "why"));
  if (gain.bounded() && field(blend, "members").size() > 1)
    text += fmt::format(" Its {} there is {} against {} of the best single learner: a gain of {} ({}).",
                        metric_label(text_at(blend, "loss")), number(number_at(blend, "blended")),
                        number(number_at(blend, "single")), value_of(gain), interval_of(gain));
  return text;
}

}  // namespace cairn::report
