// The members of a tar archive: ustar (POSIX.1-1988), long names of GNU and pax.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cairn::readers_detail {

struct TarMember {
  std::string name;
  std::string_view content;  // lies in the archive's own bytes
};

bool is_tar(std::string_view first_bytes);
// The plain files. DataError when a header is damaged or the archive is cut short.
std::vector<TarMember> tar_members(std::string_view bytes, const std::string& name);

}  // namespace cairn::readers_detail
