// A folder of files that are parts of one table.
#pragma once

#include <functional>
#include <string>

#include "cairn/data/reader.h"

namespace cairn {

// All files of the folder but hidden ones (and those that begin with _, which other programs leave behind),
// in order of their names. `reader_of` tells the reader of a file; all must have the same. DataError names
// the first file whose format or columns differ.
ReadResult read_folder(const std::string& folder,
                       const std::function<const Reader&(const std::string&)>& reader_of,
                       const ReadOptions& options);

}  // namespace cairn
