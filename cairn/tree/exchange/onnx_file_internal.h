// What is read of a file of ONNX (onnx.proto of its repository): one graph of nodes with their attributes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::import_detail {

struct OnnxAttribute {
  std::int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<std::int64_t> integers;
  std::vector<double> numbers;  // of a list of f32, or of a tensor of f32 or f64
  std::vector<std::string> texts;
};

struct OnnxNode {
  std::string op, domain;
  std::vector<std::string> inputs, outputs;
  std::map<std::string, OnnxAttribute, std::less<>> attributes;
};

struct OnnxInput {
  std::string name;
  std::int64_t element_type = 0;  // 1: f32, 11: f64, ...
  std::int64_t width = -1;        // length of the second axis; -1: not told
};

struct OnnxGraph {
  std::string producer;  // "skl2onnx 1.20.0"
  std::vector<OnnxNode> nodes;
  std::vector<OnnxInput> inputs;
  std::map<std::string, std::string, std::less<>> properties;  // the model's metadata_props
};

// ModelFileError: bytes that are no protocol buffer of a model with a graph.
OnnxGraph parse_onnx(std::string_view bytes, const std::string& path);

// Whether a file may be one: it begins with the number of a version.
bool begins_like_onnx(std::string_view first_bytes);

}  // namespace cairn::import_detail
