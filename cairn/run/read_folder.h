// A folder of files that are parts of one table.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cairn/data/reader.h"
#include "cairn/data/table_parts.h"

namespace cairn {

// All files of the folder but hidden ones (and those that begin with _, which other programs leave behind),
// in order of their names. `reader_of` tells the reader of a file; all must have the same. DataError names
// the first file whose format or columns differ.
ReadResult read_folder(const std::string& folder,
                       const std::function<const Reader&(const std::string&)>& reader_of,
                       const ReadOptions& options);

// The same table in parts, as its reader reads one file in parts (Reader::parts); null where it reads files
// as a whole only.
std::unique_ptr<TableParts> folder_parts(const std::string& folder,
                                         const std::function<const Reader&(const std::string&)>& reader_of,
                                         const ReadOptions& options, std::size_t part_bytes,
                                         std::uint64_t kept_bytes);

}  // namespace cairn
