#include "tests/support/shared_data.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

namespace cairn::testing {

std::optional<std::string> shared_data(const std::string& name) {
  const char* stated = std::getenv("CAIRN_DATA");
  const std::filesystem::path root = stated ? stated : CAIRN_SOURCE_DIR "/../shared/data";
  const std::filesystem::path path = root / name;
  if (std::filesystem::exists(path)) return path.string();
  const doctest::TestCaseData* test = doctest::getContextOptions()->currentTest;
  std::cout << "skipped: " << (test ? test->m_name : "a test") << ": " << name << " is not under "
            << (stated ? "$CAIRN_DATA" : "../shared/data") << std::endl;
  return std::nullopt;
}

std::string shipped_data(const std::string& name) { return CAIRN_SOURCE_DIR "/data/" + name; }

}  // namespace cairn::testing
