// Results are whole or absent: written to a temporary file beside the target, flushed to the disk, then
// renamed.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace cairn {

class AtomicFile {
 public:
  // Throws FileError when the folder cannot be written. Nothing appears under `path` before commit().
  explicit AtomicFile(std::string path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();  // without commit() the temporary file is removed

  void write(const void* bytes, std::size_t size);  // FileError with the system's reason, such as a full disk
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();

 private:
  void flush();
  std::string path_, temporary_;
  std::string buffer_;
  int descriptor_ = -1;
};

// `path: cannot be <action>: <the system's reason>` by its errno: DiskFull where the disk has no more
// room, else FileError.
[[noreturn]] void refuse_to_write(const std::string& path, const char* action, int error);

void write_file(const std::string& path, std::string_view contents);

// The whole file. Throws FileError when it cannot be read, ResourceError when it is larger than `limit`
// bytes.
std::string read_file(const std::string& path, std::size_t limit = std::size_t{1} << 31);

}  // namespace cairn
