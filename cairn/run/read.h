// From what a person typed (a file, `-`, `csv:file`) to a table.
#pragma once

#include <string>

#include "cairn/data/reader.h"
#include "cairn/model/registry.h"
#include "cairn/run/train_options.h"

namespace cairn {

// The format is read from the content; `name:args` reaches a reader directly, and an existing path wins over
// it. `schema` is a model's: its columns are read as it says. FileError for what is not there, with the
// nearest name in the folder.
ReadResult read_data(const std::string& data, const ReadFlags& flags, const Registry& registry,
                     const Schema* schema = nullptr, StopToken stop = {}, Progress* progress = nullptr);

std::string data_name(const std::string& data);  // "penguins" for "data/penguins.csv.gz"; "stdin" for "-"

}  // namespace cairn
