#include "cairn/nn/network.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/base/suggest.h"

namespace cairn {

Network::Network() : Module("Network") {}

const Shape& Network::output_shape() const { return nodes_[static_cast<std::size_t>(output_)].output; }

int Network::find(std::string_view name) const {
  if (name == "input") return kInput;
  const auto at = std::ranges::find_if(nodes_, [&](const Node& n) { return n.name == name; });
  return at == nodes_.end() ? -2 : static_cast<int>(at - nodes_.begin());
}

// Layers that the output does not need stay: they may be asked for by name.
void Network::choose_output(int node) {
  output_ = node;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    for (const int f : nodes_[i].from)
      if (f != kInput) nodes_[static_cast<std::size_t>(f)].last_use = static_cast<int>(i);
  parameters(*this);  // gives names, without drawing
}

Tensor Network::operator()(const Tensor& x) const {
  bool fits = x.ndim() == input_.ndim() + 1;
  for (int i = 0; fits && i < input_.ndim(); ++i) fits = x.size(i + 1) == input_[i];
  if (!fits)
    throw ShapeError(
        path().empty() ? "network" : path(),
        fmt::format("{} comes in; samples are {}, the first axis numbers them", x.text(), input_.text()));
  std::vector<Tensor> values(nodes_.size());
  std::vector<Tensor> in;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(output_); ++i) {
    const Node& n = nodes_[i];
    in.clear();
    for (const int f : n.from) in.push_back(f == kInput ? x : values[static_cast<std::size_t>(f)]);
    values[i] = n.layer(in);
    for (const int f : n.from)  // let go of what nobody reads any more
      if (f != kInput && f != output_ && nodes_[static_cast<std::size_t>(f)].last_use == static_cast<int>(i))
        values[static_cast<std::size_t>(f)] = Tensor();
  }
  return std::move(values[static_cast<std::size_t>(output_)]);
}

void Network::visit(Visitor& v) {
  v.module(*this);
  for (Node& n : nodes_) v.child(n.name, n.layer);
}

Layer& Network::layer(std::string_view name) {
  const int at = find(name);
  if (at >= 0) return nodes_[static_cast<std::size_t>(at)].layer;
  std::vector<std::string> names;
  for (const Node& n : nodes_) names.push_back(n.name);
  throw UsageError("network", fmt::format("there is no layer '{}'", name), suggestion(name, names));
}

std::vector<Network::Row> Network::rows() const {
  std::vector<Row> all;
  for (const Node& n : nodes_)
    all.push_back({n.name, n.layer.kind(), n.output, n.parameters, n.multiply_adds});
  return all;
}

std::string Network::summary() const {
  std::size_t width = 5;
  for (const Node& n : nodes_)
    width = std::max(width, n.name.size() + std::string_view(n.layer.kind()).size() + 3);
  std::int64_t parameters = 0, multiply_adds = 0;
  std::string text = fmt::format("{:<{}}  {:>18}  {:>12}  {:>14}\n", "layer", width, "output", "parameters",
                                 "multiply-adds");
  text += fmt::format("{:<{}}  {:>18}\n", "input", width, input_.text());
  for (const Node& n : nodes_) {
    text += fmt::format("{:<{}}  {:>18}  {:>12}  {:>14}\n", fmt::format("{} ({})", n.name, n.layer.kind()),
                        width, n.output.text(), n.parameters, n.multiply_adds);
    parameters += n.parameters;
    multiply_adds += n.multiply_adds;
  }
  return text +
         fmt::format("{:<{}}  {:>18}  {:>12}  {:>14}\n", "total", width, "", parameters, multiply_adds);
}

}  // namespace cairn
