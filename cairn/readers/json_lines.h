// JSON lines (jsonlines.org, ndjson.org): a row is an object or an array on a line of its own; also one array
// of objects, as many programs save a table.
//
//   {"id": 1, "size": {"x": 2.5, "y": null}, "tags": ["a", "b"]}
#pragma once

#include <string>
#include <string_view>

#include "cairn/data/reader.h"

namespace cairn {

// Nested values get the names of their path: size.x, tags.0. A key that a row lacks, and null, are missing.
// Arrays are rows of cells c0, c1, ...; a first line of strings alone above other values names them. Values
// are taken for what they would be in a text table, whether they stand in quotes or not. DataError names the
// line.
ReadResult read_json_lines(const std::string& path, const ReadOptions& options = {});

// The same for text in memory; `name` stands for the file in messages.
ReadResult read_json_text(std::string_view text, const std::string& name, const ReadOptions& options = {});

extern const Reader kJsonReader;

}  // namespace cairn
