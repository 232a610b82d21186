#include "cairn/data/csv_reading_internal.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/hash.h"
#include "cairn/base/parallel.h"
#include "cairn/data/no_rows.h"

namespace cairn {
namespace {

constexpr std::size_t kSampleRegions = 16;
constexpr int kSampleRows = 64;

}  // namespace

CsvReading::CsvReading(std::string_view text, const std::string& name, const ReadOptions& options,
                       const InputBytes* input, char quote, std::size_t region_bytes)
    : text_(text),
      name_(name),
      options_(options),
      input_(input),
      layout_(guess_layout(text, name, options, quote)),
      region_bytes_(region_bytes) {}

bool CsvReading::begin(Fault& trouble) {
  check_head();
  if (layout_.names.empty()) {
    trouble = first_record_fault();
    return false;
  }
  typing_.emplace(layout_.names, layout_.rules, options_, name_);
  regions_ = split_by_parity(text_, layout_.body, layout_.dialect, input_, region_bytes_, options_.stop);
  sample_types();
  return true;
}

void CsvReading::split_exactly() {
  regions_ = cairn::split_exactly(text_, layout_.body, layout_.dialect, input_, region_bytes_, options_.stop);
  exact_ = true;
}

void CsvReading::check_head() const {
  const Fault fault = check_text(text_, 0, std::min(layout_.body, text_.size()));
  if (fault.kind != FaultKind::none) throw_fault(message_context(), fault);
}

// Without a first record that follows the rules of quoting there are no columns.
Fault CsvReading::first_record_fault() const {
  RecordReader reader(text_, layout_.dialect);
  std::vector<RawCell> cells;
  std::size_t at = layout_.body;
  const bool open = reader.read(at, cells) == RecordStatus::unterminated_quote;
  return {open ? FaultKind::unterminated_quote : FaultKind::text_after_quote, reader.fault_position(), 0};
}

// Rows from the beginnings of regions all over the file: a good first guess saves a second pass, nothing
// else.
void CsvReading::sample_types() {
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
}

Fault CsvReading::convert(std::size_t first, std::size_t last, bool more) {
  now_.assign(regions_.begin() + static_cast<std::ptrdiff_t>(first),
              regions_.begin() + static_cast<std::ptrdiff_t>(last));
  std::int64_t slots = 0;
  for (Region& region : now_) {
    region.slot = slots;
    slots += region.lines;
  }
  results_.clear();
  results_.resize(now_.size());
  std::vector<CellResult*> results;
  for (RegionResult& r : results_) results.push_back(&r);
  typing_->start(slots, input_ && !input_->mapped() ? text_.size() : 0, results);
  const Fault fault = run_passes(more);
  if (fault.kind != FaultKind::none && fault.kind != FaultKind::stray_quote && !is_trouble(fault))
    refuse(fault);
  return fault;
}

Fault CsvReading::run_passes(bool more) {
  Fault fault;
  typing_->run(
      [&](const CellPass& cells) {
        const PassContext pass{
            .text = text_, .dialect = &layout_.dialect, .cells = cells, .exact_regions = exact_};
        parallel_for(
            static_cast<std::int64_t>(now_.size()), 1,
            [&](std::int64_t b, std::int64_t) {
              const auto i = static_cast<std::size_t>(b);
              read_region(pass, now_[i], results_[i]);
              if (input_) input_->forget(now_[i].begin, now_[i].end);
            },
            options_.stop);
        for (const RegionResult& r : results_)
          if (r.fault.kind != FaultKind::none) {
            fault = r.fault;
            return false;
          }
        return true;
      },
      more);
  return fault;
}

std::int64_t CsvReading::take(ReadResult& result) {
  typing_->check([this](std::size_t position) { return place_of(message_context(), position); },
                 [this](std::size_t position) { return cell_at(message_context(), position); });
  std::vector<std::int64_t> slots;
  std::int64_t rows = 0;
  for (const Region& region : now_) slots.push_back(region.slot);
  for (const RegionResult& r : results_) {
    rows += r.rows;
    trimmed_ = trimmed_ || r.trimmed;
    swallowed_ = std::min(swallowed_, r.swallowed);
  }
  if (rows > 0) typing_->finish(slots, result);
  return rows;
}

void CsvReading::refuse_no_rows() const {
  throw NoRows(name_, layout_.has_header ? "has a header line but no rows" : "has no rows", layout_.names);
}

void CsvReading::report(ReadResult& result) {
  result.warnings.insert(result.warnings.begin(), layout_.warnings.begin(), layout_.warnings.end());
  result.guesses = std::move(layout_.guesses);
  if (trimmed_ && !layout_.dialect.runs_of_blanks())
    result.guesses.push_back("blanks around cells: taken off");
  if (swallowed_ != kNowhere)
    result.warnings.push_back({"doubtful_quotes", "",
                               fmt::format("{}:{}: a quoted cell begins here that spans lines which look "
                                           "like rows of their own. --quote none reads "
                                           "quotes as plain characters.",
                                           name_, line_of(text_, swallowed_, layout_.dialect.newline))});
  typing_->report(result);
}

void read_with_or_without_quotes(std::string_view text, const std::string& name, const ReadOptions& options,
                                 const InputBytes* input, std::size_t region_bytes,
                                 const std::function<bool(const std::shared_ptr<CsvReading>& reading,
                                                          ReadResult& result, Fault& trouble)>& read,
                                 ReadResult& result) {
  Fault trouble;
  const auto with_sign = [&](char quote) {
    return std::make_shared<CsvReading>(text, name, options, input, quote, region_bytes);
  };
  const auto reading = with_sign(quote_option(options));
  if (read(reading, result, trouble)) return;
  if (!options.quote.empty() || quotes_are_meant(reading->layout(), text)) reading->refuse(trouble);
  // Quotes do not follow the rules all over the file. Where it is a table without them, they are letters
  // like any other.
  try {
    ReadResult plain;
    Fault none;
    read(with_sign(0), plain, none);
    plain.sha256 = result.sha256;
    plain.warnings.insert(plain.warnings.begin(), doubtful_quotes(reading->layout(), text, name, trouble));
    plain.guesses.push_back("quotes: none");
    result = std::move(plain);
  } catch (const DataError&) {
    reading->refuse(trouble);
  }
}

std::string_view checked_text(std::string_view text, const std::string& name, const ReadOptions& options) {
  if (options.missing != "error" && options.missing != "missing")
    throw UsageError("--missing", fmt::format("'{}' is neither error nor missing", options.missing));
  if (text.empty()) throw DataError(name, "is empty; a table has a header line and rows");
  refuse_other_encodings(text, name);
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.empty()) throw DataError(name, "is empty; a table has a header line and rows");
  return text;
}

std::string sha256_of(std::string_view bytes, const InputBytes* input, const StopToken& stop) {
  constexpr std::size_t kPiece = std::size_t{16} << 20;
  Sha256 sum;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    stop.throw_if_requested("reading");
    const std::string_view piece = bytes.substr(at, kPiece);
    sum.update(piece);
    if (input) input->forget(at, at + piece.size());
  }
  return to_hex(sum.finish());
}

}  // namespace cairn
