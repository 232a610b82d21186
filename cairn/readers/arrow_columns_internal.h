// One column of Arrow batches, gathered batch by batch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cairn/data/column.h"
#include "cairn/readers/arrow_stream_internal.h"

namespace cairn::readers_detail {

// The rows of a batch, as an array below it has them.
struct ArrowRows {
  std::int64_t first = 0, count = 0;
  const std::uint8_t* present = nullptr;  // a bit a row of the batch: 0 where a structure above lacks it
};

class ArrowColumn {
 public:
  virtual ~ArrowColumn() = default;
  // `array` holds rows.first + rows.count of them or more, besides its own offset; only those are read.
  virtual void append(const ArrowArray& array, const ArrowRows& rows) = 0;
  virtual std::int64_t num_buffers() const { return 2; }  // that an array of it must have
  virtual Column finish() = 0;
  virtual bool is_text() const { return false; }  // texts that were stored as a dictionary
};

// Null for a type that no column holds.
std::unique_ptr<ArrowColumn> arrow_column(const ArrowSchema& schema, const std::string& name,
                                          const std::string& where);

}  // namespace cairn::readers_detail
