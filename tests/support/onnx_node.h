// ONNX node tests as they are shipped: a tar of models with one node and of tensors. Reads just what those
// use of the protocol-buffer and tar formats; refuses the rest by throwing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cairn/tensor/tensor.h"

namespace cairn::test {

struct OnnxNode {
  std::string op;
  std::vector<std::string> inputs, outputs;  // empty name: left out
  std::map<std::string, double> numbers;     // attributes
  std::map<std::string, std::vector<std::int64_t>> lists;
  std::map<std::string, std::string> texts;

  std::int64_t number(const std::string& name, std::int64_t otherwise) const {
    const auto at = numbers.find(name);
    return at == numbers.end() ? otherwise : static_cast<std::int64_t>(at->second);
  }
  double real(const std::string& name, double otherwise) const {
    const auto at = numbers.find(name);
    return at == numbers.end() ? otherwise : at->second;
  }
  std::vector<std::int64_t> list(const std::string& name, std::vector<std::int64_t> otherwise) const {
    const auto at = lists.find(name);
    return at == lists.end() ? otherwise : at->second;
  }
  std::string text(const std::string& name, const std::string& otherwise) const {
    const auto at = texts.find(name);
    return at == texts.end() ? otherwise : at->second;
  }
};

using Files = std::map<std::string, std::string>;
Files read_tar_gz(const std::string& path);
std::vector<OnnxNode> nodes_of(const std::string& model);
// Nothing: an element type that Cairn has no tensor of (half precision, text, ...). i32 becomes i64.
std::optional<Tensor> tensor_of(const std::string& proto);

}  // namespace cairn::test
