#include <algorithm>
#include <filesystem>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/data/column_tally_internal.h"
#include "cairn/data/compressed_input.h"
#include "cairn/data/csv.h"
#include "cairn/data/csv_reading_internal.h"
#include "cairn/data/stack.h"

namespace cairn {
namespace {

// What a compressed file unpacks to lies on a disk, whose room is the limit.
constexpr InputLimits kOnDisk{.max_bytes = std::numeric_limits<std::uint64_t>::max()};

class CsvParts final : public TableParts {
 public:
  CsvParts(const std::string& path, const ReadOptions& options, std::size_t part_bytes,
           std::uint64_t kept_bytes)
      : name_(path),
        options_(options),
        input_(open_mapped(path, kOnDisk, options.stop, options.progress)),
        part_bytes_(std::max<std::size_t>(part_bytes, 1)),
        most_kept_(kept_bytes) {
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
    if (input_.encoding() != "plain")
      about_.guesses.insert(about_.guesses.begin(), "compression: " + input_.encoding());
    end_progress();
  }

  const ReadResult& about() const override { return about_; }
  std::int64_t num_rows() const override { return rows_; }

  std::optional<Table> take_whole() override {
    if (kept_.empty()) return std::nullopt;
    for (Table& part : kept_) part = uniform(std::move(part));
    return stack_alike(std::exchange(kept_, {}));
  }

  void drop_whole() override { kept_ = {}; }

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
    kept_.clear();
    std::uint64_t kept_bytes = 0;
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
        if (kept_bytes <= most_kept_) kept_bytes += bytes_of(part.table);
        if (kept_bytes <= most_kept_)
          kept_.push_back(std::move(part.table));
        else
          kept_.clear();
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
      columns[c] = in_form_of(about_.schema.columns[c], columns[c]);
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
  std::uint64_t most_kept_;
  std::vector<Table> kept_;  // all parts of the scan, as they were then read; or none
  std::shared_ptr<CsvReading> reading_;
  ReadResult about_;
  std::vector<CellTypes> settled_;
  std::int64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<TableParts> csv_parts(const std::string& path, const ReadOptions& options,
                                      std::size_t part_bytes, std::uint64_t kept_bytes) {
  std::error_code error;
  if (path == "-" || !std::filesystem::is_regular_file(path, error)) return nullptr;
  return std::make_unique<CsvParts>(path, options, part_bytes, kept_bytes);
}

}  // namespace cairn
