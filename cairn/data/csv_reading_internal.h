// A text table on the way to columns: its layout, its regions, and the columns of some of them at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/csv_cells_internal.h"
#include "cairn/data/csv_faults_internal.h"
#include "cairn/data/csv_regions_internal.h"
#include "cairn/data/reader.h"

namespace cairn {

class CsvReading {
 public:
  // `name`, `options` and `input` (null: `text` is in memory) outlive the reading.
  CsvReading(std::string_view text, const std::string& name, const ReadOptions& options,
             const InputBytes* input, char quote, std::size_t region_bytes = kRegionBytes);

  // Finds columns and regions, and guesses kinds. False when the first record breaks the rules of quoting.
  bool begin(Fault& trouble);
  std::size_t num_regions() const { return regions_.size(); }
  std::size_t end_of(std::size_t region) const { return regions_[region].end; }  // a byte
  // Regions by the exact rules, where `convert` met a stray quote.
  void split_exactly();
  // Converts the cells of regions [first, last). `more`: others follow, so that dates which may begin with
  // day or month are still left open. The fault is a stray quote, one of quotes (is_trouble), or none; others
  // are thrown.
  Fault convert(std::size_t first, std::size_t last, bool more = false);
  // The columns and specs of what was converted; DataError for a cell that is not what was asked for.
  // Returns the number of rows.
  std::int64_t take(ReadResult& result);
  // What is to be said of all that was taken: guesses and warnings about the whole.
  void report(ReadResult& result);

  static bool is_trouble(const Fault& fault) {
    return fault.kind == FaultKind::unterminated_quote || fault.kind == FaultKind::text_after_quote;
  }
  [[noreturn]] void refuse(const Fault& fault) const { throw_fault(message_context(), fault); }
  [[noreturn]] void refuse_no_rows() const;
  const CsvLayout& layout() const { return layout_; }
  ColumnTyping& typing() { return *typing_; }

 private:
  FaultContext message_context() const { return {text_, name_, &layout_, options_.quote.empty()}; }
  void check_head() const;
  Fault first_record_fault() const;
  void sample_types();
  Fault run_passes(bool more);

  std::string_view text_;
  const std::string& name_;
  const ReadOptions& options_;
  const InputBytes* input_;
  CsvLayout layout_;
  std::size_t region_bytes_;
  std::optional<ColumnTyping> typing_;
  std::vector<Region> regions_, now_;  // of the file, and those being converted
  std::vector<RegionResult> results_;
  bool exact_ = false, trimmed_ = false;
  std::size_t swallowed_ = kNowhere;
};

// Calls `read` with a reading of the text; where that meets quotes that quote nothing and the file may be
// read without them, again with one that knows no quotes, and says so in `result`.
void read_with_or_without_quotes(std::string_view text, const std::string& name, const ReadOptions& options,
                                 const InputBytes* input, std::size_t region_bytes,
                                 const std::function<bool(const std::shared_ptr<CsvReading>& reading,
                                                          ReadResult& result, Fault& trouble)>& read,
                                 ReadResult& result);

// The text behind a byte order mark. DataError: no text, another encoding. UsageError: options that cannot
// be.
std::string_view checked_text(std::string_view text, const std::string& name, const ReadOptions& options);

// SHA-256 of a file's bytes, which leave memory as they are passed.
std::string sha256_of(std::string_view bytes, const InputBytes* input, const StopToken& stop);

}  // namespace cairn
