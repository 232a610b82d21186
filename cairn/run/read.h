// From what a person typed (a file, `-`, `csv:file`) to a table.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cairn/data/reader.h"
#include "cairn/data/table_parts.h"
#include "cairn/model/registry.h"
#include "cairn/run/train_options.h"

namespace cairn {

// The format is read from the content; `name:args` reaches a reader directly, and an existing path wins over
// it. `schema` is a model's: its columns are read as it says. FileError for what is not there, with the
// nearest name in the folder.
ReadResult read_data(const std::string& data, const ReadFlags& flags, const Registry& registry,
                     const Schema* schema = nullptr, StopToken stop = {}, Progress* progress = nullptr);

struct PartSizes {
  std::uint64_t least_bytes = 0;
  std::size_t part_bytes = 0;    // of the content, about
  std::uint64_t kept_bytes = 0;  // of memory: all rows that take no more are there (TableParts::take_whole)
};
PartSizes part_sizes(std::uint64_t most);  // where so many bytes of memory may be used

// The same of a table that need not fit in memory: a file that its reader can read in parts, or a folder of
// such files. Null for others, and where the content cannot be more than `least_bytes`.
std::shared_ptr<TableParts> read_in_parts(const std::string& data, const ReadFlags& flags,
                                          const Registry& registry, const PartSizes& sizes,
                                          StopToken stop = {}, Progress* progress = nullptr);

std::string data_name(const std::string& data);  // "penguins" for "data/penguins.csv.gz"; "stdin" for "-"

}  // namespace cairn
