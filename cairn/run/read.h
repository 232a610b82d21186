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

// The same in parts of about so many bytes of the file; null where it has less than `least_bytes` or can only
// be read as a whole. One file that its reader can read in parts.
std::shared_ptr<TableParts> read_in_parts(const std::string& data, const ReadFlags& flags,
                                          const Registry& registry, std::uint64_t least_bytes,
                                          std::size_t part_bytes, StopToken stop = {},
                                          Progress* progress = nullptr);

std::string data_name(const std::string& data);  // "penguins" for "data/penguins.csv.gz"; "stdin" for "-"

}  // namespace cairn
