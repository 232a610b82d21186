// Modules of networks: plain values with named members. A module has
//
//   Tensor operator()(const Tensor& x) const;   // its result; in training it may count calls and watch
//   statistics void visit(Visitor& v);                     // its members by name
//
// and that one visit() serves counting, freezing, drawing, saving, loading and cloning. Copying a module
// copies it. The library's own modules derive from Module, which carries two things a user's class gets
// through them: the module's place in the network, for errors, and whether it trains.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cairn/tensor/backward.h"
#include "cairn/tensor/module_path.h"
#include "cairn/tensor/parameter.h"
#include "cairn/tensor/repeated_work.h"
#include "cairn/tensor/visitor.h"

namespace cairn {

class Module {
 public:
  bool training() const { return training_; }  // at first true
  void set_training(bool training) { training_ = training; }
  void set_path(std::string_view path);  // "encoder.block2.fc1"
  const std::string& path() const { return path_; }
  const std::string& description() const { return description_; }
  const ModulePlace* place() const { return place_; }

 protected:
  explicit Module(std::string description);                  // "Linear 64 -> 10"
  ModuleScope scope() const { return ModuleScope(place_); }  // errors in it carry the module's place

 private:
  std::string path_, description_;
  const ModulePlace* place_;
  bool training_ = true;
};

// Anything that has visit(), seen without its type; the module must live longer.
class ModuleRef {
 public:
  template <class M>
    requires(!std::is_same_v<M, ModuleRef> && requires(M& m, Visitor& v) { m.visit(v); })
  ModuleRef(M& module)  // NOLINT(google-explicit-constructor): parameters(net)
      : object_(&module), visit_([](void* m, Visitor& v) { static_cast<M*>(m)->visit(v); }) {}
  void visit(Visitor& v) const { visit_(object_, v); }

 private:
  void* object_;
  void (*visit_)(void* object, Visitor& v);
};

// A walk over a network that knows the path of what it sees. Plain values do not concern it.
class ModuleWalk : public Visitor {
 public:
  bool loading() const override { return false; }
  using Visitor::tensor;
  void tensor(std::string_view name, Tensor& value) override { on_tensor(full(name), value); }
  void parameter(std::string_view name, Parameter& value) override { on_parameter(full(name), value); }
  void module(Module& self) override { on_module(path_, self); }
  void value(std::string_view, bool&) override {}
  void value(std::string_view, std::int64_t&) override {}
  void value(std::string_view, double&) override {}
  void value(std::string_view, std::string&) override {}
  void value(std::string_view, std::vector<std::string>&) override {}
  void value(std::string_view, std::vector<double>&) override {}
  void value(std::string_view, std::vector<std::int64_t>&) override {}
  void enter(std::string_view name) override;
  void leave() override;

 protected:
  virtual void on_parameter(const std::string& /*path*/, Parameter& /*value*/) {}
  virtual void on_tensor(const std::string& /*path*/, Tensor& /*value*/) {}
  virtual void on_module(const std::string& /*path*/, Module& /*self*/) {}

 private:
  std::string full(std::string_view name) const;
  std::string path_;
  std::vector<std::size_t> lengths_;
};

struct NamedParameter {
  std::string name;  // "encoder.fc1.weight"
  Parameter* parameter = nullptr;
};
// Every parameter there is, in the order of the walk. Gives modules and parameters their names.
std::vector<NamedParameter> parameters(ModuleRef net);

struct ParameterCount {
  std::int64_t total = 0, trainable = 0;  // numbers, not tensors
};
ParameterCount count_parameters(ModuleRef net);

// Draws all parameters anew: each from the seed and its own name, so adding a layer changes no other.
void initialise(ModuleRef net, std::uint64_t seed);
// Parameters whose name matches (name_pattern.h: `*` stands for any text): no gradient is computed for them,
// no optimiser moves them. UsageError when none matches.
void freeze(ModuleRef net, std::string_view pattern = "*", bool frozen = true);
void convert(ModuleRef net, DType dtype);         // f32 or f64
void set_training(ModuleRef net, bool training);  // dropout, batch normalisation

// In its scope the network evaluates: no dropout, statistics as learned, nothing recorded.
class EvaluationScope {
 public:
  explicit EvaluationScope(ModuleRef net);
  EvaluationScope(const EvaluationScope&) = delete;
  EvaluationScope& operator=(const EvaluationScope&) = delete;
  ~EvaluationScope();

 private:
  std::vector<Module*> trained_;
  NoGrad no_grad_;
  RepeatedWork repeated_work_;
};

// The gradients of a network's parameters. UsageError when the loss depends on none of them.
Gradients backward(const Tensor& loss, ModuleRef net, const BackwardOptions& options = {});

}  // namespace cairn
