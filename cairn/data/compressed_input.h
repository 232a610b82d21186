// The bytes of a file as they are meant to be read: plain files are mapped, .gz and .zst are told by their
// content and decompressed, with limits that are checked while the output grows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "cairn/base/progress.h"
#include "cairn/base/stop.h"

namespace cairn {

struct InputLimits {
  std::uint64_t max_bytes = std::uint64_t{16} << 30;  // of the output, and of standard input
  std::uint64_t max_ratio = 400;  // output to input, once the output is larger than `ratio_from`
  std::uint64_t ratio_from = std::uint64_t{64} << 20;
  const char* way_out = "--max-memory sets how much may be read.";  // of max_bytes
};

class InputBytes {
 public:
  InputBytes() = default;
  InputBytes(InputBytes&& other) noexcept;
  InputBytes& operator=(InputBytes&& other) noexcept;
  ~InputBytes();

  std::string_view bytes() const { return {data_, size_}; }
  const std::string& encoding() const { return encoding_; }  // "plain", "gzip", "zstd"
  bool mapped() const { return mapped_; }
  // Tells the system that a part of a mapped file is not needed for now: it leaves the process's memory, and
  // comes back from the file when it is read again.
  void forget(std::size_t begin, std::size_t end) const;

 private:
  friend InputBytes open_input(const std::string&, const InputLimits&, const StopToken&);
  friend InputBytes decompress(std::string_view, const std::string&, const InputLimits&, const StopToken&);
  friend InputBytes open_mapped(const std::string&, const InputLimits&, const StopToken&, Progress*);
  static InputBytes mapped_file(int descriptor, std::size_t size);  // nothing where it cannot be mapped
  void swap(InputBytes& other) noexcept;
  char* data_ = nullptr;
  std::size_t size_ = 0;
  bool mapped_ = false;
  std::string encoding_ = "plain";
};

// A file, or standard input for "-". FileError when it cannot be read or is a folder; DataError when
// compressed data are cut short or damaged; ResourceError when they grow beyond the limits.
InputBytes open_input(const std::string& path, const InputLimits& limits = {}, const StopToken& stop = {});

// The same of a file, in bounded memory whatever its size: a plain one is mapped, and the content of a
// compressed one is unpacked step by step; what is more than a few MB goes into a temporary file without a
// name, in TMPDIR, /var/tmp or /tmp, which is mapped in its place. ResourceError also when that folder is
// full, or none of them lies on a disk.
InputBytes open_mapped(const std::string& path, const InputLimits& limits = {}, const StopToken& stop = {},
                       Progress* progress = nullptr);

// The content of gzip (all members) or zstd (all frames) data; `name` is used in messages.
InputBytes decompress(std::string_view packed, const std::string& name, const InputLimits& limits = {},
                      const StopToken& stop = {});
// The beginning of a file's content, decompressed, at most so many bytes: enough to tell what it is. Damage
// shortens it; FileError when the file cannot be opened. Of standard input, "-", the bytes are kept, and
// open_input begins with them.
std::string first_bytes(const std::string& path, std::size_t most);
bool is_compressed(std::string_view first_bytes);
bool is_compressed_file(const std::string& path);  // a regular file

}  // namespace cairn
