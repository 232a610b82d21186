// A folder of a test's own, gone at its end.
#pragma once

#include <string>
#include <string_view>

namespace cairn::testing {

class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  // Writes a file, making the folders above it.
  void write(const std::string& name, std::string_view bytes) const;

 private:
  std::string path_;
};

}  // namespace cairn::testing
