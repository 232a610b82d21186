#include "cairn/model/module_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "cairn/base/atomic_file.h"
#include "cairn/model/state_internal.h"

namespace cairn {
namespace {

constexpr const char* kKind = "network weights";

struct Difference {
  std::vector<std::string> other, missing, unknown;
  bool any() const { return !other.empty() || !missing.empty() || !unknown.empty(); }
  std::string text() const {
    std::vector<std::string> parts = other;
    if (!missing.empty()) parts.push_back(fmt::format("missing in file: {}", fmt::join(missing, ", ")));
    if (!unknown.empty()) parts.push_back(fmt::format("unknown in model: {}", fmt::join(unknown, ", ")));
    return fmt::format("{}", fmt::join(parts, "; "));
  }
};

// Sees what the network wants beside what the file has.
class Comparison : public ModuleWalk {
 public:
  explicit Comparison(const std::map<std::string, SafetensorsEntry>& file) : file_(file) {}
  Difference finish() {
    for (const auto& [name, entry] : file_)
      if (!seen_.contains(name) && !name.starts_with("cairn.")) difference_.unknown.push_back(name);
    return std::move(difference_);
  }

 protected:
  void on_parameter(const std::string& path, Parameter& p) override {
    if (p.defined()) compare(path, p.shape(), p.dtype());
  }
  void on_tensor(const std::string& path, Tensor& t) override {
    if (t.defined()) compare(path, t.shape(), t.dtype());
  }

 private:
  void compare(const std::string& path, const Shape& shape, DType dtype) {
    seen_.insert(path);
    const auto at = file_.find(path);
    if (at == file_.end()) {
      difference_.missing.push_back(path);
      return;
    }
    const std::string ours = shape.text(), theirs = fmt::format("[{}]", fmt::join(at->second.shape, ", "));
    if (ours != theirs)
      difference_.other.push_back(fmt::format("{} is {} here, {} in the file", path, ours, theirs));
    else if (at->second.dtype != safetensors_dtype(dtype))
      difference_.other.push_back(
          fmt::format("{} is {} here, {} in the file", path, safetensors_dtype(dtype), at->second.dtype));
  }
  const std::map<std::string, SafetensorsEntry>& file_;
  std::set<std::string> seen_;
  Difference difference_;
};

class Filling : public ModuleWalk {
 public:
  explicit Filling(const std::map<std::string, SafetensorsEntry>& file) : file_(file) {}

 protected:
  void on_parameter(const std::string& path, Parameter& p) override {
    if (p.defined()) p.set(file_.at(path).copy());
  }
  void on_tensor(const std::string& path, Tensor& t) override {
    if (t.defined()) t = file_.at(path).copy();
  }

 private:
  const std::map<std::string, SafetensorsEntry>& file_;
};

}  // namespace

void save(ModuleRef net, const std::string& path) {
  parameters(net);  // names and draws
  save_state(path, kKind, [&](Visitor& v) { net.visit(v); });
}

void load(ModuleRef net, const std::string& path) {
  const std::string bytes = read_file(path, kLargestFile);
  const SafetensorsFile file = parse_safetensors(bytes, path);
  if (!file.cairn.is_null()) open_state(bytes, path);  // its checksum
  parameters(net);
  Comparison comparison(file.tensors);
  net.visit(comparison);
  if (const Difference d = comparison.finish(); d.any())
    throw ModelFileError(fmt::format("load into '{}' failed", path), d.text());
  Filling filling(file.tensors);
  net.visit(filling);
}

}  // namespace cairn
