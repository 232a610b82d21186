#include "cairn/data/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "cairn/base/parallel.h"
#include "cairn/data/describe_internal.h"
#include "cairn/data/summary.h"

namespace cairn {
namespace describe_detail {

Json object_of(std::size_t fields) {
  Json json = Json::object();
  json.get_ref<Json::object_t&>().reserve(fields);
  return json;
}

bool is_ordered(ColumnKind kind) {
  return kind == ColumnKind::number || kind == ColumnKind::integer || kind == ColumnKind::date;
}

std::vector<double> present_numbers(const Column& c) {
  const Tensor numbers = c.numbers();
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(c.size() - c.num_missing()));
  for (const double v : numbers.data<double>())
    if (!std::isnan(v)) values.push_back(v);
  return values;
}

Json number_json(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

Json value_json(ColumnKind kind, double v) {
  if (kind != ColumnKind::date || !std::isfinite(v)) return number_json(v);
  return Column::date("", Tensor::take(std::vector<std::int64_t>{std::llround(v)})).cell(0);
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 200;
  if (text.size() <= kMost) return std::string(text);
  std::size_t end = kMost;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

Histogram::Histogram(double low, double high, int bins)
    : low_(low),
      high_(high),
      width_((high - low) / bins),
      counts_(static_cast<std::size_t>(width_ > 0 ? bins : 1), 0) {}

void Histogram::add(double value) {
  if (!std::isfinite(width_)) return;
  const double place = width_ > 0 ? (value - low_) / width_ : 0;
  ++counts_[std::min(counts_.size() - 1, static_cast<std::size_t>(place))];
}

Json Histogram::json(ColumnKind kind) const {
  if (!std::isfinite(width_)) return nullptr;
  Json json = object_of(3);
  json["low"] = value_json(kind, low_);
  json["high"] = value_json(kind, high_);
  json["counts"] = counts_;
  return json;
}

void put_levels(std::vector<Level> levels, std::size_t most, Json& json) {
  std::ranges::sort(levels, {}, [](const Level& l) { return std::pair(-l.count, l.place); });
  Json list = Json::array();
  std::int64_t other = 0;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    if (i >= most) {
      other += levels[i].count;
      continue;
    }
    Json& level = list.emplace_back(object_of(2));
    level["level"] = shown(levels[i].name);
    level["count"] = levels[i].count;
  }
  json["levels"] = std::move(list);
  json["other"] = other;
}

void put_few_values(const std::vector<std::pair<double, std::int64_t>>& values, std::size_t most,
                    Json& json) {
  std::vector<std::string> names;
  for (const auto& [value, rows] : values) names.push_back(fmt::format("{}", value));
  std::vector<Level> levels;
  for (std::size_t i = 0; i < names.size(); ++i)
    levels.push_back({names[i], values[i].second, static_cast<std::int64_t>(i)});
  put_levels(std::move(levels), most, json);
}

std::int64_t characters_in(std::string_view text) {
  // Every byte but the continuing ones begins a character.
  return std::ranges::count_if(text, [](char b) { return (b & 0xC0) != 0x80; });
}

void add_examples(const Column& c, std::vector<std::string>& examples) {
  for (std::int64_t r = 0; r < c.size() && examples.size() < kExamples; ++r) {
    if (c.is_missing(r)) continue;
    std::string cell = shown(c.kind() == ColumnKind::text ? c.text_at(r) : c.cell(r));
    if (std::ranges::find(examples, cell) == examples.end()) examples.push_back(std::move(cell));
  }
}

namespace {

constexpr std::array<std::pair<const char*, double>, 5> kQuantiles{
    {{"0.05", 0.05}, {"0.25", 0.25}, {"0.5", 0.5}, {"0.75", 0.75}, {"0.95", 0.95}}};
constexpr std::size_t kMostFields = 16;  // that a column is described by

std::vector<double> sorted_values(const Column& c) {
  std::vector<double> values = present_numbers(c);
  std::ranges::sort(values);
  return values;
}

void describe_ordered(const Column& c, const std::vector<double>& sorted, const DescribeOptions& o,
                      Json& json) {
  std::vector<std::pair<double, std::int64_t>>
      few;  // of an integer column: the first, and how often each stands
  std::int64_t distinct = 0;
  for (std::size_t i = 0; i < sorted.size(); ++distinct) {
    std::size_t end = i;
    while (end < sorted.size() && sorted[end] == sorted[i]) ++end;
    if (c.kind() == ColumnKind::integer && distinct < kFewValues)
      few.emplace_back(sorted[i], static_cast<std::int64_t>(end - i));
    i = end;
  }
  json["distinct"] = distinct;
  if (sorted.empty()) return;
  json["low"] = value_json(c.kind(), sorted.front());
  json["high"] = value_json(c.kind(), sorted.back());
  const Moments m = moments(sorted);
  json["mean"] = value_json(c.kind(), m.mean);
  json["deviation"] = number_json(m.deviation);
  Json quantile_json = object_of(std::size(kQuantiles));
  for (const auto& [name, p] : kQuantiles) {
    const double place = p * static_cast<double>(sorted.size() - 1);
    const auto at = static_cast<std::size_t>(place);
    const double share = place - std::floor(place);
    const double v = share > 0 ? sorted[at] * (1 - share) + sorted[at + 1] * share : sorted[at];
    quantile_json[name] = value_json(c.kind(), v);
  }
  json["quantiles"] = std::move(quantile_json);
  Histogram histogram(sorted.front(), sorted.back(), std::max(1, o.bins));
  for (const double v : sorted) histogram.add(v);
  json["histogram"] = histogram.json(c.kind());
  if (!few.empty() && distinct <= kFewValues) put_few_values(few, static_cast<std::size_t>(o.levels), json);
}

void describe_levels(const Column& c, const DescribeOptions& o, Json& json) {
  std::vector<Level> levels;
  if (c.kind() == ColumnKind::category) {
    for (const std::string& name : c.levels())
      levels.push_back({name, 0, static_cast<std::int64_t>(levels.size())});
    for (const std::int32_t code : c.codes())
      if (code >= 0) ++levels[static_cast<std::size_t>(code)].count;
    std::erase_if(levels, [](const Level& l) { return l.count == 0; });
  } else if (c.kind() == ColumnKind::boolean) {
    levels = {{"false", 0, 0}, {"true", 0, 1}};
    for (std::int64_t r = 0; r < c.size(); ++r)
      if (!c.is_missing(r)) ++levels[c.number_at(r) != 0].count;
    std::erase_if(levels, [](const Level& l) { return l.count == 0; });
  } else {
    std::unordered_map<std::string_view, std::size_t> index;
    for (std::int64_t r = 0; r < c.size(); ++r) {
      if (c.is_missing(r)) continue;
      const auto [at, is_new] = index.try_emplace(c.text_at(r), levels.size());
      if (is_new) levels.push_back({c.text_at(r), 0, static_cast<std::int64_t>(levels.size())});
      ++levels[at->second].count;
    }
  }
  json["distinct"] = levels.size();
  put_levels(std::move(levels), static_cast<std::size_t>(o.levels), json);
}

void describe_text(const Column& c, Json& json) {
  std::int64_t low = -1, high = 0, sum = 0;
  for (std::int64_t r = 0; r < c.size(); ++r) {
    if (c.is_missing(r)) continue;
    const std::int64_t characters = characters_in(c.text_at(r));
    low = low < 0 ? characters : std::min(low, characters);
    high = std::max(high, characters);
    sum += characters;
  }
  if (low >= 0)
    json["characters"] = {
        {"low", low},
        {"mean", static_cast<double>(sum) / static_cast<double>(c.size() - c.num_missing())},
        {"high", high}};
}

// Sizes, and mean and deviation of each channel over at most so many pictures, evenly spread.
void describe_pictures(const Column& c, Json& json) {
  constexpr std::int64_t kEnough = 1000;
  const Tensor& all = c.values();
  const auto channels = static_cast<std::size_t>(all.size(3));
  json["height"] = all.size(1);
  json["width"] = all.size(2);
  json["channels"] = channels;
  std::vector<double> sum(channels, 0), squares(channels, 0);
  std::size_t pixels = 0;
  const std::int64_t looked_at = std::min(c.size(), kEnough);
  for (std::int64_t i = 0; i < looked_at; ++i) {
    const std::string_view bytes = c.picture_bytes(i * c.size() / looked_at);
    for (std::size_t b = 0; b < bytes.size(); ++b) {
      const double v = static_cast<unsigned char>(bytes[b]);
      sum[b % channels] += v;
      squares[b % channels] += v * v;
    }
    pixels += bytes.size() / channels;
  }
  const auto count = static_cast<double>(pixels);
  std::vector<double> means, deviations;
  for (std::size_t k = 0; k < channels && count > 0; ++k) {
    means.push_back(sum[k] / count);
    deviations.push_back(std::sqrt(std::max(0.0, squares[k] / count - means[k] * means[k])));
  }
  json["channel_means"] = means;
  json["channel_deviations"] = deviations;
  json["looked_at"] = looked_at;
}

using Specs = std::unordered_map<std::string_view, const ColumnSpec*>;

// `sorted`: the values of an ordered column.
Json describe_column(const Column& c, const std::vector<double>& sorted, const Specs& specs,
                     const DescribeOptions& o) {
  Json json = object_of(kMostFields);
  json["name"] = c.name();
  json["kind"] = name_of(c.kind());
  if (const auto spec = specs.find(c.name()); spec != specs.end() && !spec->second->reason.empty())
    json["reason"] = spec->second->reason;
  json["missing"] = c.num_missing();
  if (c.kind() == ColumnKind::tensor) {
    const Matrix& m = c.matrix();
    const auto& names = c.feature_names();
    json["examples"] = std::vector<std::string>(
        names.begin(), names.begin() + std::min<std::ptrdiff_t>(std::ssize(names), kExamples));
    json["features"] = m.columns();
    const double cells = static_cast<double>(m.rows()) * static_cast<double>(m.columns());
    json["stated"] = cells > 0 ? static_cast<double>(m.num_stored()) / cells : 0;
    return json;
  }
  if (c.kind() == ColumnKind::image) {
    describe_pictures(c, json);
    return json;
  }
  json["distinct"] = 0;  // its place among the fields; every kind fills it
  std::vector<std::string> examples;
  add_examples(c, examples);
  json["examples"] = examples;
  if (is_ordered(c.kind()))
    describe_ordered(c, sorted, o, json);
  else
    describe_levels(c, o, json);
  if (c.kind() == ColumnKind::text) describe_text(c, json);
  return json;
}

template <class Describe>
Json over_columns(const Table& table, Describe&& describe_one) {
  std::vector<Json> columns(static_cast<std::size_t>(table.num_columns()));
  parallel_for(table.num_columns(), 1, [&](std::int64_t b, std::int64_t e) {
    for (std::int64_t c = b; c < e; ++c) columns[static_cast<std::size_t>(c)] = describe_one(table.column(c));
  });
  Json json{{"rows", table.num_rows()}};
  json["columns"] = std::move(columns);
  return json;
}

// Rows of a feature put into groups: equal parts of an ordered column (equal values stay together), or
// levels.
struct Groups {
  std::vector<std::int32_t> of_row;  // -1: missing, or a level that is not listed
  std::vector<Json> label;           // {"low", "high"} or {"level"}
};

Groups ordered_groups(const Column& c, const std::vector<double>& sorted, int most) {
  std::vector<double> until;  // the largest value of each group
  for (int g = 1; g <= most && !sorted.empty(); ++g) {
    const double edge =
        sorted[(sorted.size() * static_cast<std::size_t>(g) + static_cast<std::size_t>(most) - 1) /
                   static_cast<std::size_t>(most) -
               1];
    if (until.empty() || edge > until.back()) until.push_back(edge);
  }
  Groups groups;
  for (std::size_t g = 0; g < until.size(); ++g) {
    const double low = g == 0 ? sorted.front() : *std::ranges::upper_bound(sorted, until[g - 1]);
    groups.label.push_back({{"low", value_json(c.kind(), low)}, {"high", value_json(c.kind(), until[g])}});
  }
  const Tensor numbers = c.numbers();
  groups.of_row.reserve(static_cast<std::size_t>(c.size()));
  for (const double v : numbers.data<double>())
    groups.of_row.push_back(
        std::isnan(v) ? -1 : static_cast<std::int32_t>(std::ranges::lower_bound(until, v) - until.begin()));
  return groups;
}

Groups level_groups(const Column& c, const DescribeOptions& o) {
  Json described = Json::object();
  describe_levels(c, o, described);
  Groups groups;
  std::unordered_map<std::string, std::int32_t> index;
  for (const Json& level : described["levels"]) {
    index.emplace(level["level"].get<std::string>(), static_cast<std::int32_t>(index.size()));
    groups.label.push_back({{"level", level["level"]}});
  }
  std::vector<std::int32_t> of_level;
  if (c.kind() == ColumnKind::category)
    for (const std::string& level : c.levels()) of_level.push_back(index.contains(level) ? index[level] : -1);
  for (std::int64_t r = 0; r < c.size(); ++r) {
    if (c.is_missing(r))
      groups.of_row.push_back(-1);
    else if (c.kind() == ColumnKind::category)
      groups.of_row.push_back(of_level[static_cast<std::size_t>(c.codes()[static_cast<std::size_t>(r)])]);
    else
      groups.of_row.push_back(index[c.cell(r)]);
  }
  return groups;
}

// The target as numbers: itself, or one indicator a class.
struct Target {
  std::vector<std::int32_t> codes;
  std::vector<double> values;  // from `mean`, so that the squares of large numbers keep their digits
  double mean = 0;
  std::size_t num_classes = 0;  // 0: a regression
};

Json association(const Groups& groups, const Target& target) {
  const bool by_class = target.num_classes > 0;
  const std::size_t k = by_class ? target.num_classes : 1, num_groups = groups.label.size();
  // The rows that are in no group are one more, so that the strength speaks of all rows.
  std::vector<double> sums((num_groups + 1) * k, 0), rows(num_groups + 1, 0), total(k, 0);
  double squares = 0;
  for (std::size_t r = 0; r < groups.of_row.size(); ++r) {
    const auto g = groups.of_row[r] < 0 ? num_groups : static_cast<std::size_t>(groups.of_row[r]);
    ++rows[g];
    const std::size_t at = by_class ? static_cast<std::size_t>(target.codes[r]) : 0;
    const double value = by_class ? 1 : target.values[r];
    sums[g * k + at] += value;
    total[at] += value;
    squares += value * value;
  }
  const auto n = static_cast<double>(groups.of_row.size());
  double between = 0, all = squares;
  for (std::size_t c = 0; c < k; ++c) {
    const double mean = total[c] / n;
    all -= total[c] * mean;
    for (std::size_t g = 0; g <= num_groups; ++g)
      if (rows[g] > 0) between += rows[g] * std::pow(sums[g * k + c] / rows[g] - mean, 2);
  }
  Json list = Json::array();
  for (std::size_t g = 0; g < num_groups; ++g) {
    Json group = groups.label[g];
    group["rows"] = static_cast<std::int64_t>(rows[g]);
    if (!by_class)
      group["mean"] = number_json(target.mean + sums[g] / rows[g]);
    else {
      Json shares = Json::array();
      for (std::size_t c = 0; c < k; ++c) shares.push_back(number_json(sums[g * k + c] / rows[g]));
      group["shares"] = std::move(shares);
    }
    list.push_back(std::move(group));
  }
  return {{"strength", all > 0 ? number_json(std::clamp(between / all, 0.0, 1.0)) : Json(0.0)},
          {"groups", std::move(list)}};
}

const char* role_of(const std::string& name, const Roles& roles) {
  const auto in = [&](const std::vector<std::string>& names) {
    return std::ranges::find(names, name) != names.end();
  };
  return name == roles.target   ? "target"
         : name == roles.weight ? "weight"
         : name == roles.group  ? "group"
         : name == roles.time   ? "time"
         : in(roles.id)         ? "id"
         : in(roles.ignored)    ? "ignored"
                                : "feature";
}

}  // namespace
}  // namespace describe_detail

Json describe(const Table& table, const DescribeOptions& options) {
  using namespace describe_detail;
  const Specs specs = options.schema ? options.schema->index() : Specs{};
  return over_columns(table, [&](const Column& c) {
    return describe_column(c, is_ordered(c.kind()) ? sorted_values(c) : std::vector<double>{}, specs,
                           options);
  });
}

Json describe(const Dataset& data, const DescribeOptions& options) {
  using namespace describe_detail;
  const bool has_target = !data.roles().target.empty();
  Target target;
  if (has_target && is_classification(data.task())) {
    target.codes = data.class_codes();
    target.num_classes = data.classes().size();
  } else if (has_target) {
    target.values = data.target_values();
    target.mean = moments(target.values).mean;
    for (double& v : target.values) v -= target.mean;
  }
  const Specs specs = options.schema ? options.schema->index() : Specs{};
  Json json = over_columns(data.table(), [&](const Column& c) {
    const std::vector<double> sorted = is_ordered(c.kind()) ? sorted_values(c) : std::vector<double>{};
    Json column = describe_column(c, sorted, specs, options);
    const std::string role = role_of(c.name(), data.roles());
    column["role"] = role;
    const bool groupable =
        c.kind() != ColumnKind::text && c.kind() != ColumnKind::tensor && c.kind() != ColumnKind::image;
    if (has_target && role == "feature" && groupable)
      column["target"] =
          association(is_ordered(c.kind()) ? ordered_groups(c, sorted, std::max(1, options.groups))
                                           : level_groups(c, options),
                      target);
    return column;
  });
  if (has_target) {
    json["target"] = data.roles().target;
    json["task"] = name_of(data.task());
    if (target.num_classes > 0) json["classes"] = data.classes();
  }
  return json;
}

}  // namespace cairn
