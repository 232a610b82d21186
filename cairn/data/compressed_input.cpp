#include "cairn/data/compressed_input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "cairn/base/error.h"

namespace cairn {
namespace {

constexpr std::size_t kStep = std::size_t{1} << 20;

std::string amount(std::uint64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} bytes", bytes);
  if (bytes < 10'000'000) return fmt::format("{:.0f} KB", static_cast<double>(bytes) / 1e3);
  if (bytes < 10'000'000'000) return fmt::format("{:.0f} MB", static_cast<double>(bytes) / 1e6);
  return fmt::format("{:.1f} GB", static_cast<double>(bytes) / 1e9);
}

[[noreturn]] void fail(const std::string& name, const char* action) {
  throw FileError(name, fmt::format("cannot be {}: {}", action, std::strerror(errno)));
}

// Where content goes as it is unpacked or read.
class Sink {
 public:
  Sink(const std::string& name, const InputLimits& limits) : name_(name), limits_(limits) {}
  virtual ~Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  // Room for at least one more byte; `packed` is how much input has been used so far, 0 when it is not
  // compressed.
  virtual char* room(std::size_t& free_bytes, std::uint64_t packed) = 0;
  virtual void grew(std::size_t bytes) = 0;
  void check(std::uint64_t packed) const {
    if (size_ > limits_.max_bytes)
      throw ResourceError(name_, fmt::format("holds more than {}", amount(limits_.max_bytes)),
                          limits_.way_out);
    if (packed > 0 && size_ > limits_.ratio_from && size_ / packed > limits_.max_ratio)
      throw ResourceError(
          name_,
          fmt::format("{} of compressed data have become {}, more than {} times as much: this looks like a "
                      "decompression bomb",
                      amount(packed), amount(size_), limits_.max_ratio),
          "If it is meant to be so, decompress the file first.");
  }
  std::size_t size() const { return size_; }

 protected:
  const std::string& name_;
  const InputLimits& limits_;
  std::size_t size_ = 0;
};

// Memory that grows without a copy where the system can move pages (glibc's realloc does for large blocks).
class Buffer final : public Sink {
 public:
  using Sink::Sink;
  ~Buffer() override { std::free(data_); }

  char* room(std::size_t& free_bytes, std::uint64_t packed) override {
    check(packed);
    if (size_ == capacity_) {
      const std::size_t wanted = std::max(kStep, capacity_ + capacity_ / 2);
      char* larger = static_cast<char*>(std::realloc(data_, wanted));
      if (!larger) throw ResourceError(name_, fmt::format("{} of memory cannot be had", amount(wanted)));
      data_ = larger;
      capacity_ = wanted;
    }
    free_bytes = capacity_ - size_;
    return data_ + size_;
  }
  void grew(std::size_t bytes) override { size_ += bytes; }
  void append(std::string_view bytes) {
    while (!bytes.empty()) {
      std::size_t free_bytes = 0;
      char* const to = room(free_bytes, 0);
      const std::size_t n = std::min(free_bytes, bytes.size());
      std::memcpy(to, bytes.data(), n);
      grew(n);
      bytes.remove_prefix(n);
    }
  }
  std::pair<char*, std::size_t> take() { return {std::exchange(data_, nullptr), size_}; }

 private:
  char* data_ = nullptr;
  std::size_t capacity_ = 0;
};

struct Descriptor {
  int number = -1;
  bool owned = false;
  ~Descriptor() {
    if (owned) ::close(number);
  }
};

// A folder for large temporary files: a file of one that lies in memory would take what it is to save.
std::string folder_on_disk(const std::string& name) {
  const char* const stated = std::getenv("TMPDIR");
  for (const std::string folder : {stated ? stated : "", "/var/tmp", "/tmp"}) {
    struct statfs facts{};
    if (!folder.empty() && ::statfs(folder.c_str(), &facts) == 0 && facts.f_type != TMPFS_MAGIC &&
        facts.f_type != RAMFS_MAGIC && ::access(folder.c_str(), W_OK) == 0)
      return folder;
  }
  throw ResourceError(name, "is compressed, and there is no folder on a disk to unpack it in",
                      "TMPDIR names one that can be written to.");
}

// A little content in memory, more of it in a file without a name: that is gone with its last user, however
// the program ends.
class TemporaryFile final : public Sink {
 public:
  // `packed`: what is unpacked, and leaves memory as it is passed.
  TemporaryFile(const std::string& name, const InputLimits& limits, const InputBytes& packed,
                Progress* progress)
      : Sink(name, limits), packed_(packed), progress_(progress), small_(name, limits), buffer_(kStep) {
    if (progress_) progress_->begin("unpacking " + name, std::ssize(packed.bytes()));
  }

  char* room(std::size_t& free_bytes, std::uint64_t packed) override {
    check(packed);
    if (packed >= passed_ + kStep) {
      packed_.forget(passed_, packed);
      if (progress_) progress_->advance(static_cast<std::int64_t>(packed - passed_));
      passed_ = packed;
    }
    free_bytes = buffer_.size();
    return buffer_.data();
  }
  void grew(std::size_t bytes) override {
    constexpr std::size_t kSmall = std::size_t{8} << 20;
    size_ += bytes;
    if (is_small() && size_ <= kSmall) return small_.append({buffer_.data(), bytes});
    if (is_small()) {
      open();
      const auto [data, size] = small_.take();
      const std::unique_ptr<char, void (*)(void*)> guard(data, &std::free);
      write({data, size});
    }
    write({buffer_.data(), bytes});
  }
  bool is_small() const { return file_.number < 0; }
  Buffer& small() { return small_; }
  int descriptor() const { return file_.number; }
  void end() {
    if (progress_) progress_->end();
  }

 private:
  void open() {
    folder_ = folder_on_disk(name_);
    std::string path = folder_ + "/cairn-XXXXXX";
    file_.number = ::mkostemp(path.data(), O_CLOEXEC);
    if (file_.number < 0) refuse_to_write();
    file_.owned = true;
    ::unlink(path.c_str());
  }

  void write(std::string_view bytes) {
    require_free_disk(bytes.size());
    while (!bytes.empty()) {
      const ssize_t n = ::write(file_.number, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == ENOSPC || errno == EDQUOT)) refuse_full_disk();
      if (n < 0) refuse_to_write();
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  // Other programs need the disk too, and some end badly when it is full.
  void require_free_disk(std::size_t bytes) {
    constexpr std::uint64_t kLeft = std::uint64_t{256} << 20, kBetween = std::uint64_t{64} << 20;
    unchecked_ += bytes;
    if (unchecked_ < kBetween) return;
    unchecked_ = 0;
    struct statfs facts{};
    if (::fstatfs(file_.number, &facts) == 0 &&
        static_cast<std::uint64_t>(facts.f_bavail) * static_cast<std::uint64_t>(facts.f_bsize) < kLeft)
      refuse_full_disk();
  }
  [[noreturn]] void refuse_full_disk() const {
    throw ResourceError(
        name_,
        fmt::format("is unpacked into a temporary file, and {} has no room for more than {} of its content",
                    folder_, amount(size_)),
        "TMPDIR names a folder on a disk with more room.");
  }
  [[noreturn]] void refuse_to_write() const {
    throw FileError(folder_, fmt::format("{} cannot be unpacked in it: {}", name_, std::strerror(errno)),
                    "TMPDIR names another folder.");
  }

  const InputBytes& packed_;
  std::string folder_;
  Progress* progress_;
  Buffer small_;  // all of the content, until there is a file
  std::vector<char> buffer_;
  Descriptor file_;
  std::uint64_t passed_ = 0, unchecked_ = 0;
};

bool is_gzip(std::string_view bytes) { return bytes.size() >= 2 && bytes[0] == '\x1f' && bytes[1] == '\x8b'; }
bool is_zstd(std::string_view bytes) { return bytes.size() >= 4 && bytes.substr(0, 4) == "\x28\xb5\x2f\xfd"; }

[[noreturn]] void cut_short(const std::string& name, const char* format, std::size_t done) {
  throw DataError(name,
                  fmt::format("the {} data end too early, after {} of content; the file was cut short",
                              format, amount(done)),
                  "Fetch or compress it again.");
}

void gunzip(std::string_view packed, const std::string& name, Sink& out, const StopToken& stop) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
    throw ResourceError(name, "memory for decompression cannot be had");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, &inflateEnd);
  std::size_t at = 0;
  while (at < packed.size()) {
    if (!is_gzip(packed.substr(at))) {
      if (packed.find_first_not_of('\0', at) == packed.npos) return;  // padding of tapes and block devices
      throw DataError(name,
                      fmt::format("after the gzip data, at byte {}, stand bytes that are not gzip", at));
    }
    inflateReset(&stream);
    for (int status = Z_OK; status != Z_STREAM_END;) {
      stop.throw_if_requested("reading");
      std::size_t room = 0;
      stream.next_out = reinterpret_cast<Bytef*>(out.room(room, at));
      stream.avail_out = static_cast<uInt>(std::min<std::size_t>(room, kStep));
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + at));
      stream.avail_in = static_cast<uInt>(std::min<std::size_t>(packed.size() - at, kStep));
      const uInt in = stream.avail_in, space = stream.avail_out;
      status = inflate(&stream, Z_NO_FLUSH);
      at += in - stream.avail_in;
      out.grew(space - stream.avail_out);
      out.check(at);
      if (status == Z_STREAM_END) break;
      if (status == Z_BUF_ERROR || (status == Z_OK && at == packed.size() && stream.avail_out > 0))
        cut_short(name, "gzip", out.size());
      if (status != Z_OK)
        throw DataError(name,
                        fmt::format("the gzip data are damaged near byte {} ({})", at,
                                    stream.msg ? stream.msg : "unknown"),
                        "Fetch or compress the file again.");
    }
  }
}

void unzstd(std::string_view packed, const std::string& name, Sink& out, const StopToken& stop) {
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  if (!context) throw ResourceError(name, "memory for decompression cannot be had");
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  for (std::size_t left = 1;;) {
    stop.throw_if_requested("reading");
    std::size_t room = 0;
    char* to = out.room(room, in.pos);
    ZSTD_outBuffer target{to, std::min(room, kStep), 0};
    const std::size_t before = in.pos;
    left = ZSTD_decompressStream(context.get(), &target, &in);
    if (ZSTD_isError(left))
      throw DataError(
          name, fmt::format("the zstd data are damaged near byte {} ({})", in.pos, ZSTD_getErrorName(left)),
          "Fetch or compress the file again.");
    out.grew(target.pos);
    out.check(in.pos);
    if (in.pos < in.size) continue;
    if (left == 0) return;
    if (target.pos == 0 && in.pos == before) cut_short(name, "zstd", out.size());
  }
}

void read_all(int descriptor, const std::string& name, Sink& out, const StopToken& stop) {
  for (;;) {
    stop.throw_if_requested("reading");
    std::size_t room = 0;
    char* to = out.room(room, 0);
    const ssize_t n = ::read(descriptor, to, room);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(name, "read");
    if (n == 0) return;
    out.grew(static_cast<std::size_t>(n));
  }
}

}  // namespace

InputBytes::InputBytes(InputBytes&& other) noexcept { swap(other); }

InputBytes& InputBytes::operator=(InputBytes&& other) noexcept {
  InputBytes taken(std::move(other));
  swap(taken);
  return *this;
}

void InputBytes::swap(InputBytes& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(mapped_, other.mapped_);
  std::swap(encoding_, other.encoding_);
}

InputBytes::~InputBytes() {
  if (mapped_)
    ::munmap(data_, size_);
  else
    std::free(data_);
}

void InputBytes::forget(std::size_t begin, std::size_t end) const {
  if (!mapped_) return;
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  begin = (begin + page - 1) / page * page;
  end = std::min(end, size_) / page * page;
  if (begin < end) ::madvise(data_ + begin, end - begin, MADV_DONTNEED);
}

namespace {

// What has been read of standard input to tell its format. It can be read once only, so open_input begins
// with these bytes: like the buffer of any stream, one a process.
std::string& standard_input_head() {
  static std::string head;
  return head;
}

std::string peek_standard_input(std::size_t most) {
  std::string& head = standard_input_head();
  while (head.size() < most) {
    char buffer[1 << 14];
    const ssize_t n = ::read(STDIN_FILENO, buffer, std::min(sizeof(buffer), most - head.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;  // an error comes again when the rest is read
    head.append(buffer, static_cast<std::size_t>(n));
  }
  return head;
}

std::string read_head(const std::string& path, std::size_t most) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC), true};
  if (file.number < 0) fail(path, "opened");
  struct stat facts{};
  if (::fstat(file.number, &facts) != 0 || !S_ISREG(facts.st_mode))
    return {};  // a pipe can be read once only
  std::string raw(most, '\0');
  const ssize_t n = ::read(file.number, raw.data(), most);
  raw.resize(static_cast<std::size_t>(std::max<ssize_t>(0, n)));
  return raw;
}

}  // namespace

bool is_compressed(std::string_view first_bytes) { return is_gzip(first_bytes) || is_zstd(first_bytes); }

bool is_compressed_file(const std::string& path) {
  constexpr std::size_t kMark = 16;
  std::error_code error;
  return path != "-" && std::filesystem::is_regular_file(path, error) &&
         is_compressed(read_head(path, kMark));
}

std::string first_bytes(const std::string& path, std::size_t most) {
  std::string raw = path == "-" ? peek_standard_input(most) : read_head(path, most);
  std::string out(most, '\0');
  if (is_gzip(raw)) {
    z_stream stream{};
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return {};
    const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, &inflateEnd);
    stream.next_in = reinterpret_cast<Bytef*>(raw.data());
    stream.avail_in = static_cast<uInt>(raw.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    return out;
  }
  if (!is_zstd(raw)) return raw;
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  if (!context) return {};
  ZSTD_inBuffer in{raw.data(), raw.size(), 0};
  ZSTD_outBuffer target{out.data(), out.size(), 0};
  while (in.pos < in.size && target.pos < target.size)
    if (ZSTD_isError(ZSTD_decompressStream(context.get(), &target, &in)) != 0) break;
  out.resize(target.pos);
  return out;
}

namespace {

// The name of the format.
const char* unpack(std::string_view packed, const std::string& name, Sink& out, const StopToken& stop) {
  if (is_gzip(packed)) {
    gunzip(packed, name, out, stop);
    return "gzip";
  }
  if (!is_zstd(packed)) throw DataError(name, "is neither gzip nor zstd data");
  unzstd(packed, name, out, stop);
  return "zstd";
}

}  // namespace

InputBytes decompress(std::string_view packed, const std::string& name, const InputLimits& limits,
                      const StopToken& stop) {
  Buffer out(name, limits);
  InputBytes result;
  result.encoding_ = unpack(packed, name, out, stop);
  std::tie(result.data_, result.size_) = out.take();
  return result;
}

InputBytes InputBytes::mapped_file(int descriptor, std::size_t size) {
  InputBytes raw;
  if (size == 0) return raw;
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) return raw;
  raw.data_ = static_cast<char*>(data);
  raw.size_ = size;
  raw.mapped_ = true;
  ::madvise(data, size, MADV_SEQUENTIAL);
  return raw;
}

InputBytes open_input(const std::string& path, const InputLimits& limits, const StopToken& stop) {
  const bool is_stdin = path == "-";
  const std::string name = is_stdin ? "standard input" : path;
  const Descriptor file{is_stdin ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC), !is_stdin};
  if (file.number < 0) fail(name, "opened");
  struct stat facts{};
  if (::fstat(file.number, &facts) != 0) fail(name, "read");
  if (S_ISDIR(facts.st_mode)) throw FileError(name, "is a folder, not a file with a table");
  InputBytes raw;
  // Standard input may be a file read from the middle, so it is always read; pipes and devices cannot be
  // mapped.
  if (!is_stdin && S_ISREG(facts.st_mode))
    raw = InputBytes::mapped_file(file.number, static_cast<std::size_t>(facts.st_size));
  if (!raw.mapped_) {
    Buffer out(name, limits);
    if (is_stdin) out.append(std::exchange(standard_input_head(), {}));
    read_all(file.number, name, out, stop);
    std::tie(raw.data_, raw.size_) = out.take();
  }
  return is_compressed(raw.bytes()) ? decompress(raw.bytes(), name, limits, stop) : std::move(raw);
}

InputBytes open_mapped(const std::string& path, const InputLimits& limits, const StopToken& stop,
                       Progress* progress) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC), true};
  if (file.number < 0) fail(path, "opened");
  struct stat facts{};
  if (::fstat(file.number, &facts) != 0) fail(path, "read");
  if (!S_ISREG(facts.st_mode)) throw FileError(path, "is no file, which alone can be read again and again");
  InputBytes raw = InputBytes::mapped_file(file.number, static_cast<std::size_t>(facts.st_size));
  if (facts.st_size > 0 && !raw.mapped_) fail(path, "mapped");
  if (!is_compressed(raw.bytes())) return raw;
  TemporaryFile content(path, limits, raw, progress);
  const char* const encoding = unpack(raw.bytes(), path, content, stop);
  content.end();
  InputBytes result;
  if (content.is_small())
    std::tie(result.data_, result.size_) = content.small().take();
  else
    result = InputBytes::mapped_file(content.descriptor(), content.size());
  if (!content.is_small() && !result.mapped_) fail(path, "mapped");
  result.encoding_ = encoding;
  return result;
}

}  // namespace cairn
