// Any bytes read as JSON lines, ARFF, NumPy's records or a SQLite data base give a table or an error of the
// family. The first byte chooses.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cairn/base/error.h"
#include "cairn/data/typed_columns.h"
#include "cairn/readers/arff.h"
#include "cairn/readers/json_lines.h"
#include "cairn/readers/npy.h"
#include "cairn/readers/sqlite.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0] % 4) {
      case 0:
        cairn::read_json_text(bytes, "fuzz");
        break;
      case 1:
        cairn::read_arff_text(bytes, "fuzz");
        break;
      case 2:
        cairn::table_of_columns(cairn::npy_columns(bytes, "fuzz"), "fuzz", {});
        break;
      default:
        cairn::fuzz::with_memory_file(bytes, [](const std::string& path) { cairn::read_sqlite(path); });
    }
  } catch (const cairn::InternalError&) {
    std::abort();
  } catch (const cairn::Error&) {
  }
  return 0;
}
