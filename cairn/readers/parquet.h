// Parquet and Arrow (Feather) files, through Arrow's C++ library: a plugin that is loaded at the first file
// and that a build makes where it finds the library (scripts/setup arrow).
//
//   read_parquet("flights.parquet")
#pragma once

#include "cairn/data/reader.h"

namespace cairn {

// Texts are typed like cells of a text table, so that the same table gives the same columns in either form.
// NotSupported, with the command that provides it, in a build without the plugin.
ReadResult read_parquet(const std::string& path, const ReadOptions& options = {});
bool can_read_parquet();  // the plugin is there

extern const Reader kParquetReader;
extern const Reader kArrowReader;

}  // namespace cairn
