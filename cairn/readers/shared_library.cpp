#include <dlfcn.h>
#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/readers/shared_library_internal.h"

namespace cairn::readers_detail {

SharedLibrary::SharedLibrary(const char* file, const char* purpose, const char* package) : file_(file) {
  handle_ = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!handle_)
    throw NotSupported(
        purpose, fmt::format("the library {} is not on this machine", file),
        fmt::format("Debian and Ubuntu have it in the package {}: apt-get install {}.", package, package));
}

void* SharedLibrary::symbol(const char* name) const {
  void* address = ::dlsym(handle_, name);
  if (!address) throw NotSupported(file_, fmt::format("has no {}; it is of another version", name));
  return address;
}

}  // namespace cairn::readers_detail
