#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <unordered_map>

#include "cairn/base/error.h"
#include "cairn/data/csv_columns_internal.h"

namespace cairn {
namespace {

Dictionary merge(const ColumnParts& parts, std::int64_t limit) {
  Dictionary all;
  std::unordered_map<std::string_view, std::int32_t> index;
  for (const ColumnPiece* piece : parts.pieces) {
    all.complete = all.complete && (!piece->strings || piece->strings->distinct());
    if (!all.complete) return all;
  }
  for (const ColumnPiece* piece : parts.pieces) {
    auto& number = all.number.emplace_back();
    if (!piece->strings) continue;
    for (std::size_t e = 0; e < piece->strings->num_entries(); ++e) {
      const auto [it, fresh] =
          index.emplace(piece->strings->entry(e), static_cast<std::int32_t>(all.entries.size()));
      if (fresh) all.entries.push_back(it->first);
      number.push_back(it->second);
    }
    if (static_cast<std::int64_t>(all.entries.size()) > limit) {
      all.complete = false;
      return all;
    }
  }
  all.counts.assign(all.entries.size(), 0);
  for (std::size_t p = 0; p < parts.pieces.size(); ++p)
    if (parts.pieces[p]->strings)
      for (const std::int32_t code : parts.pieces[p]->strings->codes())
        if (code >= 0) ++all.counts[static_cast<std::size_t>(all.number[p][static_cast<std::size_t>(code)])];
  return all;
}

std::int64_t count_words(std::string_view text) {
  std::int64_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    words += !blank && !inside;
    inside = !blank;
  }
  return words;
}

TextFacts facts_of(const Dictionary& all, std::int64_t rows) {
  TextFacts facts{.rows = rows, .distinct = static_cast<std::int64_t>(all.entries.size())};
  for (const std::string_view text : all.entries) {
    facts.mean_length += static_cast<double>(text.size());
    facts.mean_words += static_cast<double>(count_words(text));
  }
  if (facts.distinct > 0) {
    facts.mean_length /= static_cast<double>(facts.distinct);
    facts.mean_words /= static_cast<double>(facts.distinct);
  }
  if (!all.complete) facts.distinct = kMaxLevels + 1;
  return facts;
}

Column make_category(const ColumnParts& parts, const Dictionary& all) {
  std::vector<std::int32_t> order(all.entries.size());
  std::iota(order.begin(), order.end(), 0);
  const auto entry = [&](std::int32_t i) { return all.entries[static_cast<std::size_t>(i)]; };
  std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return entry(a) < entry(b); });
  std::vector<std::int32_t> code(order.size());
  std::vector<std::string> levels;
  for (std::size_t i = 0; i < order.size(); ++i) {
    code[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
    levels.emplace_back(entry(order[i]));
  }
  Tensor codes = Tensor::empty(Shape{parts.total_rows}, DType::i32);
  std::int32_t* to = codes.mutable_data<std::int32_t>().data();
  for (std::size_t p = 0; p < parts.pieces.size(); ++p)
    if (parts.pieces[p]->strings)
      for (const std::int32_t c : parts.pieces[p]->strings->codes())
        *to++ = c < 0 ? -1 : code[static_cast<std::size_t>(all.number[p][static_cast<std::size_t>(c)])];
  return Column::category(parts.plan->name, codes, std::move(levels));
}

// One bit a row, unset where a value is missing; undefined when none is.
Validity validity_of(std::int64_t rows, const ColumnParts& parts) {
  Validity validity;
  std::int64_t first = 0;
  for (std::size_t p = 0; p < parts.pieces.size(); ++p) {
    if (!parts.pieces[p]->missing.empty() && !validity.defined())
      validity = Tensor::full(Shape{(rows + 7) / 8}, 255, DType::u8);
    if (!parts.pieces[p]->missing.empty()) {
      std::uint8_t* bits = validity.mutable_data<std::uint8_t>().data();
      for (const std::int32_t r : parts.pieces[p]->missing)
        bits[(first + r) >> 3] &= static_cast<std::uint8_t>(~(1U << ((first + r) & 7)));
    }
    first += (*parts.rows)[p];
  }
  return validity;
}

Column make_text(const ColumnParts& parts) {
  std::int64_t bytes = 0;
  for (const ColumnPiece* piece : parts.pieces)
    if (piece->strings)
      for (const std::int32_t c : piece->strings->codes())
        if (c >= 0)
          bytes += static_cast<std::int64_t>(piece->strings->entry(static_cast<std::size_t>(c)).size());
  Tensor offsets = Tensor::empty(Shape{parts.total_rows + 1}, DType::i64),
         letters = Tensor::empty(Shape{bytes}, DType::u8);
  std::int64_t* offset = offsets.mutable_data<std::int64_t>().data();
  std::uint8_t* to = bytes > 0 ? letters.mutable_data<std::uint8_t>().data() : nullptr;
  std::int64_t at = 0;
  *offset++ = 0;
  for (ColumnPiece* piece : parts.pieces) {
    if (!piece->strings) continue;
    for (const auto code : piece->strings->codes()) {
      if (code >= 0) {
        const std::string_view text = piece->strings->entry(static_cast<std::size_t>(code));
        if (!text.empty()) std::memcpy(to + at, text.data(), text.size());
        at += static_cast<std::int64_t>(text.size());
      }
      *offset++ = at;
    }
  }
  return Column::text(parts.plan->name, offsets, letters, validity_of(parts.total_rows, parts));
}

void warn_if_almost(const std::string& name, const Dictionary& all, const CellRules& rules,
                    std::vector<Warning>& warnings) {
  std::int64_t numbers = 0, grouped = 0, dates = 0, rows = 0;
  std::string_view odd;
  CellRules with_groups = rules;
  with_groups.thousands = rules.decimal == ',' ? '.' : ',';
  for (std::size_t e = 0; e < all.entries.size(); ++e) {
    const CellTypes types = types_of(all.entries[e], rules);
    rows += all.counts[e];
    if (accepts(types, CellType::day_first_date) && accepts(types, CellType::month_first_date))
      dates += all.counts[e];
    if (accepts(types, CellType::number))
      numbers += all.counts[e];
    else if (accepts(types_of(all.entries[e], with_groups), CellType::number))
      grouped += all.counts[e];
    else if (odd.empty())
      odd = all.entries[e];
  }
  if (rows == 0) return;
  if (grouped > 0 && grouped + numbers == rows)
    warnings.push_back(
        {"grouped_digits", name,
         fmt::format(
             "Column '{}' holds numbers with digits grouped by '{}' and was read as text. --thousands {} "
             "reads them as numbers.",
             name, with_groups.thousands, with_groups.thousands)});
  else if (10 * numbers >= 9 * rows)
    warnings.push_back(
        {"almost_numbers", name,
         fmt::format(
             "Column '{}': {} of {} values are numbers, but some are not (such as '{}'), so it was read as "
             "text. --na '{}' takes that for missing.",
             name, numbers, rows, printable(odd), printable(odd))});
  else if (dates == rows)
    warnings.push_back(
        {"ambiguous_dates", name,
         fmt::format(
             "Column '{}' holds dates that may begin with the day or with the month (such as '{}'); it was "
             "not read as dates. Write them as 2024-05-31.",
             name, printable(all.entries[0]))});
}

Column finish_strings(const ColumnParts& parts, const CellRules& rules, ColumnSpec& spec,
                      std::vector<Warning>& warnings) {
  const ColumnPlan& plan = *parts.plan;
  const bool must_be_category = plan.stated == ColumnKind::category;
  if (plan.stated == ColumnKind::text) return make_text(parts);
  const Dictionary all = merge(parts, must_be_category ? parts.total_rows : kMaxLevels);
  const ColumnKind kind = kind_of_strings(plan, all, parts.total_rows, rules, spec, warnings);
  return kind == ColumnKind::category ? make_category(parts, all) : make_text(parts);
}

template <class T>
void find_range(const Tensor& values, std::int64_t rows, const Validity& validity, ColumnSpec& spec) {
  const T* v = reinterpret_cast<const T*>(values.raw());
  const std::uint8_t* bits = validity.defined() ? validity.data<std::uint8_t>().data() : nullptr;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (std::int64_t r = 0; r < rows; ++r) {
    if (bits && !((bits[r >> 3] >> (r & 7)) & 1U)) continue;
    const auto x = static_cast<double>(v[r]);
    low = x < low ? x : low;  // false for NaN
    high = x > high ? x : high;
  }
  if (low <= high) spec.low = low, spec.high = high;
}

}  // namespace

ColumnKind kind_of_strings(const ColumnPlan& plan, const Dictionary& all, std::int64_t rows,
                           const CellRules& rules, ColumnSpec& spec, std::vector<Warning>& warnings) {
  if (all.complete) rows = std::accumulate(all.counts.begin(), all.counts.end(), std::int64_t{0});
  const TextFacts facts = facts_of(all, rows);
  if (all.complete && !plan.stated) warn_if_almost(plan.name, all, rules, warnings);
  const ColumnKind kind =
      plan.stated == ColumnKind::category ? ColumnKind::category : category_or_text(facts);
  spec.reason = reason_for(kind, rows, facts.distinct);
  return kind;
}

std::int32_t StringPiece::append(std::string_view text) {
  arena_.append(text);
  ends_.push_back(arena_.size());
  return static_cast<std::int32_t>(ends_.size() - 1);
}

void StringPiece::grow() {
  slots_.assign(std::max<std::size_t>(64, slots_.size() * 2), -1);
  for (std::size_t e = 0; e < ends_.size(); ++e) {
    std::size_t slot = std::hash<std::string_view>{}(entry(e)) & (slots_.size() - 1);
    while (slots_[slot] >= 0) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = static_cast<std::int32_t>(e);
  }
}

std::int32_t StringPiece::code_of(std::string_view text) {
  if (distinct_ && static_cast<std::int64_t>(ends_.size()) > limit_) distinct_ = false;
  if (!distinct_) return append(text);
  if (2 * (ends_.size() + 1) > slots_.size()) grow();
  std::size_t slot = std::hash<std::string_view>{}(text) & (slots_.size() - 1);
  while (slots_[slot] >= 0 && entry(static_cast<std::size_t>(slots_[slot])) != text)
    slot = (slot + 1) & (slots_.size() - 1);
  if (slots_[slot] < 0) slots_[slot] = append(text);
  return slots_[slot];
}

void ColumnStore::allocate(std::size_t column, CellType type) {
  arrays_[column] = Tensor{};
  at_[column] = nullptr;
  if (type == CellType::string || slots_ == 0) return;
  const DType dtype = type == CellType::number    ? DType::f64
                      : type == CellType::boolean ? DType::u8
                                                  : DType::i64;
  arrays_[column] = Tensor::empty(Shape{slots_}, dtype);
  at_[column] = const_cast<std::byte*>(arrays_[column].raw());
}

void ColumnStore::move(std::size_t column, std::int64_t from, std::int64_t to, std::int64_t rows) {
  if (!arrays_[column].defined() || from == to) return;
  const auto width = static_cast<std::int64_t>(size_of(arrays_[column].dtype()));
  auto* base = static_cast<std::byte*>(at_[column]);
  std::memmove(base + to * width, base + from * width, static_cast<std::size_t>(rows * width));
}

void ColumnStore::fill_missing(std::size_t column) { std::fill_n(at<double>(column), slots_, std::nan("")); }

Tensor ColumnStore::take(std::size_t column, std::int64_t rows) {
  Tensor values = std::move(arrays_[column]);
  at_[column] = nullptr;
  return rows == slots_ ? values : values.slice(0, 0, rows);
}

Column finish_column(const ColumnParts& parts, ColumnStore& store, std::size_t index, const CellRules& rules,
                     ColumnSpec& spec, std::vector<Warning>& warnings) {
  const ColumnPlan& plan = *parts.plan;
  Column column;
  if (plan.type == CellType::string) {
    column = finish_strings(parts, rules, spec, warnings);
  } else {
    Tensor values = store.take(index, parts.total_rows);
    const Validity validity =
        plan.type == CellType::number ? Validity{} : validity_of(parts.total_rows, parts);
    if (plan.type == CellType::number)
      find_range<double>(values, parts.total_rows, validity, spec);
    else if (plan.type == CellType::boolean)
      find_range<std::uint8_t>(values, parts.total_rows, validity, spec);
    else
      find_range<std::int64_t>(values, parts.total_rows, validity, spec);
    switch (plan.type) {
      case CellType::number:
        column = Column::number(plan.name, values);
        break;
      case CellType::integer:
        column = Column::integer(plan.name, values, validity);
        break;
      case CellType::boolean:
        column = Column::boolean(plan.name, values, validity);
        break;
      default:
        column = Column::date(plan.name, values, validity);
    }
    spec.reason = reason_for(column.kind(), column.size() - column.num_missing(), 0);
  }
  spec.name = plan.name;
  spec.kind = column.kind();
  spec.num_missing = column.num_missing();
  if (column.kind() == ColumnKind::category) spec.levels = column.levels();
  if (plan.stated) spec.reason = plan.stated_by;
  return column;
}

}  // namespace cairn
