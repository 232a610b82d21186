// The members of a zip archive, stored or deflated (PKWARE's application note 6.3.9), zip64 included.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::readers_detail {

struct ZipMember {
  std::string name;
  std::uint64_t size = 0, packed_size = 0, offset = 0;
  unsigned method = 0;
  std::uint32_t crc = 0;
};

bool is_zip(std::string_view bytes);
// From the directory at the end. DataError when it is damaged or cut short.
std::vector<ZipMember> zip_members(std::string_view bytes, const std::string& name);
// The bytes of one, checked against length and check sum. ResourceError for a decompression bomb.
std::string zip_content(std::string_view bytes, const ZipMember& member, const std::string& name);

}  // namespace cairn::readers_detail
