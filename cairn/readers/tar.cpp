#include <fmt/format.h>

#include <charconv>

#include "cairn/base/error.h"
#include "cairn/readers/tar_internal.h"

namespace cairn::readers_detail {
namespace {

constexpr std::size_t kBlock = 512;

std::string_view text_field(std::string_view header, std::size_t at, std::size_t length) {
  const std::string_view field = header.substr(at, length);
  return field.substr(0, field.find('\0'));
}

// Octal digits, or base 256 where the first bit is set. Negative: none.
std::int64_t size_field(std::string_view header, std::size_t at, std::size_t length) {
  const auto first = static_cast<unsigned char>(header[at]);
  std::int64_t value = 0;
  if ((first & 0x80U) != 0) {
    for (std::size_t i = 1; i < length; ++i) {
      if (value > (INT64_MAX >> 8)) return -1;
      value = value << 8 | static_cast<unsigned char>(header[at + i]);
    }
    return value;
  }
  std::string_view digits = text_field(header, at, length);
  digits.remove_prefix(std::min(digits.size(), digits.find_first_not_of(' ')));
  while (digits.ends_with(' ')) digits.remove_suffix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
  return error == std::errc{} && end == digits.data() + digits.size() ? value : -1;
}

bool checksum_holds(std::string_view header) {
  constexpr std::size_t kAt = 148, kLength = 8;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i)
    sum += i >= kAt && i < kAt + kLength ? ' ' : static_cast<unsigned char>(header[i]);
  return size_field(header, kAt, kLength) == sum;
}

// "30 path=some/long/name\n" among the records of a pax header.
std::string pax_path(std::string_view records) {
  while (!records.empty()) {
    std::size_t length = 0;
    const auto [at, error] = std::from_chars(records.data(), records.data() + records.size(), length);
    if (error != std::errc{} || length == 0 || length > records.size()) return {};
    const auto begin = static_cast<std::size_t>(at - records.data()) + 1;
    if (begin + 1 > length) return {};
    const std::string_view record = records.substr(begin, length - begin - 1);
    if (record.starts_with("path=")) return std::string(record.substr(5));
    records.remove_prefix(length);
  }
  return {};
}

}  // namespace

bool is_tar(std::string_view first_bytes) {
  return first_bytes.size() >= kBlock && first_bytes.substr(257, 5) == "ustar" &&
         checksum_holds(first_bytes.substr(0, kBlock));
}

std::vector<TarMember> tar_members(std::string_view bytes, const std::string& name) {
  std::vector<TarMember> members;
  std::string long_name;
  for (std::size_t at = 0; at + kBlock <= bytes.size();) {
    const std::string_view header = bytes.substr(at, kBlock);
    if (header.find_first_not_of('\0') == std::string_view::npos) return members;  // the end
    const std::int64_t size = size_field(header, 124, 12);
    if (size < 0 || !checksum_holds(header))
      throw DataError(name, fmt::format("the tar archive is damaged at byte {}", at),
                      "Fetch or pack it again.");
    at += kBlock;
    if (static_cast<std::uint64_t>(size) > bytes.size() - at)
      throw DataError(name,
                      fmt::format("the tar archive is cut short: {} claims {} bytes and {} are left",
                                  text_field(header, 0, 100), size, bytes.size() - at),
                      "Fetch or pack it again.");
    const std::string_view content = bytes.substr(at, static_cast<std::size_t>(size));
    const char type = header[156];
    if (type == 'L') {
      long_name = content.substr(0, content.find('\0'));
    } else if (type == 'x') {
      long_name = pax_path(content);
    } else if (type == '0' || type == '\0') {
      std::string path(text_field(header, 0, 100));
      if (const std::string_view prefix = text_field(header, 345, 155);
          !prefix.empty() && header.substr(257, 6) == std::string_view("ustar\0", 6))
        path = std::string(prefix) + "/" + path;
      members.push_back({long_name.empty() ? std::move(path) : std::move(long_name), content});
      long_name.clear();
    }
    at += (static_cast<std::size_t>(size) + kBlock - 1) / kBlock * kBlock;
  }
  return members;
}

}  // namespace cairn::readers_detail
