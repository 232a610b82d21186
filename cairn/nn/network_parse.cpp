#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/base/suggest.h"
#include "cairn/nn/layer_table.h"
#include "cairn/nn/network.h"

namespace cairn {

class NetworkParser {
 public:
  NetworkParser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  Network parse() {
    const Json json = Json::parse(text_.begin(), text_.end(), nullptr, false);
    if (json.is_discarded()) refuse("is not JSON", "Check brackets, commas and quotes.");
    if (!json.is_object()) refuse("must be an object with \"input\" and \"layers\"");
    for (const auto& [key, value] : json.items())
      if (key != "input" && key != "layers" && key != "output")
        refuse(fmt::format("has the unknown entry '{}'", key),
               suggestion(key, std::vector<std::string>{"input", "layers", "output"}));
    net_.input_ = shape_of(json);
    if (!json.contains("layers") || !json["layers"].is_array()) refuse("has no list \"layers\"");
    if (json["layers"].size() > kMostLayers)
      refuse(fmt::format("has {} layers; at most {} are possible", json["layers"].size(), kMostLayers));
    for (const Json& layer : json["layers"]) add(layer);
    if (net_.nodes_.empty()) refuse("has no layers");
    int output = static_cast<int>(net_.nodes_.size()) - 1;
    if (json.contains("output")) output = reference(json["output"], "output");
    if (output == Network::kInput) refuse("gives its input as its output");
    net_.choose_output(output);
    return std::move(net_);
  }

 private:
  static constexpr std::size_t kMostLayers = 10000;
  static constexpr std::int64_t kLongestAxis = 1'000'000'000;

  [[noreturn]] void refuse(const std::string& what, const std::string& hint = {}) const {
    throw DataError(where_, what, hint);
  }

  Shape shape_of(const Json& json) const {
    if (!json.contains("input") || !json["input"].is_array() || json["input"].empty())
      refuse("has no \"input\", the shape of one sample", "Such as \"input\": [28, 28, 1].");
    std::vector<std::int64_t> dims;
    for (const Json& d : json["input"]) {
      if (!d.is_number_integer() || d.get<double>() < 1 ||
          d.get<double>() > static_cast<double>(kLongestAxis))
        refuse(fmt::format("has the input axis {}; axes are whole numbers from 1 on", d.dump()));
      dims.push_back(d.get<std::int64_t>());
    }
    if (static_cast<int>(dims.size()) >= Shape::kMaxDims)
      refuse(fmt::format("has {} input axes; at most {} are possible", dims.size(), Shape::kMaxDims - 1));
    return Shape(dims);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all{"input"};
    for (const auto& n : net_.nodes_) all.push_back(n.name);
    return all;
  }

  int reference(const Json& json, const std::string& of) const {
    if (!json.is_string()) refuse(fmt::format("'{}' names a layer as {}; a name is text", of, json.dump()));
    const int at = net_.find(json.get<std::string>());
    if (at < Network::kInput)
      refuse(fmt::format("'{}' takes '{}', which is no layer before it", of, json.get<std::string>()),
             suggestion(json.get<std::string>(), names()));
    return at;
  }

  std::string name_for(const Json& layer, const std::string& kind) const {
    if (layer.contains("name")) {
      if (!layer["name"].is_string()) refuse("has a layer whose name is not text");
      const auto name = layer["name"].get<std::string>();
      const bool plain = !name.empty() && name.size() <= 100 && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
      });
      if (!plain)
        refuse(
            fmt::format("has a layer called '{}'; names are letters, digits, _ and -", name.substr(0, 100)));
      if (net_.find(name) >= Network::kInput) refuse(fmt::format("has two layers called '{}'", name));
      return name;
    }
    for (std::size_t i = 1;; ++i)
      if (std::string name = fmt::format("{}{}", kind, i); net_.find(name) < Network::kInput) return name;
  }

  void add(const Json& given) {
    Json layer = given;
    if (layer.is_string()) layer = {{"layer", layer}};
    if (!layer.is_object() || !layer.contains("layer") || !layer["layer"].is_string())
      refuse(fmt::format("layer {} is neither a name nor an object with \"layer\"", net_.nodes_.size() + 1));
    const auto kind = layer["layer"].get<std::string>();
    const std::string name = name_for(layer, kind);
    std::vector<int> from;
    if (layer.contains("from")) {
      const Json list = layer["from"].is_array() ? layer["from"] : Json::array({layer["from"]});
      for (const Json& f : list) from.push_back(reference(f, name));
      if (from.empty()) refuse(fmt::format("'{}' takes nothing", name));
    } else {
      from.push_back(static_cast<int>(net_.nodes_.size()) - 1);
    }
    for (const char* key : {"layer", "name", "from"}) layer.erase(key);
    try {
      net_.add(name, kind, layer.dump(), std::move(from));
    } catch (const Error& e) {
      throw DataError(fmt::format("{}, layer '{}'", where_, name),
                      e.where().empty() ? e.message() : e.where() + ": " + e.message(), e.hint());
    }
  }

  std::string_view text_;
  const std::string& where_;
  Network net_;
};

Network Network::parse(std::string_view json, const std::string& where) {
  return NetworkParser(json, where).parse();
}

Network Network::load_json(const std::string& path) {
  constexpr std::size_t kLargest = 1 << 24;
  return parse(read_file(path, kLargest), path);
}

void Network::add(std::string name, const std::string& kind, const std::string& params,
                  std::vector<int> from) {
  std::vector<Shape> samples;
  for (const int f : from)
    samples.push_back(f == kInput ? input_ : nodes_[static_cast<std::size_t>(f)].output);
  const LayerEntry& entry = layer_named(kind);
  Node node{std::move(name), entry.make(Json::parse(params), samples), std::move(from), {}, 0, 0, 0};
  node.output = node.layer.output_shape(samples);
  node.parameters = count_parameters(node.layer).total;
  node.multiply_adds = node.layer.multiply_adds(samples);
  nodes_.push_back(std::move(node));
}

std::string Network::json() const {
  Json layers = Json::array();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& n = nodes_[i];
    Json layer = Json::parse(n.layer.params());
    layer["layer"] = n.layer.kind();
    layer["name"] = n.name;
    if (n.from != std::vector<int>{static_cast<int>(i) - 1}) {
      layer["from"] = Json::array();
      for (const int f : n.from)
        layer["from"].push_back(f == kInput ? "input" : nodes_[static_cast<std::size_t>(f)].name);
    }
    layers.push_back(std::move(layer));
  }
  Json all{{"input", std::vector<std::int64_t>(input_.dims().begin(), input_.dims().end())},
           {"layers", std::move(layers)}};
  if (output_ + 1 != static_cast<int>(nodes_.size()))
    all["output"] = nodes_[static_cast<std::size_t>(output_)].name;
  return all.dump();
}

}  // namespace cairn
