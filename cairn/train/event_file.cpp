#include "cairn/train/event_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <vector>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"

namespace cairn {
namespace {

// The reflected polynomial, byte by byte.
constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = c & 1 ? 0x82f63b78U ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kTable = make_table();

// As TFRecord stores checksums, so that a checksum of stored checksums is none of all zeros.
std::uint32_t masked(std::uint32_t crc) { return std::rotr(crc, 15) + 0xa282ead8U; }

template <class T>
void put_fixed(std::string& to, T value) {  // little endian
  static_assert(std::endian::native == std::endian::little);
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Protocol buffers' wire format: a key (field << 3 | type), then a varint, 8 bytes, a length and bytes, or 4
// bytes.
enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

void put_varint(std::string& to, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7) to += static_cast<char>(v | 0x80);
  to += static_cast<char>(v);
}
void put_key(std::string& to, int field, Wire wire) {
  put_varint(to, static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(wire));
}
void put_double(std::string& to, int field, double v) {
  put_key(to, field, Wire::fixed64);
  put_fixed(to, v);
}
void put_bytes(std::string& to, int field, std::string_view bytes) {
  put_key(to, field, Wire::bytes);
  put_varint(to, bytes.size());
  to += bytes;
}
void put_doubles(std::string& to, int field, const std::vector<double>& values) {  // packed
  std::string bytes;
  for (const double v : values) put_fixed(bytes, v);
  put_bytes(to, field, bytes);
}

// Event: wall_time 1, step 2, file_version 3, summary 5. Summary: value 1. Value: tag 1, simple_value 2,
// histo 5.
std::string event_of(std::string_view value, std::int64_t step, double seconds) {
  std::string summary, event;
  put_bytes(summary, 1, value);
  put_double(event, 1, seconds);
  put_key(event, 2, Wire::varint);
  put_varint(event, static_cast<std::uint64_t>(step));
  put_bytes(event, 5, summary);
  return event;
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t c = ~0U;
  for (const char b : bytes) c = kTable[(c ^ static_cast<std::uint8_t>(b)) & 0xff] ^ (c >> 8);
  return ~c;
}

std::string tfrecord(std::string_view bytes) {
  std::string frame;
  put_fixed(frame, static_cast<std::uint64_t>(bytes.size()));
  put_fixed(frame, masked(crc32c(frame)));
  frame += bytes;
  put_fixed(frame, masked(crc32c(bytes)));
  return frame;
}

std::string version_event(double seconds) {
  std::string event;
  put_double(event, 1, seconds);
  put_bytes(event, 3, "brain.Event:2");
  return event;
}

std::string scalar_event(std::string_view tag, double value, std::int64_t step, double seconds) {
  std::string v;
  put_bytes(v, 1, tag);
  put_key(v, 2, Wire::fixed32);
  put_fixed(v, static_cast<float>(value));
  return event_of(v, step, seconds);
}

// HistogramProto: min 1, max 2, num 3, sum 4, sum_squares 5, bucket_limit 6, bucket 7.
std::string histogram_event(std::string_view tag, std::span<const double> values, std::int64_t step,
                            double seconds) {
  constexpr std::size_t kBuckets = 30;
  double low = 0, high = 0, count = 0, sum = 0, squares = 0;
  for (const double v : values) {
    if (!std::isfinite(v)) continue;
    low = count == 0 ? v : std::min(low, v);
    high = count == 0 ? v : std::max(high, v);
    ++count;
    sum += v;
    squares += v * v;
  }
  const double width = (high - low) / kBuckets;
  const std::size_t buckets = width > 0 && std::isfinite(width) ? kBuckets : 1;
  std::vector<double> limits, counts(buckets, 0);
  for (std::size_t i = 0; i + 1 < buckets; ++i) limits.push_back(low + width * static_cast<double>(i + 1));
  limits.push_back(high);
  for (const double v : values)
    if (std::isfinite(v))
      ++counts[buckets == 1 ? 0 : std::min(static_cast<std::size_t>((v - low) / width), buckets - 1)];
  std::string histogram, value;
  put_double(histogram, 1, low);
  put_double(histogram, 2, high);
  put_double(histogram, 3, count);
  put_double(histogram, 4, sum);
  put_double(histogram, 5, squares);
  put_doubles(histogram, 6, limits);
  put_doubles(histogram, 7, counts);
  put_bytes(value, 1, tag);
  put_bytes(value, 5, histogram);
  return event_of(value, step, seconds);
}

EventFile::EventFile(const std::string& folder) {
  static std::atomic<int> number{0};
  char host[256] = "host";
  ::gethostname(host, sizeof host - 1);
  const double seconds = now();
  path_ = fmt::format("{}/events.out.tfevents.{:.0f}.{}.{}.{}", folder, std::floor(seconds), host, ::getpid(),
                      number++);
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) refuse_to_write(path_, "made", errno);
  write(version_event(seconds));
}

EventFile::~EventFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void EventFile::write(const std::string& event) {
  const std::string frame = tfrecord(event);
  std::size_t done = 0;
  while (done < frame.size()) {
    const ssize_t n = ::write(descriptor_, frame.data() + done, frame.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse_to_write(path_, "written", errno);
    done += static_cast<std::size_t>(n);
  }
}

void EventFile::scalar(std::string_view tag, double value, std::int64_t step) {
  write(scalar_event(tag, value, step, now()));
}
void EventFile::histogram(std::string_view tag, std::span<const double> values, std::int64_t step) {
  write(histogram_event(tag, values, step, now()));
}

}  // namespace cairn
