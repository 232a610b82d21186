// Batches of columns in memory, as Arrow hands them from one library to another
// (arrow.apache.org/docs/format/CDataInterface.html, CStreamInterface.html), as a table.
#pragma once

#include <cstdint>
#include <string>

#include "cairn/data/reader.h"

// The three structures are fixed by the specification, names and all.
extern "C" {
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};
struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};
struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream*, ArrowSchema* out);
  int (*get_next)(ArrowArrayStream*, ArrowArray* out);
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};
}

namespace cairn::readers_detail {

// Reads all batches and releases the stream. Numbers, booleans, dates, decimals,
// texts and dictionaries are columns; the fields of structures are too, under the names of their paths.
// Others (lists, maps, bytes, times of day) are left out, with a warning. DataError with what the other side
// says.
ReadResult table_of_stream(ArrowArrayStream& stream, const std::string& where, const ReadOptions& options);

}  // namespace cairn::readers_detail
