// Layers one after the other, and one beside which its input runs on.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "cairn/nn/layer.h"

namespace cairn {

//   Sequential net{Linear({.in = 784, .out = 64}), Relu(), Linear({.in = 64, .out = 10})};
// Its members are called 0, 1, 2, ..., or as they are named: Sequential net{{"fc1", Linear(...)}, {"act",
// Relu()}}.
class Sequential : public Module {
 public:
  struct Member {
    template <class M>
      requires std::constructible_from<Layer, M>
    Member(M module) : layer(std::move(module)) {}  // NOLINT(google-explicit-constructor)
    Member(std::string of_name, Layer of_layer) : name(std::move(of_name)), layer(std::move(of_layer)) {}
    std::string name;  // empty: its number
    Layer layer;
  };

  Sequential() : Sequential(std::vector<Member>{}) {}
  Sequential(std::initializer_list<Member> members) : Sequential(std::vector<Member>(members)) {}
  explicit Sequential(std::vector<Member> members);  // UsageError: two of one name
  void push_back(Member member);

  Tensor operator()(const Tensor& x) const { return (*this)(x, Finish{}); }
  bool finishes(bool with_residual) const;
  Tensor operator()(const Tensor& x, const Finish& finish) const;
  void visit(Visitor& v);
  std::size_t size() const { return members_.size(); }
  Layer& operator[](std::size_t i) { return members_[i].layer; }
  const Layer& operator[](std::size_t i) const { return members_[i].layer; }

 private:
  std::vector<Member> members_;
};

// x + body(x) (He, Zhang, Ren, Sun: Deep residual learning for image recognition; 2016). ShapeError when the
// body changes the shape and no `shortcut` gives x the same one.
class Residual : public Module {
 public:
  explicit Residual(Layer body);
  Residual(Layer body, Layer shortcut);  // shortcut(x) + body(x)
  Tensor operator()(const Tensor& x) const { return (*this)(x, Finish{}); }
  bool finishes(bool with_residual) const { return !with_residual && body_.finishes(true); }
  Tensor operator()(const Tensor& x, const Finish& finish) const;
  void visit(Visitor& v);

 private:
  Layer body_;
  std::vector<Layer> shortcut_;  // none or one
};

}  // namespace cairn
