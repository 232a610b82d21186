// ONNX node tests as they are shipped: a tar of models with one node and of tensors.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cairn/tensor/tensor.h"
#include "cairn/tree/exchange/onnx_file_internal.h"

namespace cairn::test {

struct OnnxNode : import_detail::OnnxNode {
  bool has(const std::string& name) const { return attributes.contains(name); }
  std::int64_t number(const std::string& name, std::int64_t otherwise) const {
    return has(name) ? attributes.at(name).integer : otherwise;
  }
  double real(const std::string& name, double otherwise) const {
    return has(name) ? attributes.at(name).number : otherwise;
  }
  std::vector<std::int64_t> list(const std::string& name, std::vector<std::int64_t> otherwise) const {
    return has(name) ? attributes.at(name).integers : otherwise;
  }
  std::string text(const std::string& name, const std::string& otherwise) const {
    return has(name) ? attributes.at(name).text : otherwise;
  }
};

using Files = std::map<std::string, std::string>;
Files read_tar_gz(const std::string& path);
std::vector<OnnxNode> nodes_of(const std::string& model);
// Nothing: an element type that Cairn has no tensor of (half precision, text, ...). i32 becomes i64.
std::optional<Tensor> tensor_of(const std::string& proto);

}  // namespace cairn::test
