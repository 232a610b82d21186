#include <utf8proc.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "cairn/base/parallel.h"
#include "cairn/data/csv_regions_internal.h"
#include "cairn/data/csv_simd_internal.h"

namespace cairn {
namespace {

// Regions from the places where their first rows begin.
void close_regions(std::vector<Region>& regions, std::size_t size) {
  std::int64_t slot = 0;
  for (std::size_t i = 0; i < regions.size(); ++i) {
    regions[i].end = i + 1 < regions.size() ? regions[i + 1].begin : size;
    regions[i].slot = slot;
    slot += regions[i].lines;
  }
}

bool is_ascii(const char* p, std::size_t size) {
  std::uint64_t bits = 0;
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, p + i, 8);
    bits |= word;
  }
  for (; i < size; ++i) bits |= static_cast<unsigned char>(p[i]);
  return (bits & 0x8080808080808080ULL) == 0;
}

// Converts the cells of one region.
class RegionReader {
 public:
  RegionReader(const PassContext& pass, const Region& region, RegionResult& result)
      : pass_(pass),
        region_(region),
        result_(result),
        converter_(pass.cells, region.slot, region.lines, result),
        num_columns_(pass.cells.plans->size()) {
    set_up_plain_rows();
  }

  void read() {
    RecordReader reader(pass_.text.substr(0, region_.end), *pass_.dialect);
    std::vector<RawCell> cells;
    while (plain_.at < region_.end) {
      if (!pass_.dialect->runs_of_blanks()) plain_.read(region_.end);
      if (plain_.at >= region_.end) break;
      const std::size_t begin = plain_.at;
      const RecordStatus status = reader.read(plain_.at, cells);
      if (reader.saw_stray_quote() && !pass_.exact_regions) return fail(FaultKind::stray_quote, begin);
      if (status == RecordStatus::unterminated_quote)
        return fail(FaultKind::unterminated_quote, reader.fault_position());
      if (status == RecordStatus::text_after_quote)
        return fail(FaultKind::text_after_quote, reader.fault_position());
      if (status != RecordStatus::row) continue;
      result_.trimmed = result_.trimmed || reader.trimmed();
      if (cells.size() != num_columns_) return fail(FaultKind::ragged, begin, cells.size());
      row(cells);
    }
  }

  std::int64_t num_rows() const { return plain_.rows; }
  // Only bytes beyond ASCII and zeros can break the rules of text; reading by vectors notices whether there
  // are any.
  bool may_break_text() const {
    return plain_.odd_bytes || pass_.dialect->runs_of_blanks() || result_.fault.kind != FaultKind::none;
  }

 private:
  void set_up_plain_rows() {
    plain_.owner = this;
    plain_.other_cell = [](void* reader, std::size_t column, std::size_t begin, std::size_t end) {
      static_cast<RegionReader*>(reader)->bare_cell(column, begin, end);
    };
    plain_.text = pass_.text.data();
    plain_.size = pass_.text.size();
    plain_.separator = pass_.dialect->separator;
    plain_.newline = pass_.dialect->newline;
    plain_.quote = pass_.dialect->quote;
    plain_.decimal = pass_.cells.rules->decimal;
    plain_.comment = pass_.dialect->comment.empty() ? '\0' : pass_.dialect->comment[0];
    plain_.at = plain_.scanned = region_.begin;
    plain_.columns.resize(num_columns_);
    for (std::size_t c = 0; c < num_columns_; ++c) {
      if (!(*pass_.cells.active)[c]) continue;
      const CellType type = (*pass_.cells.plans)[c].type;
      plain_.columns[c].how = PlainHow::other;
      if (type == CellType::number && !pass_.cells.missing_first)
        plain_.columns[c] = {PlainHow::number, pass_.cells.store->at<double>(c) + region_.slot};
      if (type == CellType::integer && !pass_.cells.missing_first)
        plain_.columns[c] = {PlainHow::integer, pass_.cells.store->at<std::int64_t>(c) + region_.slot};
    }
  }

  void bare_cell(std::size_t column, std::size_t begin, std::size_t end) {
    const char* const bytes = plain_.text;
    const auto blank = [&](char c) { return c == ' ' || (c == '\t' && plain_.separator != '\t'); };
    if (end > begin && column + 1 == num_columns_ && bytes[end - 1] == '\r') --end;
    const std::size_t width = end - begin;
    while (begin < end && blank(bytes[begin])) ++begin;
    while (begin < end && blank(bytes[end - 1])) --end;
    result_.trimmed = result_.trimmed || end - begin < width;
    convert(column, {bytes + begin, end - begin, false, false});
  }

  void fail(FaultKind kind, std::size_t position, std::size_t cells = 0) {
    result_.fault = {kind, position, cells};
  }

  void row(const std::vector<RawCell>& cells) {
    for (std::size_t c = 0; c < num_columns_; ++c) {
      const RawCell& cell = cells[c];
      if (cell.quoted) look_for_swallowed_rows(cell);
      if ((*pass_.cells.active)[c]) convert(c, cell);
    }
    ++plain_.rows;
  }

  // A quote that quotes nothing may swallow whole rows up to the next one; each of them has as many
  // separators as a row.
  void look_for_swallowed_rows(const RawCell& cell) {
    if (num_columns_ < 2 || result_.swallowed != kNowhere) return;
    const std::string_view cell_text = cell.raw();
    auto stop = cell_text.find(pass_.dialect->newline);
    while (stop != cell_text.npos) {
      const auto next = cell_text.find(pass_.dialect->newline, stop + 1);
      const std::string_view line =
          cell_text.substr(stop + 1, next == cell_text.npos ? next : next - stop - 1);
      const auto separators =
          static_cast<std::size_t>(std::count(line.begin(), line.end(), pass_.dialect->separator));
      if (separators + 1 == num_columns_) {
        result_.swallowed = static_cast<std::size_t>(cell.data - pass_.text.data()) - 1;
        return;
      }
      stop = next;
    }
  }

  void convert(std::size_t c, const RawCell& cell) {
    converter_.convert(c, plain_.rows, cell.value(pass_.dialect->quote, scratch_),
                       static_cast<std::size_t>(cell.data - pass_.text.data()));
  }

  const PassContext& pass_;
  const Region& region_;
  RegionResult& result_;
  CellConverter converter_;
  PlainRows plain_;
  std::size_t num_columns_;
  std::string scratch_;
};

}  // namespace

std::vector<Region> split_by_parity(std::string_view text, std::size_t body, const CsvDialect& dialect,
                                    const InputBytes* input, std::size_t region_bytes,
                                    const StopToken& stop) {
  const std::size_t bytes = text.size() - body;
  const auto count = static_cast<std::int64_t>((bytes + region_bytes - 1) / region_bytes);
  std::vector<Stretch> stretches(static_cast<std::size_t>(count));
  parallel_for(
      count, 1,
      [&](std::int64_t b, std::int64_t) {
        const std::size_t begin = body + static_cast<std::size_t>(b) * region_bytes,
                          end = std::min(text.size(), begin + region_bytes);
        stretches[static_cast<std::size_t>(b)] =
            scan_stretch(text, begin, end, dialect.newline, dialect.quote);
        if (input) input->forget(begin, end);
      },
      stop);
  std::vector<Region> regions;
  int inside = 0;
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    const Stretch& s = stretches[i];
    std::int64_t rows = s.line_ends[inside];
    std::size_t begin = s.first[inside] == kNowhere ? text.size() : s.first[inside] + 1;
    if (i == 0) begin = body, ++rows;
    inside ^= s.odd_quotes ? 1 : 0;
    // The last line end begins no row. It may stand alone in the last stretch, behind the end of a long row.
    if (i + 1 == stretches.size() && inside == 0 && text.back() == dialect.newline) --rows;
    if (rows > 0 && begin < text.size()) regions.push_back({begin, 0, 0, rows});
  }
  close_regions(regions, text.size());
  return regions;
}

std::vector<Region> split_exactly(std::string_view text, std::size_t body, const CsvDialect& dialect,
                                  const InputBytes* input, std::size_t region_bytes, const StopToken& stop) {
  std::vector<Region> regions;
  std::vector<RawCell> cells;
  RecordReader reader(text, dialect);
  std::size_t next = body;
  for (std::size_t at = body; at < text.size();) {
    if (at >= next) {
      stop.throw_if_requested("reading");
      if (input && !regions.empty()) input->forget(regions.back().begin, at);
      regions.push_back({at, 0, 0, 0});
      next = at + region_bytes;
    }
    ++regions.back().lines;
    const RecordStatus status = reader.read(at, cells);
    if (status == RecordStatus::unterminated_quote || status == RecordStatus::text_after_quote) break;
  }
  close_regions(regions, text.size());
  return regions;
}

Fault check_text(std::string_view text, std::size_t begin, std::size_t end) {
  const char* p = text.data() + begin;
  const std::size_t size = end - begin;
  const void* zero = size > 0 ? std::memchr(p, 0, size) : nullptr;
  const std::size_t zero_at =
      zero ? static_cast<std::size_t>(static_cast<const char*>(zero) - text.data()) : kNowhere;
  if (!is_ascii(p, size)) {
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    utf8proc_int32_t point = 0;
    for (std::size_t at = begin; at < end && at < zero_at;) {
      if (bytes[at] < 0x80) {
        ++at;
        continue;
      }
      const auto length = utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(end - at), &point);
      if (length <= 0) return {FaultKind::bad_utf8, at, 0};
      at += static_cast<std::size_t>(length);
    }
  }
  return zero ? Fault{FaultKind::zero_byte, zero_at, 0} : Fault{};
}

void read_region(const PassContext& pass, const Region& region, RegionResult& result) {
  RegionReader reader(pass, region, result);
  reader.read();
  result.rows = reader.num_rows();
  if (!pass.cells.first_pass || !reader.may_break_text()) return;
  const Fault broken = check_text(pass.text, region.begin, region.end);
  if (broken.kind != FaultKind::none) result.fault = broken;
}

}  // namespace cairn
