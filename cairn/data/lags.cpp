#include "cairn/data/lags.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <numeric>
#include <span>

#include "cairn/base/suggest.h"
#include "cairn/data/lags_internal.h"
#include "cairn/data/times.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using lags_detail::History;
using lags_detail::Order;
using lags_detail::Series;
using transform_detail::find_all;
using transform_detail::shortened;

constexpr auto kValues = {ColumnKind::number, ColumnKind::integer, ColumnKind::boolean};
constexpr auto kTimes = {ColumnKind::number, ColumnKind::integer, ColumnKind::date, ColumnKind::text,
                         ColumnKind::category};
constexpr std::int64_t kFarthest = 100'000;
constexpr std::size_t kMostMade = 10'000;

// "1-12", "1,2,24", "" to whole numbers, ascending. ParamError.
std::vector<std::int64_t> whole_numbers(const char* param, const std::string& text) {
  std::vector<std::int64_t> numbers;
  const auto refuse = [&] {
    throw ParamError(fmt::format("lags.{}", param),
                     fmt::format("'{}' is no list of whole numbers from 1 to {}", text, kFarthest),
                     "Such as 1-12 or 1,2,24.");
  };
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&] {
    std::int64_t n = 0;
    while (at < end && *at == ' ') ++at;
    const auto [next, error] = std::from_chars(at, end, n);
    if (error != std::errc{} || n < 1 || n > kFarthest) refuse();
    at = next;
    while (at < end && *at == ' ') ++at;
    return n;
  };
  while (at < end) {
    const std::int64_t first = number();
    std::int64_t last = first;
    if (at < end && *at == '-') {
      ++at;
      last = number();
    }
    if (last < first) refuse();
    for (std::int64_t n = first; n <= last; ++n) numbers.push_back(n);
    if (at == end) break;
    const bool comma = *at == ',';
    ++at;
    if (!comma || at == end) refuse();
  }
  std::ranges::sort(numbers);
  numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
  return numbers;
}

std::string listed(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ",", numbers[i]);
    if (last > i) text += fmt::format("{}{}", last == i + 1 ? "," : "-", numbers[last]);
    i = last + 1;
  }
  return text;
}

class FittedLags : public FittedTransform {
 public:
  std::string_view kind() const override { return Lags::kName; }
  void visit(Visitor& v) override;
  Table apply(const Table& features) const override;
  std::vector<Warning> remarks(const Table& features) const override;
  std::vector<MadeColumn> made_columns() const override;
  std::string describe() const override;

  std::vector<std::string> columns;
  std::vector<std::int64_t> lags, means;
  Order order;
  std::vector<std::string> gone;  // looked back on, and no feature: apply() takes them out
  std::vector<History> histories;

  std::int64_t farthest() const {
    return std::max(lags.empty() ? 0 : lags.back(), means.empty() ? 0 : means.back());
  }
  void learn(const Table& table);

 private:
  std::vector<std::size_t> find_columns(const Table& table) const;
  std::vector<std::int64_t> places_asked() const;  // how many rows back a lag or mean looks, ascending
  template <class Use>
  void for_each_made(Use&& use) const;  // use(column, name, lag or 0, mean or 0)
};

template <class Use>
void FittedLags::for_each_made(Use&& use) const {
  for (std::size_t c = 0; c < columns.size(); ++c) {
    for (const std::int64_t k : lags) use(c, fmt::format("{} lag {}", columns[c], k), k, std::int64_t{0});
    for (const std::int64_t w : means) use(c, fmt::format("{} mean {}", columns[c], w), std::int64_t{0}, w);
  }
}

void FittedLags::visit(Visitor& v) {
  v.value("columns", columns);
  v.value("lags", lags);
  v.value("means", means);
  v.value("time", order.time);
  v.value("group", order.group);
  v.value("longest_step", order.longest_step);
  v.value("gone", gone);
  v.children("histories", histories);
  if (!v.loading()) return;
  const auto ascend = [](const std::vector<std::int64_t>& list) {
    return std::ranges::is_sorted(list, std::less_equal<>()) &&
           (list.empty() || (list.front() >= 1 && list.back() <= kFarthest));
  };
  bool fine = ascend(lags) && ascend(means) && !order.time.empty() &&
              columns.size() * (lags.size() + means.size()) <= kMostMade && order.longest_step >= 0;
  for (const History& h : histories) fine = fine && h.values.size() == columns.size() * h.times.size();
  if (!fine) throw ModelFileError(Lags::kName, "its lists of lags, or the past that it keeps, cannot be");
}

std::vector<std::size_t> FittedLags::find_columns(const Table& table) const {
  find_all(table, std::vector{order.time}, kTimes, kind());
  if (!order.group.empty() && !table.find(order.group))
    throw DataError(std::string(kind()),
                    fmt::format("column '{}', which tells the series apart, is missing", order.group));
  return find_all(table, columns, kValues, kind());
}

Table FittedLags::apply(const Table& features) const {
  const auto at = find_columns(features);
  const DType dtype = transform_detail::feature_dtype(features);
  const std::vector<Series> series = lags_detail::series_of(features, order, histories);
  std::vector<Tensor> cells;
  for (const std::size_t i : at) cells.push_back(features.columns()[i].numbers());
  std::vector<Column> at_end;
  for_each_made([&](std::size_t c, const std::string& name, std::int64_t lag, std::int64_t window) {
    const auto own = cells[c].data<double>();
    std::vector<double> made(static_cast<std::size_t>(features.num_rows()));
    for (const Series& s : series)
      for (std::size_t i = 0; i < s.rows.size(); ++i) {
        double& to = made[static_cast<std::size_t>(s.rows[i])];
        if (lag > 0) {
          to = lags_detail::earlier(s, i, static_cast<std::size_t>(lag), c, own);
          continue;
        }
        if (static_cast<std::size_t>(window) > s.reach[i]) {  // one of them is not known
          to = std::nan("");
          continue;
        }
        double sum = 0;  // the farthest first: the same order for any table
        for (std::int64_t k = window; k >= 1; --k)
          sum += lags_detail::earlier(s, i, static_cast<std::size_t>(k), c, own);
        to = sum / static_cast<double>(window);
      }
    at_end.push_back(Column::number(name, Tensor::take(std::move(made)).to(dtype)));
  });
  Table made = transform_detail::replace(features, {}, {}, std::move(at_end), kind());
  return gone.empty() ? made : made.without(gone);
}

std::vector<std::int64_t> FittedLags::places_asked() const {
  const std::int64_t longest = means.empty() ? 0 : means.back();
  std::vector<std::int64_t> places(static_cast<std::size_t>(longest));
  std::iota(places.begin(), places.end(), 1);
  std::ranges::copy_if(lags, std::back_inserter(places), [&](std::int64_t lag) { return lag > longest; });
  return places;
}

std::vector<Warning> FittedLags::remarks(const Table& features) const {
  const auto at = find_columns(features);
  std::int64_t lacking = 0, first = -1;
  std::string what;
  const auto note = [&](std::int64_t row, const std::string& name, std::size_t back) {
    ++lacking;
    if (first >= 0 && row >= first) return;
    first = row;
    what = fmt::format("'{}' of {} row{} before it", name, back, back == 1 ? "" : "s");
  };
  const std::vector<std::int64_t> asked = places_asked();
  std::vector<Tensor> cells;
  for (const std::size_t i : at) cells.push_back(features.columns()[i].numbers());
  for (const Series& s : lags_detail::series_of(features, order, histories))
    for (std::size_t i = 0; i < s.rows.size(); ++i) {
      const auto known = std::ranges::upper_bound(asked, static_cast<std::int64_t>(s.reach[i]));
      const std::span places(asked.begin(), known);
      bool noted = false;
      for (std::size_t c = 0; c < columns.size() && !noted; ++c) {
        const auto own = cells[c].data<double>();
        auto absent = static_cast<std::size_t>(asked.end() - known);
        for (const std::int64_t back : places)
          absent += std::isnan(lags_detail::earlier(s, i, static_cast<std::size_t>(back), c, own));
        if (absent > 0) note(s.rows[i], columns[c], absent);
        noted = absent > 0;
      }
    }
  if (lacking == 0) return {};
  return {
      {"past_missing", columns.front(),
       fmt::format("Of {} of {} rows a part of the past is not known, first of row {}: {}. Earlier rows are "
                   "taken from the same file or from the end of the training rows; give those between.",
                   lacking, features.num_rows(), first + 1, what)}};
}

std::vector<MadeColumn> FittedLags::made_columns() const {
  std::vector<MadeColumn> made;
  for_each_made([&](std::size_t c, const std::string& name, std::int64_t, std::int64_t) {
    made.push_back({name, {{columns[c]}}});
  });
  return made;
}

std::string FittedLags::describe() const {
  std::string text = fmt::format("lags along {}", order.time);
  if (!order.group.empty()) text += fmt::format(", each {} for itself", order.group);
  if (!lags.empty()) text += fmt::format(": lags {}", listed(lags));
  if (!means.empty()) text += fmt::format("{} means of the last {}", lags.empty() ? ":" : ",", listed(means));
  return text + fmt::format(" of {} ({})", transform_detail::columns_in_words(columns.size()),
                            shortened(columns.size(), [&](std::size_t i) { return columns[i]; }));
}

// Keeps the end of every series.
void FittedLags::learn(const Table& table) {
  const auto at = find_columns(table);
  const std::vector<Series> series = lags_detail::series_of(table, order, {});
  const Column time = times_of(table.column(order.time));
  order.longest_step = lags_detail::longest_step(series, time);
  std::vector<Tensor> cells;
  for (const std::size_t i : at) cells.push_back(table.columns()[i].numbers());
  for (const Series& s : series) {
    History h;
    if (!order.group.empty()) h.group = table.column(order.group).cell(s.rows.front());
    const std::size_t begin = s.rows.size() - std::min(s.rows.size(), static_cast<std::size_t>(farthest()));
    for (std::size_t i = begin; i < s.rows.size(); ++i) h.times.push_back(time.number_at(s.rows[i]));
    for (const Tensor& c : cells)
      for (std::size_t i = begin; i < s.rows.size(); ++i)
        h.values.push_back(c.data<double>()[static_cast<std::size_t>(s.rows[i])]);
    histories.push_back(std::move(h));
  }
}

// The rows whose past reaches back as far as any lag or mean.
std::vector<std::int64_t> with_whole_past(const FittedLags& fitted, const Table& table) {
  std::vector<std::int64_t> rows;
  const auto far = static_cast<std::size_t>(fitted.farthest());
  for (const Series& s : lags_detail::series_of(table, fitted.order, {}))
    for (std::size_t i = 0; i < s.rows.size(); ++i)
      if (s.reach[i] >= far) rows.push_back(s.rows[i]);
  std::ranges::sort(rows);
  if (rows.empty() && table.num_rows() > 0)
    throw DataError("lags",
                    fmt::format("none of {} training rows has {} rows before it", table.num_rows(), far),
                    "Use shorter lags, fewer --folds, or \"keep_incomplete\": true.");
  return rows;
}

const std::string& time_of(const Dataset& data) {
  if (data.roles().time.empty())
    throw UsageError("lags", "nothing says in which order the rows follow one another",
                     "Name the column of time: --time COL.");
  return data.roles().time;
}

}  // namespace

const ParamList& LagsParams::list() {
  using P = LagsParams;
  static const ParamList l{
      param<&P::lags>("lags", "how many rows earlier, such as 1-12 or 1,2,24; empty: none"),
      param<&P::means>("means", "means of the last so many rows, such as 3,12; empty: none", {},
                       {"rolling", "windows"}),
      param<&P::group>("group", "a column whose equal values are one series; default: the --group column"),
      param<&P::keep_incomplete>("keep_incomplete",
                                 "learn also from rows whose past does not reach back far enough"),
      param<&P::columns>("columns", "one column to look back on; may be repeated; default: the target", {},
                         {"target"}),
  };
  return l;
}

std::vector<std::string> Lags::looks_back_on(const Dataset& data) const {
  std::vector<std::string> names{time_of(data)};
  const std::string& group = params_.group.empty() ? data.roles().group : params_.group;
  if (!group.empty() && data.table().find(group)) names.push_back(group);
  std::vector<std::string> columns = params_.columns;
  if (columns.empty() && !data.roles().target.empty()) columns.push_back(data.roles().target);
  const Table features = data.features();
  for (const std::string& name : columns)
    if (data.table().find(name)) names.push_back(name);
  std::erase_if(names, [&](const std::string& name) { return features.find(name) != nullptr; });
  return names;
}

std::int64_t Lags::nearest() const {
  const auto lags = whole_numbers("lags", params_.lags);
  return lags.empty() || !whole_numbers("means", params_.means).empty() ? 1 : lags.front();
}

std::unique_ptr<FittedTransform> Lags::fit(const Dataset& data, const TransformContext& context) const {
  Table table = data.features();
  for (const std::string& name : looks_back_on(data))
    if (!table.find(name)) table = table.with(data.table().column(name));
  return fit_on(data, table, context);
}

std::unique_ptr<FittedTransform> Lags::fit_on(const Dataset& data, const Table& table,
                                              const TransformContext& context) const {
  auto fitted = std::make_unique<FittedLags>();
  fitted->order.time = time_of(data);
  fitted->order.group = params_.group.empty() ? data.roles().group : params_.group;
  if (!fitted->order.group.empty() && !table.find(fitted->order.group))
    throw UsageError("lags.group", fmt::format("there is no column '{}'", fitted->order.group),
                     suggestion(fitted->order.group, table.names()));
  fitted->lags = whole_numbers("lags", params_.lags);
  fitted->means = whole_numbers("means", params_.means);
  if (fitted->lags.empty() && fitted->means.empty())
    throw ParamError("lags", "neither lags nor means are asked for", "Such as \"lags\": \"1-12\".");
  if (params_.columns.empty()) {
    if (data.roles().target.empty() || data.task() != Task::regression)
      throw UsageError("lags", "there is no number to look back on: the target is none",
                       "Name columns: \"columns\": [\"COL\"].");
    fitted->columns = {data.roles().target};
  } else {
    fitted->columns = transform_detail::choose(table, params_.columns, kValues, kName);
  }
  if (fitted->columns.size() * (fitted->lags.size() + fitted->means.size()) > kMostMade)
    throw ResourceError(
        kName,
        fmt::format("{} columns with {} lags and means each are more than {}", fitted->columns.size(),
                    fitted->lags.size() + fitted->means.size(), kMostMade),
        "Name fewer.");
  for (const std::string& name : looks_back_on(data))
    if (std::ranges::find(context.kept, name) == context.kept.end()) fitted->gone.push_back(name);
  fitted->learn(table);
  return fitted;
}

FittedRows Lags::fit_rows(const Dataset& data, const Table& table, const TransformContext& context) const {
  auto fitted = fit_on(data, table, context);
  FittedRows result;
  result.table = fitted->apply(table);
  if (!params_.keep_incomplete) {
    std::vector<std::int64_t> rows = with_whole_past(dynamic_cast<const FittedLags&>(*fitted), table);
    if (std::ssize(rows) < table.num_rows()) {
      result.table = result.table.select(rows);
      result.kept = std::move(rows);
    }
  }
  result.fitted = std::move(fitted);
  return result;
}

TransformEntry lags_entry() {
  return transform_entry<Lags>(
      "earlier values and means of the last few, along time",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedLags>(); },
      {.units = true, .gaps = true});
}

}  // namespace cairn
