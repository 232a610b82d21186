#include "cairn/nn/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cairn/base/error.h"
#include "cairn/base/suggest.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/count.h"
#include "cairn/nn/merge.h"
#include "cairn/tensor/apply.h"

namespace cairn {

Network::Network() : Module("Network") {}

const Shape& Network::output_shape() const { return nodes_[static_cast<std::size_t>(output_)].output; }

int Network::find(std::string_view name) const {
  if (name == "input") return kInput;
  const auto at = std::ranges::find_if(nodes_, [&](const Node& n) { return n.name == name; });
  return at == nodes_.end() ? kNone : static_cast<int>(at - nodes_.begin());
}

// Layers that the output does not need stay: they may be asked for by name.
void Network::choose_output(int node) {
  output_ = node;
  join_passes();
  const auto used = [&](int f, std::size_t by) {
    if (f < 0) return;
    int& last = nodes_[static_cast<std::size_t>(f)].last_use;
    last = std::max(last, static_cast<int>(by));
  };
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    for (const int f : nodes_[i].from) used(f, i);
    used(nodes_[i].residual, i);
    if (nodes_[i].base == kNone) continue;
    for (const int f : nodes_[static_cast<std::size_t>(nodes_[i].base)].from) used(f, i);
  }
  parameters(*this);  // gives names, without drawing
}

// Finds the sums and rectifiers that the layer before them can do in its own pass over memory: nobody else
// may read what stands between.
void Network::join_passes() {
  std::vector<int> readers(nodes_.size(), 0);
  for (const Node& n : nodes_)
    for (const int f : n.from)
      if (f != kInput) ++readers[static_cast<std::size_t>(f)];
  const auto node = [&](int i) -> Node& { return nodes_[static_cast<std::size_t>(i)]; };
  const auto inner = [&](int i) {
    return i != kInput && i != output_ && readers[static_cast<std::size_t>(i)] == 1 && !node(i).skipped;
  };
  for (Node& n : nodes_) {
    const std::string_view kind = n.layer.kind();
    if (kind == Relu::kName && inner(n.from[0])) {
      Node& before = node(n.from[0]);
      if (before.base != kNone && std::string_view(before.layer.kind()) == Add::kName) {
        n.base = std::exchange(before.base, kNone);
        n.residual = std::exchange(before.residual, kNone);
      } else if (before.base == kNone && before.layer.finishes(false)) {
        n.base = n.from[0];
      }
      before.skipped = n.base != kNone;
    } else if (kind == Add::kName && n.from.size() == 2) {
      for (const auto& [base, beside] : {std::pair(n.from[1], n.from[0]), std::pair(n.from[0], n.from[1])})
        if (n.base == kNone && inner(base) && node(base).base == kNone && node(base).layer.finishes(true)) {
          n.base = base;
          n.residual = beside;
          node(base).skipped = true;
        }
    }
  }
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
  const bool apart = observed();  // who looks on sees every layer
  const auto value = [&](int f) { return f == kInput ? x : values[static_cast<std::size_t>(f)]; };
  for (std::size_t i = 0; i <= static_cast<std::size_t>(output_); ++i) {
    const Node& n = nodes_[i];
    if (n.skipped && !apart) continue;
    const bool joined = n.base != kNone && !apart;
    const Node& first = joined ? nodes_[static_cast<std::size_t>(n.base)] : n;
    in.clear();
    for (const int f : first.from) in.push_back(value(f));
    if (joined)
      values[i] = first.layer(in[0], {.residual = n.residual == kNone ? Tensor() : value(n.residual),
                                      .relu = std::string_view(n.layer.kind()) == Relu::kName});
    else
      values[i] = n.layer(in);
    const auto let_go = [&](int f) {  // of what nobody reads any more
      if (f >= 0 && f != output_ && nodes_[static_cast<std::size_t>(f)].last_use <= static_cast<int>(i))
        values[static_cast<std::size_t>(f)] = Tensor();
    };
    for (const int f : first.from) let_go(f);
    for (const int f : n.from) let_go(f);
    let_go(n.residual);
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
    parameters = count_sum(parameters, n.parameters);
    multiply_adds = count_sum(multiply_adds, n.multiply_adds);
  }
  return text +
         fmt::format("{:<{}}  {:>18}  {:>12}  {:>14}\n", "total", width, "", parameters, multiply_adds);
}

}  // namespace cairn
