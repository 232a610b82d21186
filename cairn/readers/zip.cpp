#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <memory>

#include "cairn/base/error.h"
#include "cairn/readers/zip_internal.h"

namespace cairn::readers_detail {
namespace {

constexpr std::size_t kLocalHeader = 30, kDirectoryHeader = 46, kEndRecord = 22, kEnd64Record = 56,
                      kLocator = 20;
constexpr std::uint64_t kIn64 = 0xFFFFFFFF;  // the real value stands in an extra field

[[noreturn]] void damaged(const std::string& name, std::string_view why) {
  throw DataError(name, fmt::format("the zip archive is damaged or cut short ({})", why),
                  "Fetch or save it again.");
}

std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t length) {
  std::uint64_t value = 0;
  for (std::size_t i = length; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

struct Directory {
  std::uint64_t offset = 0, entries = 0;
};

Directory find_directory(std::string_view bytes, const std::string& name) {
  constexpr std::size_t kMostComment = 65535;
  if (bytes.size() < kEndRecord) damaged(name, "its directory is missing");
  const std::size_t lowest = bytes.size() - std::min(bytes.size(), kEndRecord + kMostComment);
  std::size_t at = bytes.size() - kEndRecord;
  while (bytes.substr(at, 4) != "PK\x05\x06") {
    if (at == lowest) damaged(name, "its directory is missing");
    --at;
  }
  Directory d{.offset = number(bytes, at + 16, 4), .entries = number(bytes, at + 10, 2)};
  if (d.offset != kIn64 && d.entries != 0xFFFF) return d;
  if (at < kLocator || bytes.substr(at - kLocator, 4) != "PK\x06\x07")
    damaged(name, "its zip64 directory is missing");
  const std::uint64_t end = number(bytes, at - kLocator + 8, 8);
  if (bytes.size() < kEnd64Record || end > bytes.size() - kEnd64Record ||
      bytes.substr(end, 4) != "PK\x06\x06")
    damaged(name, "its zip64 directory is missing");
  return {.offset = number(bytes, end + 48, 8), .entries = number(bytes, end + 32, 8)};
}

// Values that did not fit 32 bits, in the order of the format.
void read_extra64(std::string_view extra, ZipMember& m) {
  for (std::size_t i = 0; i + 4 <= extra.size();) {
    const std::size_t length = number(extra, i + 2, 2);
    if (length > extra.size() - i - 4) return;
    if (number(extra, i, 2) == 1) {
      std::size_t at = i + 4;
      const std::size_t end = at + length;
      for (std::uint64_t* value : {&m.size, &m.packed_size, &m.offset})
        if (*value == kIn64 && at + 8 <= end) {
          *value = number(extra, at, 8);
          at += 8;
        }
    }
    i += 4 + length;
  }
}

std::string inflate_member(std::string_view packed, const ZipMember& m, const std::string& name) {
  std::string out(m.size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    throw ResourceError(name, "memory for decompression cannot be had");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, &inflateEnd);
  constexpr std::size_t kStep = std::size_t{1} << 30;
  std::size_t in = 0, done = 0;
  for (int status = Z_OK; status != Z_STREAM_END;) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + in));
    stream.avail_in = static_cast<uInt>(std::min(kStep, packed.size() - in));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    stream.avail_out = static_cast<uInt>(std::min(kStep, out.size() - done));
    const uInt had = stream.avail_in, room = stream.avail_out;
    status = inflate(&stream, Z_NO_FLUSH);
    in += had - stream.avail_in;
    done += room - stream.avail_out;
    if (status != Z_OK && status != Z_STREAM_END) damaged(name, m.name + " cannot be unpacked");
    if (status == Z_OK && had == stream.avail_in && room == stream.avail_out)
      damaged(name, m.name + " does not have the length that is claimed");
  }
  if (done != out.size()) damaged(name, m.name + " is shorter than claimed");
  return out;
}

}  // namespace

bool is_zip(std::string_view bytes) { return bytes.starts_with("PK\x03\x04"); }

std::vector<ZipMember> zip_members(std::string_view bytes, const std::string& name) {
  const Directory d = find_directory(bytes, name);
  std::vector<ZipMember> members;
  std::size_t at = d.offset;
  for (std::uint64_t e = 0; e < d.entries; ++e) {
    if (at > bytes.size() || bytes.size() - at < kDirectoryHeader || bytes.substr(at, 4) != "PK\x01\x02")
      damaged(name, "its directory does not hold what it claims");
    ZipMember m{.size = number(bytes, at + 24, 4),
                .packed_size = number(bytes, at + 20, 4),
                .offset = number(bytes, at + 42, 4),
                .method = static_cast<unsigned>(number(bytes, at + 10, 2)),
                .crc = static_cast<std::uint32_t>(number(bytes, at + 16, 4))};
    const std::size_t name_length = number(bytes, at + 28, 2), extra = number(bytes, at + 30, 2),
                      comment = number(bytes, at + 32, 2);
    if (bytes.size() - at - kDirectoryHeader < name_length + extra + comment)
      damaged(name, "its directory is cut short");
    m.name = bytes.substr(at + kDirectoryHeader, name_length);
    read_extra64(bytes.substr(at + kDirectoryHeader + name_length, extra), m);
    members.push_back(std::move(m));
    at += kDirectoryHeader + name_length + extra + comment;
  }
  return members;
}

std::string zip_content(std::string_view bytes, const ZipMember& m, const std::string& name) {
  constexpr std::uint64_t kMostRatio = 1040;  // deflate makes a byte of at most 1032
  if (m.offset > bytes.size() || bytes.size() - m.offset < kLocalHeader ||
      bytes.substr(m.offset, 4) != "PK\x03\x04")
    damaged(name, m.name + " is not where the directory says");
  const std::size_t begin =
      m.offset + kLocalHeader + number(bytes, m.offset + 26, 2) + number(bytes, m.offset + 28, 2);
  if (begin > bytes.size() || m.packed_size > bytes.size() - begin) damaged(name, m.name + " is cut short");
  if (m.size / kMostRatio > m.packed_size + 1) damaged(name, m.name + " claims more than its bytes can hold");
  const std::string_view packed = bytes.substr(begin, m.packed_size);
  std::string content;
  if (m.method == 0) {
    if (m.size != m.packed_size) damaged(name, m.name + " does not have the length that is claimed");
    content = packed;
  } else if (m.method == 8) {
    content = inflate_member(packed, m, name);
  } else {
    throw DataError(name, fmt::format("{} is packed by method {} of zip; stored and deflated are read",
                                      m.name, m.method));
  }
  if (crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()) != m.crc)
    damaged(name, m.name + " does not have its check sum");
  return content;
}

}  // namespace cairn::readers_detail
