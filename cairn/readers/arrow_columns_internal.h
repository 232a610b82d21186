// One column of Arrow batches, gathered batch by batch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cairn/data/column.h"
#include "cairn/readers/arrow_stream_internal.h"

namespace cairn::readers_detail {

class ArrowColumn {
 public:
  virtual ~ArrowColumn() = default;
  // `parent` tells which rows of a structure are there: null where all are; bits begin at `parent_offset`.
  virtual void append(const ArrowArray& array, const std::uint8_t* parent, std::int64_t parent_offset) = 0;
  virtual Column finish() = 0;
  virtual bool is_text() const { return false; }  // texts that were stored as a dictionary
};

// Null for a type that no column holds.
std::unique_ptr<ArrowColumn> arrow_column(const ArrowSchema& schema, const std::string& name,
                                          const std::string& where);

}  // namespace cairn::readers_detail
