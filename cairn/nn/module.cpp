#include "cairn/nn/module.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/base/name_pattern.h"
#include "cairn/base/suggest.h"
#include "cairn/nn/count.h"

namespace cairn {

Module::Module(std::string description)
    : description_(std::move(description)), place_(find_place(nullptr, "", description_)) {}

void Module::set_path(std::string_view path) {
  if (path == path_) return;
  path_ = path;
  place_ = find_place(nullptr, path_, description_);
}

void ModuleWalk::enter(std::string_view name) {
  lengths_.push_back(path_.size());
  if (!path_.empty()) path_ += '.';
  path_ += name;
}

void ModuleWalk::leave() {
  path_.resize(lengths_.back());
  lengths_.pop_back();
}

std::string ModuleWalk::full(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

namespace {

// A walk that does one thing to each parameter.
template <class F>
class ParameterWalk : public ModuleWalk {
 public:
  explicit ParameterWalk(F action) : action_(std::move(action)) {}

 protected:
  void on_parameter(const std::string& path, Parameter& value) override {
    if (value.defined()) action_(path, value);
  }
  void on_module(const std::string& path, Module& self) override { self.set_path(path); }

 private:
  F action_;
};

template <class F>
void each_parameter(ModuleRef net, F action) {
  ParameterWalk<F> walk(std::move(action));
  net.visit(walk);
}

template <class F>
class EachModule : public ModuleWalk {
 public:
  explicit EachModule(F action) : action_(std::move(action)) {}

 protected:
  void on_module(const std::string& /*path*/, Module& self) override { action_(self); }

 private:
  F action_;
};

}  // namespace

std::vector<NamedParameter> parameters(ModuleRef net) {
  std::vector<NamedParameter> all;
  each_parameter(net, [&](const std::string& path, Parameter& p) {
    p.rename(path);
    all.push_back({path, &p});
  });
  return all;
}

ParameterCount count_parameters(ModuleRef net) {
  ParameterCount count;
  each_parameter(net, [&](const std::string&, const Parameter& p) {
    count.total = count_sum(count.total, p.size());
    if (!p.frozen()) count.trainable = count_sum(count.trainable, p.size());
  });
  return count;
}

void initialise(ModuleRef net, std::uint64_t seed) {
  each_parameter(net, [&](const std::string& path, Parameter& p) {
    p.rename(path);
    p.draw_from(seed);
  });
}

void freeze(ModuleRef net, std::string_view pattern, bool frozen) {
  std::vector<std::string> names;
  bool any = false;
  each_parameter(net, [&](const std::string& path, Parameter& p) {
    names.push_back(path);
    if (!name_matches(pattern, path)) return;
    p.freeze(frozen);
    any = true;
  });
  if (!any)
    throw UsageError("freeze", fmt::format("no parameter is called '{}'", pattern),
                     suggestion(pattern, names));
}

void convert(ModuleRef net, DType dtype) {
  class Conversion : public ModuleWalk {
   public:
    explicit Conversion(DType to) : to_(to) {}

   protected:
    void on_parameter(const std::string& /*path*/, Parameter& p) override {
      if (p.defined()) p.convert(to_);
    }
    void on_tensor(const std::string& /*path*/, Tensor& t) override {
      if (t.defined() && is_floating(t.dtype())) t = t.to(to_);
    }

   private:
    DType to_;
  };
  Conversion walk(dtype);
  net.visit(walk);
}

void set_training(ModuleRef net, bool training) {
  EachModule walk([&](Module& m) { m.set_training(training); });
  net.visit(walk);
}

EvaluationScope::EvaluationScope(ModuleRef net) {
  EachModule walk([&](Module& m) {
    if (!m.training()) return;
    m.set_training(false);
    trained_.push_back(&m);
  });
  net.visit(walk);
}

EvaluationScope::~EvaluationScope() {
  for (Module* m : trained_) m->set_training(true);
}

namespace {

// Whether a gradient reached any parameter. Builds no names: it runs in every step.
class Reached : public ModuleWalk {
 public:
  explicit Reached(const Gradients& gradients) : gradients_(gradients) {}
  bool any = false;
  void enter(std::string_view) override {}
  void leave() override {}
  void module(Module&) override {}
  void tensor(std::string_view, Tensor&) override {}
  void parameter(std::string_view, Parameter& p) override {
    any = any || (!p.frozen() && p.drawn() && gradients_.of(p.value()).defined());
  }

 private:
  const Gradients& gradients_;
};

}  // namespace

Gradients backward(const Tensor& loss, ModuleRef net, const BackwardOptions& options) {
  Gradients gradients = backward(loss, options);
  Reached walk(gradients);
  net.visit(walk);
  if (!walk.any)
    throw UsageError("backward", "the loss depends on no parameter of this network",
                     "Compute it from the network that is given here, not from a copy.");
  return gradients;
}

}  // namespace cairn
