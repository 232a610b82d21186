#include "cairn/data/describe_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <utility>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/data/describe_internal.h"
#include "cairn/data/distinct.h"
#include "cairn/data/stack.h"
#include "cairn/data/summary.h"
#include "cairn/data/target_values.h"
#include "cairn/ops/moments.h"

namespace cairn {
namespace describe_detail {
namespace {

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
};

// How often each text stands, until there are too many to keep.
class TextCounts {
 public:
  explicit TextCounts(std::size_t most) : most_(most) {}
  void add(std::string_view text) {
    if (!complete_) return;
    const auto known = counts_.find(std::string(text));
    if (known != counts_.end()) {
      ++known->second.first;
      return;
    }
    constexpr std::size_t kEntry = 100,
                          kDistinct = 24;  // bytes beside the text; that a distinct value may take
    bytes_ += kEntry + text.size();
    complete_ = bytes_ <= most_ * kDistinct;
    if (complete_)
      counts_.emplace(text, std::pair(std::int64_t{1}, std::ssize(counts_)));
    else
      counts_.clear();
  }
  bool complete() const { return complete_; }
  std::vector<Level> levels() const {
    std::vector<Level> levels;
    for (const auto& [text, told] : counts_) levels.push_back({text, told.first, told.second});
    return levels;
  }

 private:
  std::size_t most_, bytes_ = 0;
  bool complete_ = true;
  std::unordered_map<std::string, std::pair<std::int64_t, std::int64_t>> counts_;  // rows, and place
};

// What all rows tell of one column.
class ColumnFacts {
 public:
  ColumnFacts(const ColumnSpec& spec, const Range& range, const DescribePartsOptions& o)
      : spec_(spec), o_(o), distinct_(o.most_distinct), texts_(o.most_distinct) {
    if (spec.kind == ColumnKind::category) counts_.assign(spec.levels.size(), 0);
    if (spec.kind == ColumnKind::boolean) counts_.assign(2, 0);
    if (!is_ordered(spec.kind) || range.low > range.high) return;
    histogram_.emplace(range.low, range.high, std::max(1, o.columns.bins));
    // Squares of numbers beyond these would leave the range of f64.
    const double largest = std::max(std::abs(range.low), std::abs(range.high));
    if (largest > 1e100 || (largest < 1e-100 && largest > 0)) unit_ = largest;
    inverse_unit_ = 1 / unit_;
  }

  void add(const Column& c) {
    missing_ += c.num_missing();
    add_examples(c, examples_);
    if (c.kind() == ColumnKind::category || c.kind() == ColumnKind::boolean)
      add_levels(c);
    else
      add_distinct(c);
    if (is_ordered(c.kind()))
      add_numbers(present_numbers(c));
    else if (c.kind() == ColumnKind::text)
      add_texts(c);
  }

  // Puts what all rows tell in the place of what the sample told. `of_all`: that is all rows too.
  void put(Json& json, bool of_all) {
    std::vector<std::string> estimated;
    json["missing"] = missing_;
    json["examples"] = examples_;
    if (!counts_.empty()) {
      put_counts(json);
    } else {
      json["distinct"] = distinct_.count();
      if (!distinct_.is_exact()) estimated.emplace_back("distinct");
    }
    if (is_ordered(spec_.kind)) put_numbers(json, estimated);
    if (spec_.kind == ColumnKind::text) put_texts(json, estimated);
    if (json.contains("target")) estimated.emplace_back("target");
    if (of_all) std::erase_if(estimated, [](const std::string& field) { return field != "distinct"; });
    json["estimated"] = estimated;
  }

 private:
  std::span<const double> scale() const {
    return {&inverse_unit_, unit_ == 1 ? std::size_t{0} : std::size_t{1}};
  }

  void add_levels(const Column& c) {
    for (std::int64_t r = 0; r < c.size(); ++r) {
      if (c.is_missing(r)) continue;
      const auto level = c.kind() == ColumnKind::category
                             ? static_cast<std::size_t>(c.codes()[static_cast<std::size_t>(r)])
                             : static_cast<std::size_t>(c.number_at(r) != 0);
      ++counts_[level];
    }
  }

  void add_distinct(const Column& c) {
    const std::vector<std::uint64_t> hashes = Table({c}).row_hashes();
    for (std::int64_t r = 0; r < c.size(); ++r)
      if (!c.is_missing(r)) distinct_.add(hashes[static_cast<std::size_t>(r)]);
  }

  void add_numbers(const std::vector<double>& values) {
    if (values.empty()) return;
    const Moments part = moments(values);
    range_.low = std::min(range_.low, part.low);
    range_.high = std::max(range_.high, part.high);
    const double spread = part.deviation / unit_;
    linalg::add_moments(moments_, {part.weight, {part.mean}, {part.weight * spread * spread}}, scale());
    for (const double v : values) {
      if (histogram_) histogram_->add(v);
      if (spec_.kind != ColumnKind::integer || few_.size() > static_cast<std::size_t>(kFewValues)) continue;
      ++few_[v];
    }
  }

  void add_texts(const Column& c) {
    for (std::int64_t r = 0; r < c.size(); ++r) {
      if (c.is_missing(r)) continue;
      const std::int64_t characters = characters_in(c.text_at(r));
      fewest_ = texts_met_ == 0 ? characters : std::min(fewest_, characters);
      most_ = std::max(most_, characters);
      characters_ += characters;
      ++texts_met_;
      texts_.add(c.text_at(r));
    }
  }

  void put_counts(Json& json) const {
    static const std::vector<std::string> kBooleans{"false", "true"};
    const std::vector<std::string>& names = spec_.kind == ColumnKind::category ? spec_.levels : kBooleans;
    std::vector<Level> levels;
    for (std::size_t l = 0; l < counts_.size(); ++l)
      if (counts_[l] > 0) levels.push_back({names[l], counts_[l], static_cast<std::int64_t>(l)});
    json["distinct"] = levels.size();
    put_levels(std::move(levels), static_cast<std::size_t>(o_.columns.levels), json);
  }

  void put_numbers(Json& json, std::vector<std::string>& estimated) const {
    if (moments_.weight == 0) return;
    json["low"] = value_json(spec_.kind, range_.low);
    json["high"] = value_json(spec_.kind, range_.high);
    json["mean"] = value_json(spec_.kind, std::clamp(moments_.mean[0], range_.low, range_.high));
    json["deviation"] = number_json(unit_ * std::sqrt(moments_.products[0] / moments_.weight));
    json["histogram"] = histogram_ ? histogram_->json(spec_.kind) : Json(nullptr);
    if (json.contains("quantiles")) estimated.emplace_back("quantiles");
    if (!few_.empty() && few_.size() <= static_cast<std::size_t>(kFewValues))
      return put_few_values({few_.begin(), few_.end()}, static_cast<std::size_t>(o_.columns.levels), json);
    json.erase("levels");
    json.erase("other");
  }

  void put_texts(Json& json, std::vector<std::string>& estimated) const {
    if (texts_met_ > 0)
      json["characters"] = {{"low", fewest_},
                            {"mean", static_cast<double>(characters_) / static_cast<double>(texts_met_)},
                            {"high", most_}};
    if (texts_.complete())
      put_levels(texts_.levels(), static_cast<std::size_t>(o_.columns.levels), json);
    else
      estimated.insert(estimated.end(), {"levels", "other"});
  }

  const ColumnSpec& spec_;
  const DescribePartsOptions& o_;
  std::int64_t missing_ = 0;
  std::vector<std::string> examples_;
  DistinctCount distinct_;
  std::vector<std::int64_t> counts_;  // of levels
  Range range_;
  double unit_ = 1, inverse_unit_ = 1;
  linalg::Moments moments_;
  std::optional<Histogram> histogram_;
  std::map<double, std::int64_t> few_;  // of whole numbers; one more than kFewValues: too many
  std::int64_t fewest_ = 0, most_ = 0, characters_ = 0, texts_met_ = 0;
  TextCounts texts_;
};

Table with_target(const Table& part, const std::string& target) {
  if (target.empty()) return part;
  const Column& values = part.column(target);
  if (values.num_missing() == 0) return part;
  std::vector<std::int64_t> rows;
  for (std::int64_t r = 0; r < part.num_rows(); ++r)
    if (!values.is_missing(r)) rows.push_back(r);
  return part.select(rows);
}

// What the first pass finds: the sample, and what the second needs to know before it.
struct FirstPass {
  GrowingTable sample;
  std::vector<Range> ranges;
  TargetValues target;
  std::int64_t rows = 0;
};

FirstPass draw(TableParts& table, const DescribePartsOptions& o) {
  FirstPass first;
  first.ranges.resize(table.about().schema.columns.size());
  const double share = static_cast<double>(o.sampled) / static_cast<double>(table.num_rows());
  table.blocks([&](const Table& all, std::int64_t first_row) {
    o.stop.throw_if_requested("describing");
    std::vector<std::int64_t> rows;
    for (std::int64_t r = 0; r < all.num_rows(); ++r) {
      const std::uint64_t drawn = derive_seed(0, "described rows", static_cast<std::uint64_t>(first_row + r));
      if (static_cast<double>(drawn >> 11) * 0x1p-53 < share) rows.push_back(r);
    }
    first.sample.add(with_target(all.select(rows), o.roles.target));
    const Table part = with_target(all, o.roles.target);
    first.rows += part.num_rows();
    if (!o.roles.target.empty()) first.target.add(part.column(o.roles.target));
    for (std::size_t c = 0; c < first.ranges.size(); ++c) {
      const Column& column = part.column(static_cast<std::int64_t>(c));
      if (!is_ordered(column.kind())) continue;
      const Tensor numbers = column.numbers();
      for (const double v : numbers.data<double>()) {
        if (std::isnan(v)) continue;
        first.ranges[c].low = std::min(first.ranges[c].low, v);
        first.ranges[c].high = std::max(first.ranges[c].high, v);
      }
    }
    return true;
  });
  return first;
}

}  // namespace
}  // namespace describe_detail

Json describe_parts(TableParts& table, const DescribePartsOptions& options, std::optional<Dataset>& sample) {
  using namespace describe_detail;
  DescribePartsOptions o = options;
  o.columns.schema = &table.about().schema;
  check_roles(table.about().table, o.roles);
  const std::string& target = o.roles.target;
  FirstPass first = draw(table, o);
  DatasetOptions dataset{.roles = o.roles};
  if (!target.empty()) {
    if (first.target.empty())
      throw DataError(fmt::format("target '{}'", target),
                      fmt::format("all {} rows are missing", table.num_rows()));
    std::move(first.target).settle(dataset);
  }
  sample = Dataset(std::move(first.sample).take(), std::move(dataset));
  std::vector<ColumnFacts> facts;
  const std::vector<ColumnSpec>& specs = table.about().schema.columns;
  for (std::size_t c = 0; c < specs.size(); ++c) facts.emplace_back(specs[c], first.ranges[c], o);
  table.blocks([&](const Table& all, std::int64_t) {
    const Table part = with_target(all, target);
    parallel_for(
        std::ssize(facts), 1,
        [&](std::int64_t c, std::int64_t) { facts[static_cast<std::size_t>(c)].add(part.column(c)); },
        o.stop);
    return true;
  });
  Json json = target.empty() ? describe(sample->table(), o.columns) : describe(*sample, o.columns);
  json["rows"] = first.rows;
  json["sample"] = {{"rows", sample->num_rows()}};
  for (std::size_t c = 0; c < facts.size(); ++c)
    facts[c].put(json["columns"][c], sample->num_rows() == first.rows);
  return json;
}

}  // namespace cairn
