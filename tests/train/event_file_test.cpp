// Event files: byte for byte what TensorBoard's own writer makes (scripts/golden/event_file.py), and a file
// that tests/tensorboard_test.py reads back with TensorBoard itself.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <limits>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/train/event_file.h"

using namespace cairn;

namespace {

std::string hex(const std::string& bytes) {
  static const char* const kDigits = "0123456789abcdef";
  std::string text;
  for (const char b : bytes) {
    text += kDigits[static_cast<std::uint8_t>(b) >> 4];
    text += kDigits[static_cast<std::uint8_t>(b) & 15];
  }
  return text;
}

}  // namespace

TEST_CASE("event files: the checksum of RFC 3720") {
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xe3069283U);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aaU);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43U);
}

TEST_CASE("event files: the bytes that TensorBoard's own writer makes") {
  CHECK(hex(tfrecord(version_event(1700000000.25))) ==
        "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9");
  CHECK(hex(tfrecord(scalar_event("loss/train", 0.3125, 300, 1700000001.5))) ==
        "2100000000000000017becf60900006040fc54d94110ac022a130a110a0a6c6f73732f747261696e150000a03ef8a15cb2");
}

TEST_CASE("event files: written, whole after every call") {
  // tests/tensorboard_test.py names a folder of its own.
  const char* given = std::getenv("CAIRN_EVENTS");
  const std::string folder =
      given ? std::string(given) : (std::filesystem::temp_directory_path() / "cairn_events").string();
  std::filesystem::create_directories(folder);
  std::string path;
  {
    EventFile events(folder);
    path = events.path();
    const std::size_t before = std::filesystem::file_size(path);
    for (int step = 1; step <= 3; ++step) events.scalar("loss/train", 1.0 / step, step);
    CHECK(std::filesystem::file_size(path) > before);
    const double values[] = {-1, 0.25, 0.5, 2, std::numeric_limits<double>::quiet_NaN()};
    events.histogram("weights/fc1", values, 3);
    events.histogram("weights/one", std::span(values).first(1), 3);
  }
  CHECK(path.find("events.out.tfevents.") != std::string::npos);
  CHECK(read_file(path).size() > 300);
  EventFile second(folder);  // a name of its own in the same second
  CHECK(second.path() != path);
  if (!given) std::filesystem::remove_all(folder);
  CHECK_THROWS_AS(EventFile("/no/such/folder"), FileError);
}
