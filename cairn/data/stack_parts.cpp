#include "cairn/data/stack_parts.h"

#include <algorithm>
#include <utility>

#include "cairn/data/column_tally_internal.h"
#include "cairn/data/stack.h"

namespace cairn {
namespace {

bool is_string(ColumnKind kind) { return kind == ColumnKind::text || kind == ColumnKind::category; }

class StackedParts final : public TableParts {
 public:
  StackedParts(std::vector<NamedParts> tables, ReadResult told, const ReadOptions& options)
      : tables_(std::move(tables)), about_(std::move(told)) {
    const Table& first = tables_[0].parts->about().table;
    for (const NamedParts& t : tables_) {
      const Table& table = t.parts->about().table;
      require_same_columns({tables_[0].name, first}, {t.name, table});
      std::vector<std::size_t>& places = places_.emplace_back();
      const auto index = table.index();
      for (const std::string& name : first.names()) places.push_back(index.at(name));
      rows_ += t.parts->num_rows();
    }
    for (std::size_t c = 0; c < places_[0].size(); ++c) about_.schema.columns.push_back(joined_numbers(c));
    join_strings(options);
    std::vector<Column> columns;
    for (const ColumnSpec& spec : about_.schema.columns) columns.push_back(column_without_rows(spec));
    about_.table = Table(std::move(columns));
  }

  const ReadResult& about() const override { return about_; }
  std::int64_t num_rows() const override { return rows_; }

  void blocks(const std::function<bool(const Table&, std::int64_t)>& use) override {
    std::int64_t first_row = 0;
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      bool more = true;
      tables_[t].parts->blocks(
          [&](const Table& part, std::int64_t row) { return more = use(in_form(part, t), first_row + row); });
      if (!more) return;
      first_row += tables_[t].parts->num_rows();
    }
  }

  std::optional<Table> take_whole() override {
    std::vector<Table> all;
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      std::optional<Table> whole = tables_[t].parts->take_whole();
      if (whole && all.size() == t) all.push_back(in_form(*whole, t));
    }
    if (all.size() < tables_.size()) return std::nullopt;
    return stack_alike(std::move(all));
  }

  void drop_whole() override {
    for (const NamedParts& t : tables_) t.parts->drop_whole();
  }

 private:
  const ColumnSpec& spec_in(std::size_t table, std::size_t column) const {
    return tables_[table].parts->about().schema.columns[places_[table][column]];
  }

  // The column as one of numbers, dates or booleans, where it is one in every table; else as text for now.
  // A table without a value in it fits any kind.
  ColumnSpec joined_numbers(std::size_t c) const {
    ColumnSpec joint{.name = spec_in(0, c).name};
    bool alike = true;
    std::vector<ColumnKind> kinds;
    for (std::size_t t = 0; t < tables_.size(); ++t) {
      const ColumnSpec& spec = spec_in(t, c);
      alike = alike && spec.kind == spec_in(0, c).kind;
      joint.num_missing += spec.num_missing;
      if (spec.num_missing == tables_[t].parts->num_rows()) continue;
      joint.low = kinds.empty() ? spec.low : std::min(joint.low, spec.low);
      joint.high = kinds.empty() ? spec.high : std::max(joint.high, spec.high);
      kinds.push_back(spec.kind);
    }
    const auto all_are = [&](auto is) { return std::ranges::all_of(kinds, is); };
    if (alike)
      joint.kind = spec_in(0, c).kind;
    else if (all_are([&](ColumnKind k) { return k == kinds[0]; }))
      joint.kind = kinds.empty() ? ColumnKind::number : kinds[0];
    else if (all_are([](ColumnKind k) { return k == ColumnKind::integer || k == ColumnKind::number; }))
      joint.kind = ColumnKind::number;
    else
      joint.kind = ColumnKind::text;
    if (is_string(joint.kind))
      joint = {.name = joint.name, .kind = ColumnKind::text, .num_missing = joint.num_missing};
    else
      joint.reason = reason_for(joint.kind, rows_ - joint.num_missing, 0);
    return joint;
  }

  // Text or category is decided by the cells of all tables.
  void join_strings(const ReadOptions& options) {
    std::vector<std::size_t> places;
    std::vector<ColumnPlan> plans;
    std::vector<ColumnTally> tallies;
    bool any_open = false;
    for (std::size_t c = 0; c < about_.schema.columns.size(); ++c) {
      const ColumnSpec& spec = about_.schema.columns[c];
      if (!is_string(spec.kind)) continue;
      ColumnPlan plan{.name = spec.name,
                      .types = bit_of(CellType::string),
                      .type = CellType::string,
                      .stated = {},
                      .stated_by = {}};
      if (const auto stated = options.types.find(spec.name); stated != options.types.end()) {
        plan.stated = stated->second;
        plan.stated_by = "--types";
      }
      any_open = any_open || plan.stated != ColumnKind::text;
      places.push_back(c);
      tallies.emplace_back(plan);
      plans.push_back(std::move(plan));
    }
    for (std::size_t t = 0; t < tables_.size() && any_open; ++t)
      tables_[t].parts->blocks([&](const Table& part, std::int64_t) {
        for (std::size_t i = 0; i < places.size(); ++i)
          tallies[i].add({}, part.column(static_cast<std::int64_t>(places_[t][places[i]])), plans[i]);
        return true;
      });
    const CellRules rules{.decimal = options.decimal == 0 ? '.' : options.decimal,
                          .thousands = options.thousands,
                          .na = options.na.empty() ? default_na() : options.na};
    for (std::size_t i = 0; i < places.size(); ++i) {
      ColumnSpec& spec = about_.schema.columns[places[i]];
      const std::int64_t missing = spec.num_missing;
      spec = tallies[i].spec(plans[i], rules, about_.warnings);
      spec.num_missing = missing;
    }
  }

  Table in_form(const Table& part, std::size_t table) const {
    std::vector<Column> columns;
    for (std::size_t c = 0; c < places_[table].size(); ++c)
      columns.push_back(
          in_form_of(about_.schema.columns[c], part.column(static_cast<std::int64_t>(places_[table][c]))));
    return Table(std::move(columns));
  }

  std::vector<NamedParts> tables_;
  std::vector<std::vector<std::size_t>> places_;  // table -> column here -> column there
  ReadResult about_;
  std::int64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<TableParts> stack_parts(std::vector<NamedParts> tables, ReadResult told,
                                        const ReadOptions& options) {
  CAIRN_ASSERT(!tables.empty());
  return std::make_unique<StackedParts>(std::move(tables), std::move(told), options);
}

}  // namespace cairn
