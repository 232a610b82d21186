#include "cairn/data/csv.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cairn/base/hash.h"
#include "cairn/base/parallel.h"
#include "cairn/base/suggest.h"
#include "cairn/data/compressed_input.h"
#include "cairn/data/csv_columns_internal.h"
#include "cairn/data/csv_faults_internal.h"
#include "cairn/data/csv_regions_internal.h"

namespace cairn {
namespace {

constexpr std::size_t kSampleRegions = 16;
constexpr int kSampleRows = 64;

class TableReading {
 public:
  TableReading(std::string_view text, const std::string& name, const ReadOptions& options,
               const InputBytes* input, char quote)
      : text_(text),
        name_(name),
        options_(options),
        input_(input),
        layout_(guess_layout(text, name, options, quote)) {}

  // False when quotes that quote nothing were met and the file may be read without them; `trouble` says
  // where.
  bool read(ReadResult& result, Fault& trouble) {
    check_head();
    if (layout_.names.empty()) {
      trouble = first_record_fault();
      return false;
    }
    plan_columns();
    regions_ = split_by_parity(text_, layout_.body, layout_.dialect, options_.stop);
    sample_types();
    start();
    Fault fault = run_passes();
    if (fault.kind == FaultKind::stray_quote) {
      regions_ = split_exactly(text_, layout_.body, layout_.dialect, options_.stop);
      exact_ = true;
      start();
      fault = run_passes();
    }
    if (fault.kind == FaultKind::unterminated_quote || fault.kind == FaultKind::text_after_quote) {
      trouble = fault;
      return false;
    }
    if (fault.kind != FaultKind::none) throw_fault(message_context(), fault);
    check_cells();
    finish(result);
    return true;
  }

  [[noreturn]] void refuse(const Fault& fault) const { throw_fault(message_context(), fault); }
  const CsvLayout& layout() const { return layout_; }

 private:
  FaultContext message_context() const { return {text_, name_, &layout_, options_.quote.empty()}; }

  void check_head() const {
    const Fault fault = check_text(text_, 0, std::min(layout_.body, text_.size()));
    if (fault.kind != FaultKind::none) throw_fault(message_context(), fault);
  }

  // Without a first record that follows the rules of quoting there are no columns.
  Fault first_record_fault() const {
    RecordReader reader(text_, layout_.dialect);
    std::vector<RawCell> cells;
    std::size_t at = layout_.body;
    const bool open = reader.read(at, cells) == RecordStatus::unterminated_quote;
    return {open ? FaultKind::unterminated_quote : FaultKind::text_after_quote, reader.fault_position(), 0};
  }

  void plan_columns() {
    const auto specs = options_.schema ? options_.schema->index() : decltype(options_.schema->index()){};
    for (const std::string& column : layout_.names) {
      ColumnPlan plan{.name = column};
      if (const auto spec = specs.find(column); spec != specs.end() &&
                                                spec->second->kind != ColumnKind::tensor &&
                                                spec->second->kind != ColumnKind::image) {
        plan.stated = spec->second->kind;
        plan.stated_by = "the model's schema";
      }
      if (const auto it = options_.types.find(column); it != options_.types.end()) {
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
    for (const auto& [column, kind] : options_.types)
      if (std::find(layout_.names.begin(), layout_.names.end(), column) == layout_.names.end())
        throw UsageError("--types", fmt::format("{} has no column '{}'", name_, column),
                         suggestion(column, layout_.names));
  }

  // Rows from the beginnings of regions all over the file: a good first guess saves a second pass, nothing
  // else.
  void sample_types() {
    std::vector<RawCell> cells;
    std::string scratch;
    const std::size_t step = std::max<std::size_t>(1, regions_.size() / kSampleRegions);
    for (std::size_t i = 0; i < regions_.size(); i += step) {
      RecordReader reader(text_.substr(0, regions_[i].end), layout_.dialect);
      std::size_t at = regions_[i].begin;
      for (int row = 0; row < kSampleRows && at < regions_[i].end; ++row) {
        const RecordStatus status = reader.read(at, cells);
        if (status == RecordStatus::unterminated_quote || status == RecordStatus::text_after_quote) break;
        if (cells.size() != plans_.size()) continue;
        for (std::size_t c = 0; c < cells.size(); ++c) {
          const std::string_view text = cells[c].value(layout_.dialect.quote, scratch);
          const CellTypes types = plans_[c].types & types_of(text, layout_.rules);
          if (types != 0 && layout_.rules.missing_spelling(text) < 0) plans_[c].types = types;
        }
      }
    }
    for (ColumnPlan& plan : plans_) plan.type = narrowest(plan.types);
  }

  void start() {
    std::int64_t slots = 0;
    for (const Region& region : regions_) slots += region.lines;
    const auto cells = static_cast<std::uint64_t>(slots) * plans_.size();
    const std::uint64_t bytes = cells * 8 + (input_ && !input_->mapped() ? text_.size() : 0);
    if (options_.max_memory > 0 && bytes > options_.max_memory)
      throw ResourceError(
          name_, fmt::format("about {} rows of {} columns need {} MB of memory; --max-memory allows {} MB",
                             slots, plans_.size(), bytes / 1'000'000, options_.max_memory / 1'000'000));
    store_ = std::make_unique<ColumnStore>(plans_.size(), slots);
    results_.clear();
    results_.resize(regions_.size());
    for (RegionResult& r : results_) {
      r.columns.resize(plans_.size());
      r.na_counts.assign(layout_.rules.na.size() + 1, 0);
    }
  }

  // Reads all columns, then again those in which some cell did not fit the guess, in the way that fits.
  Fault run_passes() {
    std::vector<std::uint8_t> active(plans_.size(), 1);
    for (bool first = true;; first = false) {
      for (std::size_t c = 0; c < plans_.size(); ++c)
        if (active[c]) store_->allocate(c, plans_[c].type);
      const PassContext pass{.text = text_,
                             .dialect = &layout_.dialect,
                             .rules = &layout_.rules,
                             .plans = &plans_,
                             .active = &active,
                             .store = store_.get(),
                             .exact_regions = exact_,
                             .unfit_is_missing = options_.missing == "missing",
                             .first_pass = first};
      parallel_for(
          static_cast<std::int64_t>(regions_.size()), 1,
          [&](std::int64_t b, std::int64_t) {
            const auto i = static_cast<std::size_t>(b);
            for (std::size_t c = 0; c < plans_.size(); ++c)
              if (active[c]) results_[i].columns[c] = ColumnPiece{};
            read_region(pass, regions_[i], results_[i]);
            if (input_) input_->forget(regions_[i].begin, regions_[i].end);
          },
          options_.stop);
      for (const RegionResult& r : results_)
        if (r.fault.kind != FaultKind::none) return r.fault;
      if (!widen(active)) return {};
    }
  }

  bool widen(std::vector<std::uint8_t>& active) {
    bool any = false;
    for (std::size_t c = 0; c < plans_.size(); ++c) {
      ColumnPlan& plan = plans_[c];
      CellTypes types = plan.types;
      if (active[c])
        for (const RegionResult& r : results_) types &= r.columns[c].types;
      if (types == 0) throw_mixed_dates(message_context(), plan.name);
      const bool either_order =
          accepts(types, CellType::day_first_date) && accepts(types, CellType::month_first_date);
      if (either_order && active[c] && plan.type == CellType::day_first_date) {
        if (plan.stated) throw_mixed_dates(message_context(), plan.name);
        types = bit_of(CellType::string);
      }
      plan.types = types;
      const bool changed = narrowest(types) != plan.type;
      plan.type = narrowest(types);
      active[c] = changed;
      any = any || changed;
    }
    return any;
  }

  void check_cells() {
    for (std::size_t c = 0; c < plans_.size(); ++c) {
      std::size_t unfit = kNowhere, not_finite = kNowhere;
      for (const RegionResult& r : results_) {
        unfit = std::min(unfit, r.columns[c].unfit);
        not_finite = std::min(not_finite, r.columns[c].not_finite);
      }
      const bool lenient = options_.missing == "missing";
      if (unfit != kNowhere && !lenient) throw_unfit_cell(message_context(), plans_[c], unfit);
      if (not_finite != kNowhere && plans_[c].type == CellType::number)
        throw_not_finite(message_context(), plans_[c], not_finite);
    }
  }

  void finish(ReadResult& result) {
    std::int64_t rows = 0;
    std::vector<std::int64_t> rows_of;
    for (std::size_t i = 0; i < results_.size(); ++i) {
      for (std::size_t c = 0; c < plans_.size(); ++c)
        store_->move(c, regions_[i].slot, rows, results_[i].rows);
      rows += results_[i].rows;
      rows_of.push_back(results_[i].rows);
    }
    if (rows == 0)
      throw DataError(name_, layout_.has_header ? "has a header line but no rows" : "has no rows");
    std::vector<Column> columns(plans_.size());
    std::vector<std::vector<Warning>> warnings(plans_.size());
    result.schema.columns.resize(plans_.size());
    parallel_for(static_cast<std::int64_t>(plans_.size()), 1, [&](std::int64_t b, std::int64_t) {
      const auto c = static_cast<std::size_t>(b);
      ColumnPlan& plan = plans_[c];
      if (plan.types == kAllCellTypes) plan.type = CellType::number;  // no value at all
      if (plan.types == kAllCellTypes) store_->allocate(c, plan.type);
      ColumnParts parts{&plan, {}, &rows_of, rows};
      for (RegionResult& r : results_) parts.pieces.push_back(&r.columns[c]);
      if (plan.types == kAllCellTypes) store_->fill_missing(c);
      columns[c] = finish_column(parts, *store_, c, layout_.rules, result.schema.columns[c], warnings[c]);
      for (RegionResult& r : results_) r.columns[c].strings.reset();
    });
    result.table = Table(std::move(columns));
    result.guesses = std::move(layout_.guesses);
    result.warnings = std::move(layout_.warnings);
    for (auto& w : warnings) result.warnings.insert(result.warnings.end(), w.begin(), w.end());
    report(result);
  }

  void report(ReadResult& result) const {
    std::vector<std::string> found;
    for (std::size_t s = 0; s <= layout_.rules.na.size(); ++s) {
      std::int64_t n = 0;
      for (const RegionResult& r : results_) n += r.na_counts[s];
      if (n == 0) continue;
      found.push_back(s == layout_.rules.na.size() ? fmt::format("empty ({} cells)", n)
                                                   : fmt::format("'{}' ({} cells)", layout_.rules.na[s], n));
    }
    const bool trimmed =
        std::any_of(results_.begin(), results_.end(), [](const auto& r) { return r.trimmed; });
    if (trimmed && !layout_.dialect.runs_of_blanks())
      result.guesses.push_back("blanks around cells: taken off");
    if (!found.empty()) result.guesses.push_back(fmt::format("missing: {}", fmt::join(found, ", ")));
    std::size_t swallowed = kNowhere;
    for (const RegionResult& r : results_) swallowed = std::min(swallowed, r.swallowed);
    if (swallowed != kNowhere)
      result.warnings.push_back({"doubtful_quotes", "",
                                 fmt::format("{}:{}: a quoted cell begins here that spans lines which look "
                                             "like rows of their own. --quote none reads "
                                             "quotes as plain characters.",
                                             name_, line_of(text_, swallowed, layout_.dialect.newline))});
    for (std::size_t c = 0; c < plans_.size(); ++c) {
      std::int64_t unfit = 0;
      for (const RegionResult& r : results_) unfit += r.columns[c].num_unfit;
      if (unfit > 0)
        result.warnings.push_back({"unfit_cells", plans_[c].name,
                                   fmt::format("Column '{}': {} cells are no {} and were taken for missing.",
                                               plans_[c].name, unfit, name_of(kind_of(plans_[c].type)))});
    }
  }

  std::string_view text_;
  const std::string& name_;
  const ReadOptions& options_;
  const InputBytes* input_;
  CsvLayout layout_;
  std::vector<ColumnPlan> plans_;
  std::vector<Region> regions_;
  std::vector<RegionResult> results_;
  std::unique_ptr<ColumnStore> store_;
  bool exact_ = false;
};

ReadResult read_bytes(std::string_view text, const std::string& name, const ReadOptions& options,
                      const InputBytes* input) {
  if (options.missing != "error" && options.missing != "missing")
    throw UsageError("--missing", fmt::format("'{}' is neither error nor missing", options.missing));
  if (text.empty()) throw DataError(name, "is empty; a table has a header line and rows");
  refuse_other_encodings(text, name);
  ReadResult result;
  if (options.sha256) result.sha256 = sha256_hex(text);
  const std::string_view marked = text;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.empty()) throw DataError(name, "is empty; a table has a header line and rows");
  if (options.progress) options.progress->begin("reading " + name, static_cast<std::int64_t>(marked.size()));
  Fault trouble;
  const char quote = quote_option(options);
  TableReading reading(text, name, options, input, quote);
  if (!reading.read(result, trouble)) {
    if (!options.quote.empty() || quotes_are_meant(reading.layout(), text)) reading.refuse(trouble);
    // Quotes do not follow the rules all over the file. Where it is a table without them, they are letters
    // like any other.
    try {
      ReadResult plain;
      Fault none;
      TableReading again(text, name, options, input, 0);
      again.read(plain, none);
      plain.sha256 = result.sha256;
      plain.warnings.insert(plain.warnings.begin(), doubtful_quotes(reading.layout(), text, name, trouble));
      plain.guesses.push_back("quotes: none");
      result = std::move(plain);
    } catch (const DataError&) {
      reading.refuse(trouble);
    }
  }
  if (options.progress) {
    options.progress->advance(static_cast<std::int64_t>(marked.size()));
    options.progress->end();
  }
  return result;
}

bool sniff_text(std::string_view bytes) {
  if (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff"))
    return true;  // refused with the way out, not unknown
  return !bytes.empty() && bytes.find('\0') == bytes.npos;
}

}  // namespace

ReadResult read_csv_text(std::string_view text, const std::string& name, const ReadOptions& options) {
  return read_bytes(text, name, options, nullptr);
}

ReadResult read_csv(const std::string& path, const ReadOptions& options) {
  InputLimits limits;
  if (options.max_memory > 0) limits.max_bytes = options.max_memory;
  const InputBytes input = open_input(path, limits, options.stop);
  ReadResult result = read_bytes(input.bytes(), path == "-" ? "standard input" : path, options, &input);
  if (input.encoding() != "plain")
    result.guesses.insert(result.guesses.begin(), "compression: " + input.encoding());
  return result;
}

const Reader kCsvReader = {
    .name = "csv",
    .doc = "Delimited text: comma, tab, semicolon, bar or blanks; plain, .gz or .zst.",
    .sniff = &sniff_text,
    .read = [](const std::string& path, const ReadOptions& options) { return read_csv(path, options); },
};

}  // namespace cairn
