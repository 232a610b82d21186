// Rows of fields as they lie in memory (NumPy's structured arrays, HDF5's compounds) as columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/reader.h"

namespace cairn::readers_detail {

struct RecordField {
  std::string name;
  // b, i, u, f: boolean, signed, unsigned, floating; S: bytes of text, padded with zeros; U: text of four
  // bytes a letter; M: ticks since 1970, the least number is missing; p: the address of text that ends in a
  // zero.
  char kind = 'f';
  std::size_t size = 8, offset = 0;
  bool big_endian = false;
  std::int64_t ticks = 1, seconds = 1;  // M: so many ticks are so many seconds
};

// One field of `rows` rows that lie `stride` bytes apart. Texts become a text column. DataError for text that
// is not UTF-8 and for numbers beyond 64 bits.
Column record_column(const RecordField& field, const char* first, std::size_t stride, std::int64_t rows,
                     const std::string& where);

// The fields of a NumPy type: "<f4" is one field named `alone`, [('a', '<f8'), ('b', '<U5')] two. Empty when
// it holds what no column does (objects, nested records, complex numbers); `size` is that of a row.
std::vector<RecordField> npy_fields(std::string_view descr, const std::string& alone, std::size_t& size);

}  // namespace cairn::readers_detail
