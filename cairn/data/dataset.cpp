#include "cairn/data/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "cairn/base/suggest.h"
#include "cairn/data/times.h"

namespace cairn {
namespace {

constexpr std::size_t kFewValues = 20;  // a whole-number target with more distinct values is a quantity

bool holds_numbers(const Column& c) {
  return c.kind() == ColumnKind::number || c.kind() == ColumnKind::integer;
}

void check_column(const Table& table, const std::string& name, const char* flag) {
  if (name.empty() || table.find(name)) return;
  throw UsageError(flag, fmt::format("there is no column '{}'", name), suggestion(name, table.names()));
}

// Text is put in order by what its numbers say; that order is told.
void check_times(const Column& column, std::vector<Warning>& warnings) {
  const Column times = times_of(column);
  if (column.kind() == times.kind() || column.num_missing() == column.size()) return;
  std::int64_t first = -1, last = -1;
  for (std::int64_t r = 0; r < times.size(); ++r) {
    if (times.is_missing(r)) continue;
    if (first < 0 || times.number_at(r) < times.number_at(first)) first = r;
    if (last < 0 || times.number_at(r) >= times.number_at(last)) last = r;
  }
  warnings.push_back(
      {"time_is_text", column.name(),
       fmt::format("'{}' is text; rows are put in order by the numbers in it, from left to right ('{}' is "
                   "the first, '{}' the last).",
                   column.name(), column.cell(first), column.cell(last))});
}

// Distinct cells of a target in their natural order: numbers by value, text by bytes.
std::vector<std::string> distinct_cells(const Column& c) {
  std::vector<std::string> classes;
  if (holds_numbers(c)) {
    std::map<double, std::string> seen;
    for (std::int64_t r = 0; r < c.size(); ++r) {
      const double v = c.number_at(r);
      if (!std::isnan(v) && seen.size() <= kMostTargetClasses && !seen.contains(v))
        seen.emplace(v, c.cell(r));
    }
    for (auto& [value, cell] : seen) classes.push_back(cell);
    return classes;
  }
  std::set<std::string> seen;
  for (std::int64_t r = 0; r < c.size() && seen.size() <= kMostTargetClasses; ++r)
    if (!c.is_missing(r)) seen.insert(c.cell(r));
  return {seen.begin(), seen.end()};
}

// "  >50K. " and ">50K" name the same class.
std::string bare_label(const std::string& label) {
  const auto first = label.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  auto last = label.find_last_not_of(" \t");
  if (label[last] == '.' && last > first) last = label.find_last_not_of(" \t", last - 1);
  return label.substr(first, last - first + 1);
}

// The target as a category whose levels are `classes`; `repaired` counts labels matched only after baring
// them.
Column as_classes(const Column& c, const std::vector<std::string>& classes, std::int64_t* repaired) {
  std::unordered_map<std::string, std::int32_t> exact, bare;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    exact.emplace(classes[i], static_cast<std::int32_t>(i));
    bare.emplace(bare_label(classes[i]), static_cast<std::int32_t>(i));
  }
  std::vector<std::int32_t> codes(static_cast<std::size_t>(c.size()), -1);
  for (std::int64_t r = 0; r < c.size(); ++r) {
    if (c.is_missing(r)) continue;
    const std::string cell = c.cell(r);
    if (const auto it = exact.find(cell); it != exact.end()) {
      codes[static_cast<std::size_t>(r)] = it->second;
    } else if (const auto near = bare.find(bare_label(cell)); near != bare.end()) {
      codes[static_cast<std::size_t>(r)] = near->second;
      ++*repaired;
    } else {
      throw DataError(fmt::format("target '{}', row {}", c.name(), r + 1),
                      fmt::format("'{}' is none of the classes {}", cell, fmt::join(classes, ", ")),
                      suggestion(cell, classes));
    }
  }
  return Column::category(c.name(), Tensor::take(std::move(codes)), classes);
}

std::vector<std::int64_t> rows_with_target(const Column& c) {
  std::vector<std::int64_t> rows;
  for (std::int64_t r = 0; r < c.size(); ++r)
    if (!c.is_missing(r)) rows.push_back(r);
  return rows;
}

std::vector<double> read_weights(const Table& table, const std::string& name) {
  if (name.empty()) return {};
  const Column& c = table.column(name);
  std::vector<double> weights;
  double sum = 0;
  for (std::int64_t r = 0; r < c.size(); ++r) {
    const double w = c.number_at(r);
    if (!(w >= 0) || std::isinf(w))
      throw DataError(fmt::format("weight '{}', row {}", name, r + 1),
                      fmt::format("'{}' is not a finite number of at least 0", c.cell(r)));
    sum += w;
    weights.push_back(w);
  }
  if (!weights.empty() && !(sum > 0))
    throw DataError(fmt::format("weight '{}'", name), "every weight is 0; no row counts");
  return weights;
}

void check_events(const Table& table, const std::string& name) {
  if (name.empty()) return;
  const Column& c = table.column(name);
  for (std::int64_t r = 0; r < c.size(); ++r) {
    const bool number = holds_numbers(c) || c.kind() == ColumnKind::boolean;
    const double v = number ? c.number_at(r) : std::nan("");
    if (v == 0 || v == 1) continue;
    throw DataError(fmt::format("event '{}', row {}", name, r + 1),
                    c.is_missing(r)
                        ? "is missing; 1 (it happened) or 0 (it had not happened by then) is needed"
                        : fmt::format("'{}' is neither 1 (it happened) nor 0 (it had not happened by "
                                      "then)",
                                      c.cell(r)));
  }
}

Column as_regression_target(const Column& c) {
  if (!holds_numbers(c) && c.kind() != ColumnKind::boolean) {
    throw DataError(fmt::format("target '{}'", c.name()),
                    fmt::format("is {} (such as '{}'); a regression needs numbers", name_of(c.kind()),
                                c.size() > 0 ? c.cell(0) : ""),
                    "Use --task multiclass, or correct the column.");
  }
  Column numbers = Column::number(c.name(), c.numbers());
  const auto v = numbers.values().data<double>();
  for (std::size_t r = 0; r < v.size(); ++r)
    if (std::isinf(v[r]))
      throw DataError(fmt::format("target '{}', row {}", c.name(), r + 1),
                      "is infinite; a regression needs finite numbers");
  return numbers;
}

}  // namespace

Task infer_task(const Column& target, std::string* reason) {
  const auto tell = [&](Task task, std::string why) {
    if (reason) *reason = std::move(why);
    return task;
  };
  if (holds_numbers(target)) {
    std::set<double> seen;
    bool fraction = false;
    for (std::int64_t r = 0; r < target.size(); ++r) {
      const double v = target.number_at(r);
      if (std::isnan(v)) continue;
      fraction |= v != std::floor(v);
      if (seen.size() <= kFewValues) seen.insert(v);
    }
    if (fraction)
      return tell(Task::regression, fmt::format("'{}' holds numbers with fractions", target.name()));
    if (seen.size() > kFewValues)
      return tell(Task::regression,
                  fmt::format("'{}' holds more than {} distinct whole numbers", target.name(), kFewValues));
    return tell(
        seen.size() <= 2 ? Task::binary : Task::multiclass,
        fmt::format("'{}' holds {} distinct whole numbers; --task regression treats them as a quantity",
                    target.name(), seen.size()));
  }
  const auto classes = distinct_cells(target);
  return tell(classes.size() <= 2 ? Task::binary : Task::multiclass,
              fmt::format("'{}' holds {} classes", target.name(), classes.size()));
}

void check_roles(const Table& table, const Roles& roles) {
  check_column(table, roles.target, "--target");
  check_column(table, roles.weight, "--weight");
  check_column(table, roles.group, "--group");
  check_column(table, roles.time, "--time");
  check_column(table, roles.event, "--event");
  for (const std::string& name : roles.id) check_column(table, name, "--id");
  for (const std::string& name : roles.ignored) check_column(table, name, "--ignore");
}

Dataset::Dataset(Table table, DatasetOptions options)
    : table_(std::move(table)), roles_(std::move(options.roles)) {
  check_roles(table_, roles_);
  if (!roles_.time.empty()) check_times(table_.column(roles_.time), warnings_);
  if (roles_.target.empty()) {
    weights_ = read_weights(table_, roles_.weight);
    return;
  }
  const std::string where = fmt::format("target '{}'", roles_.target);
  const std::int64_t missing = table_.column(roles_.target).num_missing();
  if (table_.num_rows() == 0) throw DataError(where, "the table has no rows");
  if (missing == table_.num_rows()) throw DataError(where, fmt::format("all {} rows are missing", missing));
  if (missing > 0) {
    table_ = table_.select(rows_with_target(table_.column(roles_.target)));
    warnings_.push_back({"missing_target", roles_.target,
                         fmt::format("{} rows have no '{}' and are left out.", missing, roles_.target)});
  }
  const Column target = table_.column(roles_.target);
  task_ = options.task ? *options.task : infer_task(target);
  if (task_ == Task::regression) {
    table_ = table_.with(as_regression_target(target));
    const auto v = table_.column(roles_.target).values().data<double>();
    if (v.size() > 1 && std::all_of(v.begin(), v.end(), [&](double x) { return x == v[0]; }))
      throw DataError(where, fmt::format("every row holds {}; there is nothing to learn", target.cell(0)));
  } else {
    classes_ = options.classes.empty() ? distinct_cells(target) : std::move(options.classes);
    if (classes_.size() > kMostTargetClasses)
      throw DataError(where,
                      fmt::format("has more than {} distinct values; that is an identifier, not a class",
                                  kMostTargetClasses),
                      "Use --task regression if it is a quantity.");
    if (classes_.size() < 2)
      throw DataError(where,
                      fmt::format("every row is '{}'; a classification needs two classes", classes_[0]));
    if (task_ == Task::binary && classes_.size() > 2)
      throw DataError(where,
                      fmt::format("has {} classes ({}{}); binary needs two", classes_.size(),
                                  fmt::join(classes_.begin(), classes_.begin() + 3, ", "), ", ..."),
                      "Use --task multiclass.");
    positive_ = static_cast<std::int32_t>(classes_.size()) - 1;
    if (!options.positive.empty()) {
      const auto it = std::find(classes_.begin(), classes_.end(), options.positive);
      if (it == classes_.end())
        throw UsageError("--positive",
                         fmt::format("'{}' is no class of '{}'", options.positive, roles_.target),
                         suggestion(options.positive, classes_));
      positive_ = static_cast<std::int32_t>(it - classes_.begin());
    }
    std::int64_t repaired = 0;
    table_ = table_.with(as_classes(target, classes_, &repaired));
  }
  weights_ = read_weights(table_, roles_.weight);
  check_events(table_, roles_.event);
}

namespace {

// The columns that have a role and are no features.
std::vector<std::string> role_columns(const Roles& roles) {
  std::vector<std::string> names{roles.target, roles.weight, roles.group, roles.time, roles.event};
  names.insert(names.end(), roles.id.begin(), roles.id.end());
  names.insert(names.end(), roles.ignored.begin(), roles.ignored.end());
  return names;
}

}  // namespace

Table Dataset::features() const { return table_.without(role_columns(roles_)); }

const Column& Dataset::target() const { return table_.column(roles_.target); }

std::vector<std::int32_t> Dataset::class_codes() const {
  const auto codes = target().codes();
  return {codes.begin(), codes.end()};
}

std::vector<double> Dataset::target_values() const {
  const auto values = target().values().data<double>();
  return {values.begin(), values.end()};
}

std::vector<double> Dataset::weights() const { return weights_; }

std::vector<std::int64_t> Dataset::groups() const {
  if (roles_.group.empty()) return {};
  const Column& c = table_.column(roles_.group);
  std::unordered_map<std::string, std::int64_t> number;
  std::vector<std::int64_t> groups;
  for (std::int64_t r = 0; r < c.size(); ++r)
    groups.push_back(number.emplace(c.cell(r), static_cast<std::int64_t>(number.size())).first->second);
  return groups;
}

std::vector<std::uint8_t> Dataset::events() const {
  if (roles_.event.empty()) return {};
  const Column& c = table_.column(roles_.event);
  std::vector<std::uint8_t> events;
  for (std::int64_t r = 0; r < c.size(); ++r) events.push_back(c.number_at(r) == 1 ? 1 : 0);
  return events;
}

Dataset Dataset::with_rows_of(Table table, std::span<const std::int64_t> rows) const {
  Dataset part;
  part.table_ = std::move(table);
  part.roles_ = roles_;
  part.task_ = task_;
  part.classes_ = classes_;
  part.positive_ = positive_;
  if (!weights_.empty())
    for (const std::int64_t r : rows) part.weights_.push_back(weights_[static_cast<std::size_t>(r)]);
  if (!copies_.empty())
    for (const std::int64_t r : rows) part.copies_.push_back(copies_[static_cast<std::size_t>(r)]);
  part.near_copies_ = near_copies_;
  return part;
}

Dataset Dataset::select(std::span<const std::int64_t> rows) const {
  return with_rows_of(table_.select(rows), rows);
}

std::pair<Dataset, Dataset> Dataset::divide(std::span<const std::int64_t> first,
                                            std::span<const std::int64_t> second) && {
  auto [a, b] = std::move(table_).divide(first, second);
  return {with_rows_of(std::move(a), first), with_rows_of(std::move(b), second)};
}

Dataset Dataset::with_table(Table table) const {
  Dataset other = *this;
  other.warnings_.clear();
  other.copies_.clear();
  other.near_copies_ = false;
  other.table_ = std::move(table);
  std::vector<std::string> needed{roles_.target, roles_.weight, roles_.group, roles_.event};
  for (const std::string& name : needed)
    if (!name.empty() && !other.table_.find(name))
      throw DataError("data", fmt::format("there is no column '{}'", name),
                      suggestion(name, other.table_.names()));
  if (const std::int64_t missing = other.target().num_missing(); missing > 0) {
    if (missing == other.num_rows())
      throw DataError(fmt::format("target '{}'", roles_.target), "is missing in every row");
    other.table_ = other.table_.select(rows_with_target(other.target()));
    other.warnings_.push_back(
        {"missing_target", roles_.target,
         fmt::format("{} rows have no '{}' and are left out.", missing, roles_.target)});
  }
  const Column target = other.target();
  if (task_ == Task::regression) {
    other.table_ = other.table_.with(as_regression_target(target));
  } else {
    std::int64_t repaired = 0;
    other.table_ = other.table_.with(as_classes(target, classes_, &repaired));
    if (repaired > 0)
      other.warnings_.push_back(
          {"label_spelling", roles_.target,
           fmt::format("{} labels differ from the training classes only by blanks or a trailing point "
                       "(such as '{}') and were matched.",
                       repaired, target.cell(0))});
  }
  other.weights_ = read_weights(other.table_, roles_.weight);
  check_events(other.table_, roles_.event);
  return other;
}

Dataset Dataset::with_features(const Table& features) const {
  CAIRN_ASSERT(features.num_rows() == num_rows());
  const std::vector<std::string> names = role_columns(roles_);
  const std::unordered_set<std::string_view> kept(names.begin(), names.end());
  std::vector<Column> columns = features.columns();
  for (const Column& c : columns)
    if (kept.contains(c.name()) && table_.find(c.name()))
      throw DataError(fmt::format("column '{}'", c.name()), "a transform made a feature of the same name",
                      "Rename the column.");
  for (const Column& c : table_.columns())
    if (kept.contains(c.name())) columns.push_back(c);
  Dataset other = *this;
  other.table_ = columns.empty() ? features : Table(std::move(columns));
  return other;
}

Dataset Dataset::with_target(std::vector<double> values) const {
  CAIRN_ASSERT(task_ == Task::regression && static_cast<std::int64_t>(values.size()) == num_rows());
  Dataset other = *this;
  other.table_ = table_.with(Column::number(roles_.target, Tensor::take(std::move(values))));
  return other;
}

Dataset Dataset::with_weights(std::vector<double> weights) const {
  CAIRN_ASSERT(static_cast<std::int64_t>(weights.size()) == num_rows());
  Dataset weighted = *this;
  if (!weights_.empty())
    for (std::size_t r = 0; r < weights.size(); ++r) weights[r] *= weights_[r];
  weighted.weights_ = std::move(weights);
  return weighted;
}

Dataset Dataset::with_copies(std::vector<std::int64_t> of_row, bool near) const {
  CAIRN_ASSERT(static_cast<std::int64_t>(of_row.size()) == num_rows());
  Dataset other = *this;
  other.copies_ = std::move(of_row);
  other.near_copies_ = near;
  return other;
}

Dataset Dataset::with_roles(Roles roles) const {
  CAIRN_ASSERT(roles.target == roles_.target && roles.weight == roles_.weight && roles.event == roles_.event);
  Dataset other = *this;
  other.roles_ = std::move(roles);
  return other;
}

}  // namespace cairn
