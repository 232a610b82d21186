#include "cairn/nn/snapshot.h"

#include <cstring>

#include "cairn/tensor/strided.h"

namespace cairn {

// One walk for all that is done: each member is met in the same order.
class Snapshot::Walk : public ModuleWalk {
 public:
  enum class Task : std::uint8_t { take, put_back, compare };
  Walk(Snapshot& s, Task task) : s_(s), task_(task) {}
  std::string changed;

  using ModuleWalk::value;
  void value(std::string_view name, std::int64_t& v) override {
    if (task_ == Task::take) s_.counters_.push_back(v);
    if (task_ == Task::take) return;
    const std::int64_t before = s_.counters_[counter_++];
    if (task_ == Task::put_back)
      v = before;
    else if (v != before)
      note(std::string(name));
  }

 protected:
  void on_parameter(const std::string& path, Parameter& p) override {
    if (!p.defined()) return;
    if (task_ == Task::take) s_.tensors_.push_back(p.value().detach());
    if (task_ == Task::put_back) p.set(s_.tensors_[at_++]);
    if (task_ == Task::compare) compare(path, p.value());
  }
  void on_tensor(const std::string& path, Tensor& t) override {
    if (task_ == Task::take) s_.tensors_.push_back(t);
    if (task_ == Task::put_back) t = s_.tensors_[at_++];
    if (task_ == Task::compare) compare(path, t);
  }

 private:
  void compare(const std::string& path, const Tensor& now) {
    const Tensor& before = s_.tensors_[at_++];
    if (before.raw() == now.raw() || !before.defined()) return;
    const Tensor a = dense(before), b = dense(now);
    const std::size_t bytes = static_cast<std::size_t>(a.size()) * size_of(a.dtype());
    if (!(a.shape() == b.shape()) || std::memcmp(a.raw(), b.raw(), bytes) != 0) note(path);
  }
  void note(const std::string& path) {
    if (changed.empty()) changed = path;
  }
  Snapshot& s_;
  Task task_;
  std::size_t at_ = 0, counter_ = 0;
};

void Snapshot::take(ModuleRef net) {
  tensors_.clear();
  counters_.clear();
  Walk walk(*this, Walk::Task::take);
  net.visit(walk);
}

void Snapshot::put_back(ModuleRef net) const {
  Walk walk(const_cast<Snapshot&>(*this), Walk::Task::put_back);
  net.visit(walk);
}

std::string Snapshot::first_change(ModuleRef net) const {
  Walk walk(const_cast<Snapshot&>(*this), Walk::Task::compare);
  net.visit(walk);
  return walk.changed;
}

void Snapshot::visit(Visitor& v, ModuleRef net) {
  bool some = any();
  v.value("any", some);
  if (!some) {
    tensors_.clear();
    counters_.clear();
    return;
  }
  if (v.loading()) take(net);
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    const DType dtype = tensors_[i].dtype();
    const Shape shape = tensors_[i].shape();
    v.tensor(std::to_string(i), tensors_[i], dtype, shape);
  }
}

}  // namespace cairn
