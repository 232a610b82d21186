// The rows of a text table, cut into regions that are read in parallel. Their shape depends on the file
// alone.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/data/compressed_input.h"
#include "cairn/data/csv_cells_internal.h"
#include "cairn/data/csv_dialect_internal.h"

namespace cairn {

struct Region {
  std::size_t begin = 0, end = 0;  // bytes; `begin` is the first of a row
  std::int64_t slot = 0;           // row number of its first row, were every line a row
  std::int64_t lines = 0;          // rows at most
};

inline constexpr std::size_t kRegionBytes = std::size_t{1} << 20;

// Rows end at line ends with an even number of quotes before them: right unless a quote quotes nothing, which
// the reading of the regions notices. Counts in parallel. Regions have about `region_bytes`; what has been
// passed of a mapped `input` (or null) leaves memory.
std::vector<Region> split_by_parity(std::string_view text, std::size_t body, const CsvDialect& dialect,
                                    const InputBytes* input, std::size_t region_bytes, const StopToken& stop);
// Follows the exact rules from the first row on; for files with stray quotes.
std::vector<Region> split_exactly(std::string_view text, std::size_t body, const CsvDialect& dialect,
                                  const InputBytes* input, std::size_t region_bytes, const StopToken& stop);

enum class FaultKind : std::uint8_t {
  none,
  ragged,
  unterminated_quote,
  text_after_quote,
  stray_quote,
  zero_byte,
  bad_utf8
};

struct Fault {
  FaultKind kind = FaultKind::none;
  std::size_t position = 0;  // a byte of the row, or of what is wrong
  std::size_t cells = 0;     // ragged: how many the row has
};

struct RegionResult : CellResult {
  Fault fault;
  bool trimmed = false;  // blanks were taken off bare cells
  std::size_t swallowed =
      kNowhere;  // byte of a quoted cell that spans lines, one of which would be a row by itself
};

// What is read in one pass, the same for all regions.
struct PassContext {
  std::string_view text;
  const CsvDialect* dialect = nullptr;
  CellPass cells;
  bool exact_regions = false;  // regions come from split_exactly: stray quotes are no fault
};

void read_region(const PassContext& pass, const Region& region, RegionResult& result);

// The first byte in [begin, end) that is a zero or breaks UTF-8; none when there is no such byte.
Fault check_text(std::string_view text, std::size_t begin, std::size_t end);

}  // namespace cairn
