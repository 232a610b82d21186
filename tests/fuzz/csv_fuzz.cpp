// Any bytes, read with any options, give a table or an error of the family; and a table that was read is
// written and reads back to as many rows. The first three bytes choose the options.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cairn/base/error.h"
#include "cairn/data/compressed_input.h"
#include "cairn/data/csv.h"
#include "cairn/data/csv_writer.h"

namespace {

cairn::ReadOptions options_from(std::uint8_t a, std::uint8_t b, std::uint8_t c) {
  constexpr const char* kHeaders[] = {"", "yes", "no", ""};
  constexpr const char* kSeparators[] = {"", "", "", ",", "tab", "blank", ";", "a"};
  constexpr const char* kQuotes[] = {"", "none", "\"", "'"};
  cairn::ReadOptions o;
  o.header = kHeaders[a & 3];
  o.separator = kSeparators[(a >> 2) & 7];
  o.quote = kQuotes[(a >> 5) & 3];
  o.skip = b & 3;
  if ((b & 4) != 0) o.comment = "#";
  if ((b & 8) != 0) o.decimal = ',';
  if ((b & 16) != 0) o.thousands = '.';
  if ((b & 32) != 0) o.missing = "missing";
  if ((b & 64) != 0) o.na = {"-1", "x"};
  if ((b & 128) != 0) o.types["a"] = static_cast<cairn::ColumnKind>(c % 6);
  o.sha256 = false;
  return o;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const cairn::ReadOptions options = options_from(data[0], data[1], data[2]);
  std::string_view text(reinterpret_cast<const char*>(data) + 3, size - 3);
  try {
    cairn::InputBytes unpacked;
    if (cairn::is_compressed(text)) {
      unpacked =
          cairn::decompress(text, "fuzz", {.max_bytes = 1 << 22, .max_ratio = 400, .ratio_from = 1 << 16});
      text = unpacked.bytes();
    }
    const cairn::ReadResult result = cairn::read_csv_text(text, "fuzz", options);
    const std::string written = cairn::csv_text(result.table);
    cairn::ReadOptions plain;
    plain.header = "yes";
    plain.separator = ",";
    plain.quote = "\"";
    plain.sha256 = false;
    if (cairn::read_csv_text(written, "written", plain).table.num_rows() != result.table.num_rows())
      std::abort();
  } catch (const cairn::InternalError&) {
    std::abort();
  } catch (const cairn::Error&) {
  }
  return 0;
}
