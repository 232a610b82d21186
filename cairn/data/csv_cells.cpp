#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/base/suggest.h"
#include "cairn/data/csv_cells_internal.h"
#include "cairn/data/csv_faults_internal.h"

namespace cairn {

CellConverter::CellConverter(const CellPass& pass, std::int64_t first_slot, std::int64_t lines,
                             CellResult& result)
    : pass_(pass), result_(result), first_slot_(first_slot) {
  for (std::size_t c = 0; c < pass.plans->size(); ++c) {
    const ColumnPlan& plan = (*pass.plans)[c];
    if (!(*pass.active)[c] || plan.type != CellType::string) continue;
    const std::int64_t limit = plan.stated == ColumnKind::text       ? -1
                               : plan.stated == ColumnKind::category ? lines
                                                                     : kMaxLevels;
    result.columns[c].strings = std::make_unique<StringPiece>(limit);
  }
}

bool CellConverter::take_missing(std::string_view text, std::size_t c, std::int64_t row) {
  const int spelling = pass_.rules->missing_spelling(text);
  if (spelling < 0) return false;
  if (pass_.first_pass) ++result_.na_counts[static_cast<std::size_t>(spelling)];
  set_missing(c, row);
  return true;
}

void CellConverter::set_missing(std::size_t c, std::int64_t row) {
  ColumnPiece& piece = result_.columns[c];
  ++piece.num_missing;
  const CellType type = (*pass_.plans)[c].type;
  const std::int64_t slot = first_slot_ + row;
  if (type != CellType::number) piece.missing.push_back(static_cast<std::int32_t>(row));
  switch (type) {
    case CellType::number:
      pass_.store->at<double>(c)[slot] = std::nan("");
      break;
    case CellType::boolean:
      pass_.store->at<std::uint8_t>(c)[slot] = 0;
      break;
    case CellType::string:
      piece.strings->add_missing();
      break;
    default:
      pass_.store->at<std::int64_t>(c)[slot] = 0;
  }
}

bool CellConverter::store_value(std::size_t c, std::int64_t slot, std::string_view text) {
  const ColumnPlan& plan = (*pass_.plans)[c];
  switch (plan.type) {
    case CellType::boolean: {
      std::uint8_t& to = pass_.store->at<std::uint8_t>(c)[slot];
      if (parse_boolean(text, to)) {  // where no cell before it had a value, any kind was possible
        result_.columns[c].types &= bit_of(CellType::boolean) | bit_of(CellType::string);
        return true;
      }
      if (!plan.stated || (text != "0" && text != "1")) return false;
      to = text == "1";
      return true;
    }
    case CellType::integer:
      return parse_integer(text, *pass_.rules, pass_.store->at<std::int64_t>(c)[slot]);
    case CellType::number:
      return parse_number(text, *pass_.rules, pass_.store->at<double>(c)[slot]) == NumberStatus::ok;
    case CellType::string:
      result_.columns[c].strings->add(text);
      return true;
    default:
      return store_date(c, slot, text);
  }
}

// A date such as 31/5/2024 also settles which of its numbers is the day.
bool CellConverter::store_date(std::size_t c, std::int64_t slot, std::string_view text) {
  const CellType type = (*pass_.plans)[c].type;
  CellTypes& types = result_.columns[c].types;
  std::int64_t other = 0;
  if (type == CellType::day_first_date && accepts(types, CellType::month_first_date) &&
      !parse_date(text, CellType::month_first_date, other))
    types &= static_cast<CellTypes>(~bit_of(CellType::month_first_date));
  return parse_date(text, type, pass_.store->at<std::int64_t>(c)[slot]);
}

void CellConverter::convert(std::size_t c, std::int64_t row, std::string_view text, std::size_t position) {
  const ColumnPlan& plan = (*pass_.plans)[c];
  const bool look_first = pass_.missing_first || text.empty() || plan.type == CellType::string;
  if (look_first && take_missing(text, c, row)) return;
  if (store_value(c, first_slot_ + row, text)) return;
  if (!look_first && take_missing(text, c, row)) return;
  ColumnPiece& piece = result_.columns[c];
  const CellTypes types = types_of(text, *pass_.rules);
  // A stated kind has at most one reading, dates aside; a column that is guessed widens.
  if (plan.stated && (plan.types & types) == 0) {
    if (piece.unfit == kNowhere) piece.unfit = position;
    ++piece.num_unfit;
  } else if (plan.type == CellType::number && accepts(types, CellType::number)) {
    if (pass_.unfit_is_missing)
      ++piece.num_unfit;
    else if (piece.not_finite == kNowhere)
      piece.not_finite = position;
  } else {
    piece.types &= types;
  }
  set_missing(c, row);
}

ColumnTyping::ColumnTyping(const std::vector<std::string>& names, CellRules rules, const ReadOptions& options,
                           std::string name)
    : name_(std::move(name)), rules_(std::move(rules)), options_(options) {
  const auto specs = options.schema ? options.schema->index() : decltype(options.schema->index()){};
  for (const std::string& column : names) {
    ColumnPlan plan{.name = column};
    if (const auto spec = specs.find(column); spec != specs.end() &&
                                              spec->second->kind != ColumnKind::tensor &&
                                              spec->second->kind != ColumnKind::image) {
      plan.stated = spec->second->kind;
      plan.stated_by = "the model's schema";
    }
    if (const auto it = options.types.find(column); it != options.types.end()) {
      plan.stated = it->second;
      plan.stated_by = "--types";
    }
    if (plan.stated == ColumnKind::tensor || plan.stated == ColumnKind::image)
      throw UsageError("--types", fmt::format("cells of a text table cannot be {}s ('{}')",
                                              name_of(*plan.stated), column));
    if (plan.stated) plan.types = types_of(*plan.stated);
    // A model that met only whole numbers takes others as well; its schema decides what they become.
    if (plan.stated == ColumnKind::integer && plan.stated_by != "--types")
      plan.types |= bit_of(CellType::number);
    plans_.push_back(std::move(plan));
  }
  for (const auto& [column, kind] : options.types)
    if (std::find(names.begin(), names.end(), column) == names.end())
      throw UsageError("--types", fmt::format("{} has no column '{}'", name_, column),
                       suggestion(column, names));
  // A spelling such as -999 is a fine number, so it must be looked for before a cell is converted.
  double number = 0;
  for (const std::string& na : rules_.na)
    missing_first_ |= parse_number(na, rules_, number) == NumberStatus::ok ||
                      (types_of(na, rules_) & ~(bit_of(CellType::string) | bit_of(CellType::number))) != 0;
}

void ColumnTyping::look_at(std::size_t column, std::string_view cell) {
  const CellTypes types = plans_[column].types & types_of(cell, rules_);
  if (types != 0 && rules_.missing_spelling(cell) < 0) plans_[column].types = types;
}

void ColumnTyping::start(std::int64_t slots, std::uint64_t held, const std::vector<CellResult*>& results) {
  const auto cells = static_cast<std::uint64_t>(slots) * plans_.size();
  const std::uint64_t bytes = cells * 8 + held;
  if (options_.max_memory > 0 && bytes > options_.max_memory)
    throw ResourceError(
        name_, fmt::format("about {} rows of {} columns need {} MB of memory; --max-memory allows {} MB",
                           slots, plans_.size(), bytes / 1'000'000, options_.max_memory / 1'000'000));
  for (ColumnPlan& plan : plans_) plan.type = narrowest(plan.types);
  store_ = std::make_unique<ColumnStore>(plans_.size(), slots);
  results_ = results;
  for (CellResult* r : results_) {
    r->columns.clear();
    r->columns.resize(plans_.size());
    r->na_counts.assign(rules_.na.size() + 1, 0);
  }
}

bool ColumnTyping::run(const std::function<bool(const CellPass&)>& pass, bool more) {
  active_.assign(plans_.size(), 1);
  for (bool first = true;; first = false) {
    for (std::size_t c = 0; c < plans_.size(); ++c) {
      if (!active_[c]) continue;
      store_->allocate(c, plans_[c].type);
      for (CellResult* r : results_) r->columns[c] = ColumnPiece{};
    }
    const CellPass cells{.rules = &rules_,
                         .plans = &plans_,
                         .active = &active_,
                         .store = store_.get(),
                         .unfit_is_missing = options_.missing == "missing",
                         .first_pass = first,
                         .missing_first = missing_first_};
    if (!pass(cells)) return false;
    if (!widen(more)) return true;
  }
}

// Columns in which some cell did not fit get the kind that fits, and another pass.
bool ColumnTyping::widen(bool more) {
  bool any = false;
  for (std::size_t c = 0; c < plans_.size(); ++c) {
    ColumnPlan& plan = plans_[c];
    CellTypes types = plan.types;
    if (active_[c])
      for (const CellResult* r : results_) types &= r->columns[c].types;
    if (types == 0) throw_mixed_dates(name_, plan.name);
    const bool either_order =
        accepts(types, CellType::day_first_date) && accepts(types, CellType::month_first_date);
    if (either_order && active_[c] && !more && plan.type == CellType::day_first_date) {
      if (plan.stated) throw_mixed_dates(name_, plan.name);
      types = bit_of(CellType::string);
    }
    plan.types = types;
    const bool changed = narrowest(types) != plan.type;
    plan.type = narrowest(types);
    active_[c] = changed;
    any = any || changed;
  }
  return any;
}

void ColumnTyping::check(const std::function<std::string(std::size_t)>& place,
                         const std::function<std::string(std::size_t)>& cell) const {
  const bool lenient = options_.missing == "missing";
  for (std::size_t c = 0; c < plans_.size(); ++c) {
    std::size_t unfit = kNowhere, not_finite = kNowhere;
    for (const CellResult* r : results_) {
      unfit = std::min(unfit, r->columns[c].unfit);
      not_finite = std::min(not_finite, r->columns[c].not_finite);
    }
    if (unfit != kNowhere && !lenient) throw_unfit_cell(place(unfit), cell(unfit), plans_[c]);
    if (not_finite != kNowhere && plans_[c].type == CellType::number)
      throw_not_finite(place(not_finite), cell(not_finite), plans_[c]);
  }
}

void ColumnTyping::finish(const std::vector<std::int64_t>& slots, ReadResult& result) {
  std::int64_t rows = 0;
  std::vector<std::int64_t> rows_of;
  for (std::size_t i = 0; i < results_.size(); ++i) {
    for (std::size_t c = 0; c < plans_.size(); ++c) store_->move(c, slots[i], rows, results_[i]->rows);
    rows += results_[i]->rows;
    rows_of.push_back(results_[i]->rows);
  }
  na_counts_.resize(rules_.na.size() + 1);
  unfit_.resize(plans_.size());
  for (const CellResult* r : results_) {
    for (std::size_t s = 0; s < na_counts_.size(); ++s) na_counts_[s] += r->na_counts[s];
    for (std::size_t c = 0; c < plans_.size(); ++c) unfit_[c] += r->columns[c].num_unfit;
  }
  std::vector<Column> columns(plans_.size());
  std::vector<std::vector<Warning>> warnings(plans_.size());
  result.schema.columns.resize(plans_.size());
  parallel_for(static_cast<std::int64_t>(plans_.size()), 1, [&](std::int64_t b, std::int64_t) {
    const auto c = static_cast<std::size_t>(b);
    ColumnPlan& plan = plans_[c];
    if (plan.types == kAllCellTypes) plan.type = CellType::number;  // no value at all
    if (plan.types == kAllCellTypes) store_->allocate(c, plan.type);
    ColumnParts parts{&plan, {}, &rows_of, rows};
    for (CellResult* r : results_) parts.pieces.push_back(&r->columns[c]);
    if (plan.types == kAllCellTypes) store_->fill_missing(c);
    columns[c] = finish_column(parts, *store_, c, rules_, result.schema.columns[c], warnings[c]);
    for (CellResult* r : results_) r->columns[c].strings.reset();
  });
  result.table = Table(std::move(columns));
  for (auto& w : warnings) result.warnings.insert(result.warnings.end(), w.begin(), w.end());
}

void ColumnTyping::report(ReadResult& result) const {
  std::vector<std::string> found;
  for (std::size_t s = 0; s < na_counts_.size(); ++s) {
    const std::int64_t n = na_counts_[s];
    if (n == 0) continue;
    found.push_back(s == rules_.na.size() ? fmt::format("empty ({} cells)", n)
                                          : fmt::format("'{}' ({} cells)", rules_.na[s], n));
  }
  if (!found.empty()) result.guesses.push_back(fmt::format("missing: {}", fmt::join(found, ", ")));
  for (std::size_t c = 0; c < unfit_.size(); ++c)
    if (unfit_[c] > 0)
      result.warnings.push_back({"unfit_cells", plans_[c].name,
                                 fmt::format("Column '{}': {} cells are no {} and were taken for missing.",
                                             plans_[c].name, unfit_[c], name_of(kind_of(plans_[c].type)))});
}

void ColumnTyping::forget_counts() {
  na_counts_.clear();
  unfit_.clear();
}

}  // namespace cairn
