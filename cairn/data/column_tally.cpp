#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/data/cells.h"
#include "cairn/data/column_tally_internal.h"

namespace cairn {
namespace {

std::int64_t most_levels(const ColumnPlan& plan) {
  return plan.stated == ColumnKind::category ? kMostStatedLevels : kMaxLevels;
}

// Numbers are told as numbers by whole numbers too.
bool reads_on(CellType before, CellType now) {
  return before == now || (before == CellType::integer && now == CellType::number);
}

Column without_values(const ColumnSpec& spec, std::int64_t rows) {
  const auto none = [&](DType dtype) { return Tensor::full(Shape{rows}, 0, dtype); };
  const Validity missing = Tensor::full(Shape{(rows + 7) / 8}, 0, DType::u8);
  switch (spec.kind) {
    case ColumnKind::integer:
      return Column::integer(spec.name, none(DType::i64), missing);
    case ColumnKind::boolean:
      return Column::boolean(spec.name, none(DType::u8), missing);
    case ColumnKind::date:
      return Column::date(spec.name, none(DType::i64), missing);
    case ColumnKind::category:
      return Column::category(spec.name, Tensor::full(Shape{rows}, -1, DType::i32), spec.levels);
    case ColumnKind::text:
      return Column::text(spec.name, Tensor::full(Shape{rows + 1}, 0, DType::i64),
                          Tensor::empty(Shape{0}, DType::u8), missing);
    default:
      return Column::number(spec.name,
                            Tensor::full(Shape{rows}, std::numeric_limits<double>::quiet_NaN(), DType::f64));
  }
}

std::int32_t code_of(const std::vector<std::string>& levels, std::string_view cell) {
  const auto at = std::ranges::lower_bound(levels, cell, std::less<std::string_view>{});
  CAIRN_ASSERT(at != levels.end() && *at == cell);
  return static_cast<std::int32_t>(at - levels.begin());
}

// Calls use(cell, missing) for each row.
template <class Use>
void each_cell(const Column& part, Use&& use) {
  for (std::int64_t r = 0; r < part.size(); ++r) {
    if (part.is_missing(r))
      use(std::string_view{}, true);
    else if (part.kind() == ColumnKind::text)
      use(part.text_at(r), false);
    else if (part.kind() == ColumnKind::category)
      use(std::string_view(
              part.levels()[static_cast<std::size_t>(part.codes()[static_cast<std::size_t>(r)])]),
          false);
    else
      use(std::string_view(cell_text(part, r)), false);
  }
}

Column categories(const ColumnSpec& spec, const Column& part) {
  std::vector<std::int32_t> codes;
  codes.reserve(static_cast<std::size_t>(part.size()));
  if (part.kind() == ColumnKind::category) {
    std::vector<std::int32_t> place;
    for (const std::string& level : part.levels()) place.push_back(code_of(spec.levels, level));
    for (const std::int32_t c : part.codes())
      codes.push_back(c < 0 ? -1 : place[static_cast<std::size_t>(c)]);
  } else {
    each_cell(part, [&](std::string_view cell, bool missing) {
      codes.push_back(missing ? -1 : code_of(spec.levels, cell));
    });
  }
  return Column::category(spec.name, Tensor::take(std::move(codes)), spec.levels);
}

Column texts(const ColumnSpec& spec, const Column& part) {
  std::vector<std::int64_t> offsets{0};
  std::vector<std::uint8_t> bytes, bits(static_cast<std::size_t>((part.size() + 7) / 8), 0);
  each_cell(part, [&](std::string_view cell, bool missing) {
    const std::size_t row = offsets.size() - 1;
    if (!missing) bits[row / 8] |= static_cast<std::uint8_t>(1U << (row % 8));
    bytes.insert(bytes.end(), cell.begin(), cell.end());
    offsets.push_back(std::ssize(bytes));
  });
  return Column::text(spec.name, Tensor::take(std::move(offsets)), Tensor::take(std::move(bytes)),
                      part.num_missing() > 0 ? Tensor::take(std::move(bits)) : Validity{});
}

}  // namespace

ColumnTally::ColumnTally(const ColumnPlan& plan)
    : low_(std::numeric_limits<double>::infinity()), high_(-low_), strings_(most_levels(plan)) {}

void ColumnTally::add(const ColumnSpec& spec, const Column& column, const ColumnPlan& plan) {
  const std::int64_t values = column.size() - column.num_missing();
  values_ += values;
  missing_ += column.num_missing();
  if (values > 0 && plan.type != CellType::string) {
    low_ = std::min(low_, spec.low);
    high_ = std::max(high_, spec.high);
  }
  if (values > 0 && plan.type == CellType::string && complete_ && plan.stated != ColumnKind::text)
    add_strings(column, plan);
  stale_ = stale_ || (read_as_ && !reads_on(*read_as_, plan.type));
  if (plan.types != kAllCellTypes) read_as_ = plan.type;
}

ColumnSpec ColumnTally::spec(ColumnPlan& plan, const CellRules& rules, std::vector<Warning>& warnings) const {
  ColumnSpec spec;
  spec.name = plan.name;
  spec.num_missing = missing_;
  if (plan.types == kAllCellTypes) plan.type = CellType::number;  // no value at all
  if (plan.type != CellType::string) {
    spec.kind = kind_of(plan.type);
    spec.reason = reason_for(spec.kind, values_, 0);
    if (low_ <= high_) spec.low = low_, spec.high = high_;
  } else if (plan.stated == ColumnKind::text) {
    spec.kind = ColumnKind::text;
  } else {
    Dictionary all;
    all.complete = complete_;
    all.counts = counts_;
    for (std::size_t e = 0; e < strings_.num_entries(); ++e) all.entries.push_back(strings_.entry(e));
    spec.kind = kind_of_strings(plan, all, values_ + missing_, rules, spec, warnings);
    if (spec.kind == ColumnKind::category) {
      spec.levels.assign(all.entries.begin(), all.entries.end());
      std::ranges::sort(spec.levels);
    }
    if (!plan.stated) {
      plan.stated = spec.kind;
      return spec;
    }
  }
  if (plan.stated) spec.reason = plan.stated_by;
  return spec;
}

// In order of appearance, as reading the whole would meet them.
void ColumnTally::add_strings(const Column& column, const ColumnPlan& plan) {
  const std::int64_t most = most_levels(plan);
  const auto add_row = [&](std::int32_t code) {
    if (counts_.size() < strings_.num_entries()) counts_.push_back(0);
    ++counts_[static_cast<std::size_t>(code)];
    complete_ = static_cast<std::int64_t>(strings_.num_entries()) <= most;
  };
  if (column.kind() == ColumnKind::category) {
    std::vector<std::int32_t> known(column.levels().size(), -1);
    for (const std::int32_t c : column.codes()) {
      if (c < 0 || !complete_) continue;
      std::int32_t& code = known[static_cast<std::size_t>(c)];
      if (code < 0) code = strings_.code_of(column.levels()[static_cast<std::size_t>(c)]);
      add_row(code);
    }
  } else {
    for (std::int64_t r = 0; r < column.size() && complete_; ++r)
      if (!column.is_missing(r))
        add_row(
            strings_.code_of(column.kind() == ColumnKind::text ? column.text_at(r) : cell_text(column, r)));
  }
  if (complete_) return;
  if (plan.stated)
    throw ResourceError(fmt::format("column '{}'", plan.name),
                        fmt::format("--types makes it a category, of more than {} levels", kMostStatedLevels),
                        fmt::format("--types {}=text, or --ignore {}.", plan.name, plan.name));
  counts_.clear();
}

Column column_without_rows(const ColumnSpec& spec) { return without_values(spec, 0); }

Column in_form_of(const ColumnSpec& spec, const Column& part) {
  if (spec.kind == ColumnKind::category) return categories(spec, part);
  if (part.kind() == spec.kind) return part;
  if (part.num_missing() == part.size()) return without_values(spec, part.size());
  if (spec.kind == ColumnKind::text) return texts(spec, part);
  CAIRN_ASSERT(spec.kind == ColumnKind::number && part.kind() == ColumnKind::integer);
  return Column::number(spec.name, part.numbers());
}

}  // namespace cairn
