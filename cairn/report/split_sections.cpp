// How far the figures depend on how the rows were split.
#include <fmt/format.h>

#include <optional>

#include "cairn/report/format_internal.h"
#include "cairn/report/sections_internal.h"
#include "cairn/report/words_internal.h"

namespace cairn::report {
namespace {

std::string p_words(double p) {
  return p < 1e-4 ? "p < 0.0001" : fmt::format("p = {}", number(p, p < 0.1 ? 4 : 2));
}

const char* way_words(const std::string& split) {
  return split == "copies apart"      ? "with copies on both sides"
         : split == "copies together" ? "with copies on one side"
         : split == "at random"       ? "with rows dealt out at random"
         : split == "in time"         ? "on rows later than those learned from"
                                      : "with whole groups on one side";
}

std::string estimate_words(const Json& estimate) {
  return fmt::format("{} {} ({}{})", number(number_at(estimate, "metric")),
                     way_words(text_at(estimate, "split")), text_at(estimate, "kind"),
                     flag_at(estimate, "shown") ? ", this run" : "");
}

std::optional<std::string> shift_words(const Json& split) {
  const Json& shift = field(split, "shift");
  const auto auc = number_at(shift, "roc_auc"), p = number_at(shift, "p");
  if (!auc || !p) return std::nullopt;
  constexpr double kSure = 0.01;
  std::string columns;
  for (const Json& c : field(shift, "columns"))
    if (columns.size() < 60)
      columns += fmt::format("{}'{}' ({})", columns.empty() ? "" : ", ", text_at(c, "column"),
                             percent(number_at(c, "share").value_or(0), 0));
  return *p < kSure ? fmt::format("A forest tells test rows from training rows: ROC AUC {}, {}; by {}.",
                                  number(auc), p_words(*p), columns)
                    : fmt::format("A forest cannot tell test rows from training rows: ROC AUC {}, {}.",
                                  number(auc), p_words(*p));
}

}  // namespace

std::vector<std::string> split_words(const Json& result) {
  const Json& split = field(result, "split");
  std::vector<std::string> words;
  const Json& estimates = field(split, "estimates");
  const std::string label = metric_label(text_at(result, "metric"));
  if (estimates.is_array())
    for (std::size_t i = 0; i + 1 < estimates.size(); i += 2)
      words.push_back(fmt::format("{} in cross-validation is {} and {}.", label, estimate_words(estimates[i]),
                                  estimate_words(estimates[i + 1])));
  if (auto shift = shift_words(split)) words.push_back(*std::move(shift));
  return words;
}

void add_split(Page& page, const Json& result) {
  const Json& split = field(result, "split");
  if (!has(split, "estimates") && !has(split, "shift")) return;
  page.open_section("split", "How far the split decides",
                    fmt::format("This run was split {}.", text_at(split, "how")));
  const std::string label = metric_label(text_at(result, "metric"));
  if (has(split, "estimates")) {
    std::vector<Row> rows;
    for (const Json& e : field(split, "estimates")) {
      const Figure f = figure_of(e, "metric");
      const bool shown = flag_at(e, "shown");
      rows.push_back({{fmt::format("{}<span class=\"soft\">{}{}</span>",
                                   escaped(capitalised(way_words(text_at(e, "split")))),
                                   escaped(text_at(e, "kind")), shown ? ", this run" : ""),
                       escaped(value_of(f)), escaped(f.bounded() ? interval_of(f) : "")},
                      shown ? "strong" : ""});
    }
    page.add(table({{"Split"}, {label, true}, {"95 % interval", true}}, rows,
                   "Cross-validation under other splits"));
  }
  if (const auto shift = shift_words(split)) page.paragraph(*shift);
  page.close_section();
}

}  // namespace cairn::report
