// Event files as TensorBoard reads them: TFRecord frames (length, its masked CRC32C, bytes, theirs) around
// protocol-buffer messages `Event` with scalars and histograms.
//
//   EventFile events("runs/net");
//   events.scalar("loss/train", 0.31, 12);           // tag, value, step
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cairn {

// CRC-32C (Castagnoli; iSCSI, RFC 3720 B.4).
std::uint32_t crc32c(std::string_view bytes);

// One TFRecord frame.
std::string tfrecord(std::string_view bytes);

// The bytes of one Event message. `seconds` since 1970.
std::string version_event(double seconds);
std::string scalar_event(std::string_view tag, double value, std::int64_t step, double seconds);
// Buckets of equal width between the least and the largest value; NaN and infinity are left out.
std::string histogram_event(std::string_view tag, std::span<const double> values, std::int64_t step,
                            double seconds);

// Appends to one file events.out.tfevents.<seconds>.<host>.<process>.<number> in `folder`; every call reaches
// the file whole.
class EventFile {
 public:
  explicit EventFile(const std::string& folder);  // FileError
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;
  ~EventFile();
  void scalar(std::string_view tag, double value, std::int64_t step);
  void histogram(std::string_view tag, std::span<const double> values, std::int64_t step);
  const std::string& path() const { return path_; }

 private:
  void write(const std::string& event);
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace cairn
