// How the model uses what it leans on: partial dependence, and the tree itself.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cairn/report/format_internal.h"
#include "cairn/report/sections_internal.h"

namespace cairn::report {
namespace {

constexpr std::array kRoles{"accent", "warm", "third", "fourth"};

bool is_figures(const Json& list) {
  return list.is_array() && !list.empty() &&
         std::all_of(list.begin(), list.end(), [](const Json& v) { return v.is_number() || v.is_null(); });
}

// The same axis for every chart of the section, so that a steep curve looks steeper than a flat one.
struct Range {
  double low = 0, high = 0;
  bool any = false;
  void take(const Json& list) {
    if (!list.is_array()) return;
    for (const Json& v : list) {
      if (!v.is_number()) continue;
      low = any ? std::min(low, v.get<double>()) : v.get<double>();
      high = any ? std::max(high, v.get<double>()) : v.get<double>();
      any = true;
    }
  }
};

Range range_of(const Json& dependence) {
  Range range;
  for (const Json& told : dependence)
    for (const Json& curve : field(told, "curves"))
      for (const char* key : {"mean", "low", "high"})
        if (key[0] == 'm' || field(told, "curves").size() == 1) range.take(field(curve, key));
  const double room = 0.04 * (range.high - range.low);
  range.low -= room;
  range.high += room;
  return range;
}

std::string curve_name(const Json& curve, const std::string& target) {
  const std::string output = text_at(curve, "output");
  return output.empty() ? "predicted " + target : "probability of " + output;
}

// Where several classes share a chart its axis says that they are probabilities.
std::string series_name(const Json& curve, const Json& curves, const std::string& target) {
  return curves.size() == 1 ? curve_name(curve, target) : text_at(curve, "output");
}

std::string dependence_table(const Json& told, const std::string& feature, const std::string& target) {
  const bool is_number = has(told, "numbers");
  const Json &values = field(told, is_number ? "numbers" : "levels"), &curves = field(told, "curves");
  std::vector<Column> columns{{feature, is_number}};
  if (!is_number) columns.push_back({"Share of rows", true});
  for (const Json& curve : curves) columns.push_back({capitalised(curve_name(curve, target)), true});
  if (curves.size() == 1) columns.push_back({"How the rows differ", true, true});
  std::vector<Row> rows;
  for (std::size_t v = 0; v < values.size(); ++v) {
    Row row{{is_number ? number(values[v].is_number() ? std::optional(values[v].get<double>()) : std::nullopt)
                       : escaped(values[v].is_string() ? values[v].get<std::string>() : "")}};
    const auto figure = [&](const Json& list) {
      return v < list.size() && list[v].is_number() ? std::optional(list[v].get<double>()) : std::nullopt;
    };
    if (!is_number) {
      const auto share = figure(field(told, "share"));
      row.cells.push_back(share ? percent(*share, 0) : kUnknown);
    }
    for (const Json& curve : curves) row.cells.push_back(number(figure(field(curve, "mean"))));
    if (curves.size() == 1)
      row.cells.push_back(interval_of({figure(field(curves[0], "mean")), figure(field(curves[0], "low")),
                                       figure(field(curves[0], "high"))}));
    rows.push_back(std::move(row));
  }
  return table(columns, rows, "Partial dependence on " + feature);
}

Json number_chart(const Json& told, const std::string& feature, const std::string& target,
                  const Range& range) {
  const Json &x = field(told, "numbers"), &curves = field(told, "curves");
  Json series = Json::array();
  for (std::size_t i = 0; i < std::min(curves.size(), kRoles.size()); ++i)
    series.push_back({{"label", series_name(curves[i], curves, target)},
                      {"style", x.size() > 12 ? "line" : "marked"},
                      {"role", kRoles[i]},
                      {"points", points_of(x, field(curves[i], "mean"))}});
  Json rug = Json::array();
  for (const Json& v : field(told, "rug"))
    if (v.is_number()) rug.push_back({v, range.low});
  series.push_back({{"label", "where the rows lie"}, {"style", "rug"}, {"role", "soft"}, {"points", rug}});
  if (curves.size() == 1)
    series.push_back({{"label", "how the rows differ"},
                      {"style", "band"},
                      {"role", "accent"},
                      {"points", points_of(x, field(curves[0], "low"), field(curves[0], "high"))}});
  return {{"kind", "xy"},
          {"x", {{"title", feature}}},
          {"y",
           {{"title", curves.size() == 1 ? curve_name(curves[0], target) : "probability"},
            {"min", range.low},
            {"max", range.high},
            {"inner", true}}},
          {"series", series}};
}

Json level_chart(const Json& told, const std::string& target, const Range& range) {
  const Json &levels = field(told, "levels"), &curves = field(told, "curves"), &share = field(told, "share");
  Json labels = Json::array();
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::string name = levels[i].is_string() ? levels[i].get<std::string>() : "";
    labels.push_back(i < share.size() && share[i].is_number()
                         ? fmt::format("{} ({})", name, percent(share[i].get<double>(), 0))
                         : name);
  }
  Json series = Json::array();
  for (std::size_t i = 0; i < std::min(curves.size(), kRoles.size()); ++i)
    series.push_back({{"label", series_name(curves[i], curves, target)},
                      {"role", kRoles[i]},
                      {"values", field(curves[i], "mean")}});
  if (curves.size() == 1) {
    Json ranges = Json::array();
    const Json &low = field(curves[0], "low"), &high = field(curves[0], "high");
    for (std::size_t i = 0; i < levels.size() && i < low.size() && i < high.size(); ++i)
      ranges.push_back({low[i], high[i]});
    series.push_back({{"label", "how the rows differ"},
                      {"quiet", true},
                      {"style", "range"},
                      {"role", "pale"},
                      {"values", ranges}});
  }
  return {{"kind", "rows"},
          {"labels", labels},
          {"x",
           {{"title", curves.size() == 1 ? curve_name(curves[0], target) : "probability"},
            {"min", range.low},
            {"max", range.high},
            {"inner", true}}},
          {"series", series}};
}

bool can_be_told(const Json& told) {
  const Json &numbers = field(told, "numbers"), &levels = field(told, "levels"),
             &curves = field(told, "curves");
  if (!curves.is_array() || curves.empty()) return false;
  for (const Json& curve : curves)
    if (!is_figures(field(curve, "mean"))) return false;
  return is_figures(numbers) || (levels.is_array() && !levels.empty());
}

// One tree as nested lists: what a question leads to stands below it.
class TreeList {
 public:
  TreeList(const Json& trees, const Json& classes)
      : nodes_(field(trees, "nodes")), classes_(classes), kind_(text_at(trees, "leaf")) {}

  std::string html() const { return "<ul class=\"tree\">" + node(0, "", 0) + "</ul>\n"; }

 private:
  static constexpr int kDeepest = 12;

  std::string node(std::size_t i, const char* edge, int depth) const {
    if (i >= nodes_.size() || depth > kDeepest) return "";
    const Json& n = nodes_[i];
    std::string out = fmt::format("<li{}>", *edge ? fmt::format(" class=\"{}\"", edge) : "");
    if (*edge) out += fmt::format("<b>{}</b> ", edge);
    const std::string cover = fmt::format("<span class=\"soft\">{}</span>", rows_of(n));
    if (has(n, "question")) {
      out += fmt::format("<span class=\"name\">{}?</span> {}<ul>", escaped(text_at(n, "question")), cover);
      for (const char* way : {"yes", "no"})
        if (const auto to = number_at(n, way); to && *to > static_cast<double>(i))  // children come later
          out += node(static_cast<std::size_t>(*to), way, depth + 1);
      return out + "</ul></li>";
    }
    if (has(n, "leaves_below"))
      return out + fmt::format("… <span class=\"soft\">{} more answers, {}</span></li>",
                               count(static_cast<std::int64_t>(number_at(n, "leaves_below").value_or(0))),
                               rows_of(n));
    const std::string line = text_at(n, "line");
    return out + (line.empty() ? answer(field(n, "answer")) : fmt::format("<em>{}</em>", escaped(line))) +
           " " + cover + "</li>";
  }

  // What scores are fitted to counts rows by their second derivatives: a weight, and no number of rows.
  std::string rows_of(const Json& n) const {
    const double cover = number_at(n, "cover").value_or(0);
    const std::string text = number(cover, cover == std::floor(cover) && kind_ != "score" ? 0 : 1);
    return kind_ == "score" ? "weight " + text : text + (cover == 1 ? " row" : " rows");
  }

  std::string answer(const Json& values) const {
    if (!values.is_array() || values.empty()) return kUnknown;
    if (kind_ != "shares") {
      const auto value = values[0].is_number() ? std::optional(values[0].get<double>()) : std::nullopt;
      return fmt::format("<em>{}</em>", kind_ == "score" && value
                                            ? signed_number(*value, decimals_for(*value))
                                            : number(value));
    }
    std::size_t best = 0;
    std::string bar;
    for (std::size_t c = 0; c < values.size(); ++c) {
      const double share = values[c].is_number() ? values[c].get<double>() : 0;
      if (values[best].is_number() && share > values[best].get<double>()) best = c;
      if (share > 0 && c < kMostParts)
        bar += fmt::format("<i class=\"part-{}\" style=\"flex-grow:{:.4f}\"></i>", c % kHues, share);
    }
    const std::string name = best < classes_.size() && classes_[best].is_string()
                                 ? classes_[best].get<std::string>()
                                 : fmt::format("class {}", best);
    const double share = values[best].is_number() ? values[best].get<double>() : 0;
    return fmt::format("<em class=\"name\">{}</em> {} <span class=\"parts\" aria-hidden=\"true\">{}</span>",
                       escaped(name), percent(share, share == 1 ? 0 : 1), bar);
  }

  static constexpr std::size_t kMostParts = 30, kHues = 5;
  const Json &nodes_, &classes_;
  std::string kind_;
};

}  // namespace

void add_partial_dependence(Page& page, const Json& result) {
  const Json& dependence = field(result, "partial_dependence");
  if (!dependence.is_array() || !std::any_of(dependence.begin(), dependence.end(), can_be_told)) return;
  const std::string target = text_at(result, "target");
  page.open_section(
      "dependence", "What each column does",
      fmt::format(
          "The mean prediction for {}{} rows when one column is set to each of its values and "
          "the rest stays as it is.{} Where columns go together, such rows may not exist.",
          count(static_cast<std::int64_t>(number_at(dependence[0], "rows").value_or(0))),
          !has(result, "metrics")                                    ? ""
          : number_at(field(result, "rows"), "test").value_or(1) > 0 ? " held-out"
                                                                     : " training",
          field(dependence[0], "curves").size() == 1
              ? " The band holds the middle 80 % of the rows, each moved to the same mean: where it is "
                "wide, the column does different things to different rows."
              : ""));
  const Range range = range_of(dependence);
  page.add("<div class=\"pair\">\n");
  for (const Json& told : dependence) {
    if (!can_be_told(told)) continue;
    const std::string feature = text_at(told, "feature");
    const bool is_number = has(told, "numbers");
    const std::size_t lines = field(told, "levels").size();
    page.chart(is_number ? number_chart(told, feature, target, range) : level_chart(told, target, range),
               feature, "Partial dependence on " + feature + ": the mean prediction for each of its values.",
               is_number ? 300 : 110 + 31 * static_cast<int>(lines), dependence_table(told, feature, target));
  }
  page.add("</div>\n");
  page.close_section();
}

void add_trees(Page& page, const Json& result) {
  const Json& trees = field(result, "trees");
  if (!field(trees, "nodes").is_array() || field(trees, "nodes").empty()) return;
  const double all = number_at(trees, "count").value_or(1);
  const bool cut =
      std::ranges::any_of(field(trees, "nodes"), [](const Json& n) { return has(n, "leaves_below"); });
  const std::string leaves = count(static_cast<std::int64_t>(number_at(trees, "leaves").value_or(0)));
  std::string about =
      all > 1 ? fmt::format(
                    "The first of {} trees, which answer together; its {} answers alone "
                    "decide little.",
                    count(static_cast<std::int64_t>(all)), leaves)
              : fmt::format("{}, with the number of training rows. The whole tree has {} answers.",
                            cut ? "The uppermost questions" : "All questions from the top", leaves);
  if (text_at(trees, "leaf") == "score") about += " Each answer is added to a score.";
  if (has(trees, "answer_of"))
    about += fmt::format(" Answers are of {}; predictions are turned back.", text_at(trees, "answer_of"));
  if (has(trees, "output")) about += fmt::format(" This tree speaks of “{}”.", text_at(trees, "output"));
  page.open_section("tree", all > 1 ? "One of its trees" : "The tree", about);
  page.add(TreeList(trees, field(result, "classes")).html());
  page.close_section();
}

void add_stability(Page& page, const Json& result) {
  const Json& stability = field(result, "stability");
  if (!has(stability, "columns")) return;
  const auto pairs = static_cast<std::int64_t>(number_at(stability, "pairs").value_or(0)),
             compared = static_cast<std::int64_t>(
                 number_at(stability, "pairs_compared").value_or(static_cast<double>(pairs)));
  const std::string apart = compared < pairs ? fmt::format(
                                                   " Only {} of the {} pairs of fits can be compared: the "
                                                   "others hold a fit that finds all columns alike.",
                                                   compared, pairs)
                                             : "";
  page.open_section(
      "stability", "What other seeds say",
      fmt::format("The learner was fitted {} times more, each time with its own seed and on rows drawn "
                  "anew, and importance measured on the others. The orders of the columns agree to {} "
                  "(rank correlation; 1 is the same order).{}",
                  static_cast<std::int64_t>(number_at(stability, "fits").value_or(0)),
                  number(number_at(stability, "rank_correlation")), apart));
  std::vector<Row> rows;
  for (const Json& c : field(stability, "columns")) {
    if (rows.size() == kShownRows) break;
    rows.push_back(
        {{escaped(text_at(c, "feature")), number(number_at(c, "mean")), number(number_at(c, "deviation")),
          fmt::format("{} to {}", number(number_at(c, "best_rank").value_or(0), 0),
                      number(number_at(c, "worst_rank").value_or(0), 0))}});
  }
  page.add(table({{"Column"}, {"Mean importance", true}, {"Standard deviation", true}, {"Place", true}}, rows,
                 "Importance by other seeds"));
  page.close_section();
}

void add_interactions(Page& page, const Json& result) {
  const Json& told = field(result, "interactions");
  if (!has(told, "pairs")) return;
  page.open_section(
      "interactions", "What matters together",
      fmt::format("What two columns add to {} beyond what each adds alone: the mean size over {} rows "
                  "(SHAP interaction values).",
                  text_at(told, "score_of"),
                  count(static_cast<std::int64_t>(number_at(told, "rows").value_or(0)))));
  std::vector<Row> rows;
  for (const Json& pair : field(told, "pairs")) {
    if (rows.size() == kShownRows) break;
    const Json& columns = field(pair, "columns");
    if (!columns.is_array() || columns.size() != 2 || !columns[0].is_string() || !columns[1].is_string())
      continue;
    rows.push_back({{escaped(columns[0].get<std::string>()), escaped(columns[1].get<std::string>()),
                     number(number_at(pair, "value"))}});
  }
  page.add(table({{"Column"}, {"and"}, {"Mean size", true}}, rows, "Pairs of columns"));
  page.close_section();
}

}  // namespace cairn::report
