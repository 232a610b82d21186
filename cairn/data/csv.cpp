#include "cairn/data/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cairn/base/hash.h"
#include "cairn/base/parallel.h"
#include "cairn/data/compressed_input.h"
#include "cairn/data/csv_cells_internal.h"
#include "cairn/data/csv_faults_internal.h"
#include "cairn/data/csv_regions_internal.h"
#include "cairn/data/no_rows.h"

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
    typing_.emplace(layout_.names, layout_.rules, options_, name_);
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
        if (cells.size() != layout_.names.size()) continue;
        for (std::size_t c = 0; c < cells.size(); ++c)
          typing_->look_at(c, cells[c].value(layout_.dialect.quote, scratch));
      }
    }
    typing_->settle_guesses();
  }

  void start() {
    std::int64_t slots = 0;
    for (const Region& region : regions_) slots += region.lines;
    results_.clear();
    results_.resize(regions_.size());
    std::vector<CellResult*> results;
    for (RegionResult& r : results_) results.push_back(&r);
    typing_->start(slots, input_ && !input_->mapped() ? text_.size() : 0, results);
  }

  Fault run_passes() {
    Fault fault;
    typing_->run([&](const CellPass& cells) {
      const PassContext pass{
          .text = text_, .dialect = &layout_.dialect, .cells = cells, .exact_regions = exact_};
      parallel_for(
          static_cast<std::int64_t>(regions_.size()), 1,
          [&](std::int64_t b, std::int64_t) {
            const auto i = static_cast<std::size_t>(b);
            read_region(pass, regions_[i], results_[i]);
            if (input_) input_->forget(regions_[i].begin, regions_[i].end);
          },
          options_.stop);
      for (const RegionResult& r : results_)
        if (r.fault.kind != FaultKind::none) {
          fault = r.fault;
          return false;
        }
      return true;
    });
    return fault;
  }

  void check_cells() {
    typing_->check([this](std::size_t position) { return place_of(message_context(), position); },
                   [this](std::size_t position) { return cell_at(message_context(), position); });
  }

  void finish(ReadResult& result) {
    std::vector<std::int64_t> slots;
    std::int64_t rows = 0;
    for (const Region& region : regions_) slots.push_back(region.slot);
    for (const RegionResult& r : results_) rows += r.rows;
    if (rows == 0)
      throw NoRows(name_, layout_.has_header ? "has a header line but no rows" : "has no rows",
                   layout_.names);
    result.warnings = std::move(layout_.warnings);
    typing_->finish(slots, result);
    result.guesses = std::move(layout_.guesses);
    report(result);
  }

  void report(ReadResult& result) const {
    const bool trimmed =
        std::any_of(results_.begin(), results_.end(), [](const auto& r) { return r.trimmed; });
    if (trimmed && !layout_.dialect.runs_of_blanks())
      result.guesses.push_back("blanks around cells: taken off");
    std::size_t swallowed = kNowhere;
    for (const RegionResult& r : results_) swallowed = std::min(swallowed, r.swallowed);
    if (swallowed != kNowhere)
      result.warnings.push_back({"doubtful_quotes", "",
                                 fmt::format("{}:{}: a quoted cell begins here that spans lines which look "
                                             "like rows of their own. --quote none reads "
                                             "quotes as plain characters.",
                                             name_, line_of(text_, swallowed, layout_.dialect.newline))});
    typing_->report(result);
  }

  std::string_view text_;
  const std::string& name_;
  const ReadOptions& options_;
  const InputBytes* input_;
  CsvLayout layout_;
  std::optional<ColumnTyping> typing_;
  std::vector<Region> regions_;
  std::vector<RegionResult> results_;
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
