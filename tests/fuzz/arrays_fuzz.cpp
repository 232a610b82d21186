// Any bytes read as IDX, NPY, a zip of arrays or the table of an NPY file give an array or an error of the
// family. The first byte chooses.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cairn/base/error.h"
#include "cairn/readers/idx.h"
#include "cairn/readers/npy.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0] % 4) {
      case 0:
        cairn::idx_array(bytes, "fuzz");
        break;
      case 1:
        cairn::npy_array(bytes, "fuzz");
        break;
      case 3:
        cairn::fuzz::with_memory_file(bytes, [](const std::string& path) { cairn::read_npy(path, {}); });
        break;
      default:
        for (const std::string& name : cairn::npz_names(bytes, "fuzz")) cairn::npz_array(bytes, "fuzz", name);
    }
  } catch (const cairn::InternalError&) {
    std::abort();
  } catch (const cairn::Error&) {
  }
  return 0;
}
