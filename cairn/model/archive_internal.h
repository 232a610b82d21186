// The safetensors container: an 8-byte little-endian length, a JSON header, raw tensors without overlaps or
// holes.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/tensor/tensor.h"

namespace cairn {

struct SafetensorsEntry {
  std::string dtype;  // as the file says: "F64", "BF16", ...
  std::vector<std::int64_t> shape;
  std::string_view bytes;  // inside the file
  Tensor copy() const;     // ModelFileError for an element type that cairn does not compute with
};

struct SafetensorsFile {
  std::map<std::string, SafetensorsEntry> tensors;
  std::vector<std::string> order;  // as the header lists them
  Json metadata = Json::object();  // __metadata__ without Cairn's own entry
  Json cairn;                      // Cairn's own header; null in another program's file
};

const char* safetensors_dtype(DType dtype);

// Checks everything the format promises before any memory is taken. ModelFileError names `path` and what is
// wrong.
SafetensorsFile parse_safetensors(std::string_view bytes, const std::string& path);

}  // namespace cairn
