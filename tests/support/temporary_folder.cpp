#include "tests/support/temporary_folder.h"

#include <stdlib.h>  // mkdtemp is of POSIX

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace cairn::testing {

TemporaryFolder::TemporaryFolder() {
  path_ = (std::filesystem::temp_directory_path() / "cairn-test-XXXXXX").string();
  if (!::mkdtemp(path_.data())) throw std::runtime_error("no temporary folder can be made");
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

void TemporaryFolder::write(const std::string& name, std::string_view bytes) const {
  std::filesystem::create_directories(std::filesystem::path(file(name)).parent_path());
  std::ofstream(file(name), std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace cairn::testing
