// Files of named arrays (NPY, NPZ, HDF5, MATLAB, IDX) as tables: which array is the input, which the target.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/reader.h"

namespace cairn::readers_detail {

struct ArrayFacts {
  std::string name;
  std::vector<std::int64_t> shape;
  std::string type;      // as the format calls it: "<f4"
  bool readable = true;  // numbers; false: text, complex numbers, records
  bool records = false;  // rows of named fields
  bool column = false;   // one number, text or date a row
};

// An open file of arrays. Sizes are checked against the file before memory is taken.
class ArrayFile {
 public:
  virtual ~ArrayFile() = default;
  virtual std::vector<ArrayFacts> list() = 0;
  // u8, i32, i64, f32 or f64, C order. DataError.
  virtual Tensor read(const std::string& name) = 0;
  // The same for a moment: its memory may go with the file.
  virtual Tensor view(const std::string& name) { return read(name); }
  // Of records a column each field; of an array with one value a row the one column, of its name. DataError.
  virtual std::vector<Column> columns(const std::string& name);
};

// Records, and several arrays of one length with one value a row, are columns under their names. Of others
// the arguments `inputs` and `targets` name the arrays; without them they are told by their names (x and y,
// images and labels, x_train and y_train with x_test and y_test for the test). Inputs of three or four axes
// are pictures: a column `image`; of two, a column each: c0, c1, ... The target is the column `label`.
// UsageError for names that are not there and for arrays that cannot be told apart.
ReadResult table_of_arrays(ArrayFile& file, const std::string& path, const ReadOptions& options);

// A column `image` of [n, H, W], [n, H, W, C] or [n, C, H, W]: bytes, whole numbers up to 255, or numbers
// from 0 to 1. `guesses` tells what was done to them.
Column picture_column(Tensor values, const std::string& where, std::vector<std::string>& guesses);
// A column `label` of [n], [n, 1] or [1, n].
Column label_column(const Tensor& values, const std::string& where);

// Elements as they lie in a file.
struct ElementType {
  char kind = 'u';  // u, i, f: unsigned, signed, floating; b: boolean
  int size = 1;     // bytes
  bool big_endian = false;
};
// The bytes as a tensor of the nearest type that holds them: u8, i32, i64, f32 or f64. `bytes` holds exactly
// the elements of `shape`.
Tensor elements(std::string_view bytes, ElementType type, const Shape& shape, const std::string& where);

// A shape from a file, or DataError: a negative length, more than 8 axes, more elements than 2^62.
Shape checked_shape(const std::vector<std::int64_t>& dims, const std::string& where);

std::string shape_text(const std::vector<std::int64_t>& dims);  // "209 x 64 x 64 x 3"

}  // namespace cairn::readers_detail
