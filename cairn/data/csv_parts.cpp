#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/data/compressed_input.h"
#include "cairn/data/csv.h"
#include "cairn/data/csv_reading_internal.h"
#include "cairn/data/no_rows.h"

namespace cairn {
namespace {

// Levels of a category that --types asks for: beyond these it would be no table in bounded memory.
constexpr std::int64_t kMostStatedLevels = 1'000'000;

// What the parts told of one column so far.
class ColumnTally {
 public:
  explicit ColumnTally(const ColumnPlan& plan) : strings_(limit_of(plan)) {}

  void add(const ColumnSpec& spec, const Column& column, const ColumnPlan& plan) {
    values_ += column.size() - column.num_missing();
    missing_ += column.num_missing();
    if (column.size() > column.num_missing() && plan.type != CellType::string) {
      low_ = std::min(low_, spec.low);
      high_ = std::max(high_, spec.high);
    }
    if (plan.type == CellType::string && complete_ && plan.stated != ColumnKind::text)
      add_strings(column, plan);
    // A reading under which an earlier part was tallied and which is no longer the column's.
    const bool any = plan.types != kAllCellTypes;
    stale_ = stale_ || (read_as_ && *read_as_ != plan.type &&
                        !(*read_as_ == CellType::integer && plan.type == CellType::number));
    if (any) read_as_ = plan.type;
  }
  bool stale() const { return stale_; }

  // The column of the whole table. `plan` is told the kind of strings, so that every part has the same.
  ColumnSpec spec(ColumnPlan& plan, const CellRules& rules, std::vector<Warning>& warnings) const {
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

 private:
  static std::int64_t limit_of(const ColumnPlan& plan) {
    return plan.stated == ColumnKind::category ? kMostStatedLevels : kMaxLevels;
  }

  // In order of appearance, as reading the whole would meet them.
  void add_strings(const Column& column, const ColumnPlan& plan) {
    const auto add_row = [&](std::int32_t code) {
      if (counts_.size() < strings_.num_entries()) counts_.push_back(0);
      ++counts_[static_cast<std::size_t>(code)];
      complete_ = static_cast<std::int64_t>(strings_.num_entries()) <= limit_of(plan);
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
        if (!column.is_missing(r)) add_row(strings_.code_of(column.text_at(r)));
    }
    if (complete_) return;
    if (plan.stated)
      throw ResourceError(
          fmt::format("column '{}'", plan.name),
          fmt::format("--types makes it a category, of more than {} levels", kMostStatedLevels),
          fmt::format("--types {}=text, or --ignore {}.", plan.name, plan.name));
    counts_.clear();
  }

  std::int64_t values_ = 0, missing_ = 0;
  double low_ = std::numeric_limits<double>::infinity(), high_ = -low_;
  StringPiece strings_;
  std::vector<std::int64_t> counts_;
  bool complete_ = true, stale_ = false;
  std::optional<CellType> read_as_;
};

Column column_without_rows(const ColumnSpec& spec) {
  const auto none = [](DType dtype) { return Tensor::empty(Shape{0}, dtype); };
  switch (spec.kind) {
    case ColumnKind::integer:
      return Column::integer(spec.name, none(DType::i64));
    case ColumnKind::boolean:
      return Column::boolean(spec.name, none(DType::u8));
    case ColumnKind::category:
      return Column::category(spec.name, none(DType::i32), spec.levels);
    case ColumnKind::text:
      return Column::text(spec.name, std::span<const std::string>{});
    case ColumnKind::date:
      return Column::date(spec.name, none(DType::i64));
    default:
      return Column::number(spec.name, none(DType::f64));
  }
}

// Codes into the levels of the whole table.
Column with_levels(const Column& column, const std::vector<std::string>& levels) {
  std::vector<std::int32_t> place;
  for (const std::string& level : column.levels())
    place.push_back(static_cast<std::int32_t>(std::ranges::lower_bound(levels, level) - levels.begin()));
  std::vector<std::int32_t> codes;
  codes.reserve(static_cast<std::size_t>(column.size()));
  for (const std::int32_t c : column.codes())
    codes.push_back(c < 0 ? -1 : place[static_cast<std::size_t>(c)]);
  return Column::category(column.name(), Tensor::take(std::move(codes)), levels);
}

class CsvParts final : public TableParts {
 public:
  CsvParts(const std::string& path, const ReadOptions& options, std::size_t part_bytes)
      : name_(path),
        options_(options),
        input_(open_input(path, {}, options.stop)),
        part_bytes_(std::max<std::size_t>(part_bytes, 1)) {
    options_.max_memory = 0;  // of a whole table; parts stay far below it
    const std::string_view text = checked_text(input_.bytes(), name_, options_);
    if (options_.sha256) about_.sha256 = sha256_of(input_.bytes(), &input_, options_.stop);
    begin_progress();
    read_with_or_without_quotes(
        text, name_, options_, &input_, std::min(kRegionBytes, part_bytes_),
        [&](const std::shared_ptr<CsvReading>& reading, ReadResult& result, Fault& trouble) {
          reading_ = reading;
          return scan(result, trouble);
        },
        about_);
    end_progress();
  }

  const ReadResult& about() const override { return about_; }
  std::int64_t num_rows() const override { return rows_; }

  void blocks(const std::function<bool(const Table&, std::int64_t)>& use) override {
    begin_progress();
    std::int64_t first_row = 0;
    for (std::size_t begin = 0; begin < reading_->num_regions();) {
      const std::size_t end = end_of_part(*reading_, begin);
      ReadResult part;
      const std::int64_t rows = convert_again(begin, end, part);
      if (rows > 0 && !use(uniform(std::move(part.table)), first_row)) break;
      first_row += rows;
      advance(begin, end);
      begin = end;
    }
    end_progress();
  }

 private:
  // Finds the kinds of all columns and what there is to say of them.
  bool scan(ReadResult& result, Fault& trouble) {
    if (!reading_->begin(trouble)) return false;
    for (;;) {
      std::vector<ColumnTally> tallies;
      const Fault fault = tally_all(tallies);
      if (CsvReading::is_trouble(fault)) {
        trouble = fault;
        return false;
      }
      if (fault.kind == FaultKind::stray_quote) {
        reading_->split_exactly();
        continue;
      }
      // A late part broke a column's kind: what the parts before it told was told of another kind.
      if (std::ranges::any_of(tallies, &ColumnTally::stale)) continue;
      settle(tallies, result);
      return true;
    }
  }

  // The fault that ended the pass, or none.
  Fault tally_all(std::vector<ColumnTally>& tallies) {
    ColumnTyping& typing = reading_->typing();
    typing.forget_counts();
    for (const ColumnPlan& plan : typing.plans()) tallies.emplace_back(plan);
    rows_ = 0;
    for (std::size_t begin = 0; begin < reading_->num_regions();) {
      const std::size_t end = end_of_part(*reading_, begin);
      const Fault fault = reading_->convert(begin, end, end < reading_->num_regions());
      if (fault.kind != FaultKind::none) return fault;
      ReadResult part;
      if (const std::int64_t rows = reading_->take(part); rows > 0) {
        rows_ += rows;
        for (std::size_t c = 0; c < tallies.size(); ++c)
          tallies[c].add(part.schema.columns[c], part.table.column(static_cast<std::int64_t>(c)),
                         typing.plans()[c]);
      }
      advance(begin, end);
      begin = end;
    }
    return {};
  }

  void settle(const std::vector<ColumnTally>& tallies, ReadResult& result) {
    if (rows_ == 0) reading_->refuse_no_rows();
    std::vector<ColumnPlan>& plans = reading_->typing().plans();
    std::vector<Column> columns;
    result.schema.columns.clear();
    for (std::size_t c = 0; c < tallies.size(); ++c) {
      result.schema.columns.push_back(tallies[c].spec(plans[c], reading_->layout().rules, result.warnings));
      columns.push_back(column_without_rows(result.schema.columns[c]));
      settled_.push_back(plans[c].types);
    }
    result.table = Table(std::move(columns));
    reading_->report(result);
  }

  std::int64_t convert_again(std::size_t begin, std::size_t end, ReadResult& part) {
    const Fault fault = reading_->convert(begin, end, true);
    bool same = fault.kind == FaultKind::none;
    for (std::size_t c = 0; c < settled_.size(); ++c)
      same = same && reading_->typing().plans()[c].types == settled_[c];
    if (!same)
      throw DataError(name_, "has changed while it was read in parts", "Leave it as it is until the end.");
    return reading_->take(part);
  }

  Table uniform(Table part) const {
    std::vector<Column> columns = std::move(part).columns();
    for (std::size_t c = 0; c < columns.size(); ++c)
      if (columns[c].kind() == ColumnKind::category)
        columns[c] = with_levels(columns[c], about_.schema.columns[c].levels);
    return Table(std::move(columns));
  }

  std::size_t end_of_part(const CsvReading& reading, std::size_t begin) const {
    const std::size_t from = begin == 0 ? reading.layout().body : reading.end_of(begin - 1);
    std::size_t end = begin + 1;
    while (end < reading.num_regions() && reading.end_of(end) - from <= part_bytes_) ++end;
    return end;
  }

  void begin_progress() const {
    if (options_.progress)
      options_.progress->begin("reading " + name_, static_cast<std::int64_t>(input_.bytes().size()));
  }
  void advance(std::size_t begin, std::size_t end) const {
    if (!options_.progress) return;
    const std::size_t from = begin == 0 ? 0 : reading_->end_of(begin - 1);
    options_.progress->advance(static_cast<std::int64_t>(reading_->end_of(end - 1) - from));
  }
  void end_progress() const {
    if (options_.progress) options_.progress->end();
  }

  std::string name_;
  ReadOptions options_;
  InputBytes input_;
  std::size_t part_bytes_;
  std::shared_ptr<CsvReading> reading_;
  ReadResult about_;
  std::vector<CellTypes> settled_;
  std::int64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<TableParts> csv_parts(const std::string& path, const ReadOptions& options,
                                      std::size_t part_bytes) {
  if (!is_plain_file(path)) return nullptr;
  return std::make_unique<CsvParts>(path, options, part_bytes);
}

}  // namespace cairn
