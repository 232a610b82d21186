#include "cairn/base/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "cairn/base/error.h"

namespace cairn {
namespace {

constexpr std::size_t kBuffer = 1 << 18;

[[noreturn]] void refuse_to_read(const std::string& path, const char* action, int error) {
  throw FileError(path, fmt::format("cannot be {}: {}", action, std::strerror(error)));
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

void refuse_to_write(const std::string& path, const char* action, int error) {
  std::string what = fmt::format("cannot be {}: {}", action, std::strerror(error));
  if (error == ENOSPC || error == EDQUOT)
    throw DiskFull(path, std::move(what), "Make room on its disk, or name a place on another one.");
  throw FileError(path, std::move(what), "Name a place that can be written to.");
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), temporary_(path_ + ".XXXXXX") {
  descriptor_ = ::mkstemp(temporary_.data());
  if (descriptor_ < 0) {
    temporary_.clear();
    refuse_to_write(path_, "written", errno);
  }
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(descriptor_, 0666 & ~mask);  // as any file of the person's; mkstemp makes it private
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::flush() {
  std::size_t done = 0;
  while (done < buffer_.size()) {
    const ssize_t n = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse_to_write(path_, "written", errno);
    done += static_cast<std::size_t>(n);
  }
  buffer_.clear();
}

void AtomicFile::write(const void* bytes, std::size_t size) {
  buffer_.append(static_cast<const char*>(bytes), size);
  if (buffer_.size() >= kBuffer) flush();
}

void AtomicFile::commit() {
  flush();
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS)
    refuse_to_write(path_, "flushed to the disk", errno);
  const int descriptor = std::exchange(descriptor_, -1);
  if (::close(descriptor) != 0) refuse_to_write(path_, "closed", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) refuse_to_write(path_, "put in place", errno);
  temporary_.clear();
  // The rename itself lasts through a power cut only once the folder is flushed; a file system that cannot is
  // no error.
  if (const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY); folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

void write_file(const std::string& path, std::string_view contents) {
  AtomicFile file(path);
  file.write(contents);
  file.commit();
}

std::string read_file(const std::string& path, std::size_t limit) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) refuse_to_read(path, "opened", errno);
  std::string contents;
  char block[1 << 16];
  for (;;) {
    const ssize_t n = ::read(descriptor, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int reason = errno;
      ::close(descriptor);
      refuse_to_read(path, "read", reason);
    }
    if (n == 0) break;
    contents.append(block, static_cast<std::size_t>(n));
    if (contents.size() > limit) {
      ::close(descriptor);
      throw ResourceError(path, fmt::format("is larger than {} bytes", limit));
    }
  }
  ::close(descriptor);
  return contents;
}

}  // namespace cairn
