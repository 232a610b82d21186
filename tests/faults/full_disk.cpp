// Preloaded into a program: from one of its changes to files below FULL_DISK_FOLDER on, every one fails, as
// on a disk that has just become full (FULL_DISK_ERROR=ENOSPC) or read-only (EROFS). FULL_DISK_AFTER says how
// many succeed. FULL_DISK_COUNT names a file that is given the number of changes there were, when the program
// ends; FULL_DISK_TRACE tells each on standard error.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

std::atomic<long> changes{0};

bool is_below(const char* path) {
  const char* folder = std::getenv("FULL_DISK_FOLDER");
  if (!folder || !*folder || !path) return false;
  std::string whole = path;
  if (whole.empty() || whole[0] != '/') {
    char here[4096];
    if (!getcwd(here, sizeof here)) return false;
    whole = std::string(here) + "/" + path;
  }
  return std::string_view(whole).starts_with(folder);
}
bool is_open_below(int descriptor) {
  char path[4096];
  const ssize_t n = readlink(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), path, sizeof path - 1);
  if (n <= 0) return false;
  path[n] = 0;
  return is_below(path);
}
// Whether this change fails; errno is set.
bool fails(const char* what) {
  const char* after = std::getenv("FULL_DISK_AFTER");
  const long number = changes.fetch_add(1);
  if (std::getenv("FULL_DISK_TRACE")) std::fprintf(stderr, "change %ld %s\n", number, what);
  if (!after || number < std::atol(after)) return false;
  const char* error = std::getenv("FULL_DISK_ERROR");
  errno = error && std::string_view(error) == "EROFS" ? EROFS : ENOSPC;
  return true;
}

[[gnu::destructor]] void tell() {
  const char* path = std::getenv("FULL_DISK_COUNT");
  std::FILE* file = path ? std::fopen(path, "w") : nullptr;
  if (!file) return;
  std::fprintf(file, "%ld\n", changes.load());
  std::fclose(file);
}

template <class F>
F* real(const char* name, F*) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}
bool writes(const char* mode) { return std::strpbrk(mode, "wa+") != nullptr; }

}  // namespace

// The C library's own names, defined once more; the first definition of a name counts.
extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t n) {
  return is_open_below(descriptor) && fails("write") ? -1 : real("write", &write)(descriptor, bytes, n);
}
ssize_t writev(int descriptor, const struct iovec* v, int n) {
  return is_open_below(descriptor) && fails("write") ? -1 : real("writev", &writev)(descriptor, v, n);
}
int ftruncate(int descriptor, off_t n) noexcept {
  return is_open_below(descriptor) && fails("write") ? -1 : real("ftruncate", &ftruncate)(descriptor, n);
}
int rename(const char* from, const char* to) noexcept {
  return is_below(to) && fails(to) ? -1 : real("rename", &rename)(from, to);
}
int mkdir(const char* path, mode_t mode) noexcept {
  return is_below(path) && fails(path) ? -1 : real("mkdir", &mkdir)(path, mode);
}
int mkstemp(char* path) { return is_below(path) && fails(path) ? -1 : real("mkstemp", &mkstemp)(path); }
FILE* fopen(const char* path, const char* mode) {
  return writes(mode) && is_below(path) && fails(path) ? nullptr : real("fopen", &fopen)(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
  return writes(mode) && is_below(path) && fails(path) ? nullptr : real("fopen64", &fopen64)(path, mode);
}
int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  if ((flags & O_ACCMODE) != O_RDONLY && is_below(path) && fails(path)) return -1;
  return real("open", &open)(path, flags, mode);
}

}  // extern "C"
