// A network declared at run time, in a small JSON file:
//
//   {"input": [28, 28, 1],
//    "layers": ["flatten",
//               {"layer": "linear", "out": 64, "name": "fc1"}, "relu",
//               {"layer": "linear", "out": 64, "name": "fc2"},
//               {"layer": "add", "from": ["fc1", "fc2"]},
//               {"layer": "linear", "out": 10}]}
//
// "input" is the shape of one sample. A layer takes the one before it, or those it names in "from" ("input"
// is the network's own); the last one's output is the network's, or "output" names it. Sizes that follow from
// what comes in are left out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/nn/layer.h"

namespace cairn {

class Network : public Module {
 public:
  // DataError naming `where` and the layer: what is not JSON, an unknown layer or parameter, shapes that do
  // not fit.
  static Network parse(std::string_view json, const std::string& where = "network");
  static Network load_json(const std::string& path);

  // x [N, input...]; ShapeError for other samples.
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v);

  const Shape& input_shape() const { return input_; }  // of one sample
  const Shape& output_shape() const;
  std::string json() const;     // every parameter written out; reads back as the same network
  std::string summary() const;  // a table: layer, output shape, parameters, multiply-adds a sample

  struct Row {
    std::string name, kind;
    Shape output;
    std::int64_t parameters = 0, multiply_adds = 0;
  };
  std::vector<Row> rows() const;
  Layer& layer(std::string_view name);  // UsageError with the nearest name

 private:
  static constexpr int kInput = -1, kNone = -2;
  struct Node {
    std::string name;
    Layer layer;
    std::vector<int> from;  // node numbers, or kInput
    Shape output;
    std::int64_t parameters = 0, multiply_adds = 0;
    int last_use = 0;  // the last node that reads it
    // A rectifier or sum that `base` does in its own pass, in this node's place: what is added, or kNone.
    int base = kNone, residual = kNone;
    bool skipped = false;  // another node does it
  };
  Network();
  void add(std::string name, const std::string& kind, const std::string& params, std::vector<int> from);
  int find(std::string_view name) const;  // kInput, or the node's number, or kNone
  void choose_output(int node);
  void join_passes();
  Shape input_;
  std::vector<Node> nodes_;
  int output_ = kInput;
  friend class NetworkParser;
};

}  // namespace cairn
