// A fuzzer's bytes as a file in memory, for readers that open a path.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace cairn::fuzz {

// Calls read(path); its exceptions pass.
template <class F>
void with_memory_file(std::string_view bytes, F&& read) {
  struct File {
    int number;
    ~File() {
      if (number >= 0) ::close(number);
    }
  };
  const File file{::memfd_create("fuzz", MFD_CLOEXEC)};
  if (file.number < 0) return;
  if (::write(file.number, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()))
    read("/proc/self/fd/" + std::to_string(file.number));
}

}  // namespace cairn::fuzz
