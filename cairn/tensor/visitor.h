// The named-member walk: a class names its members once, in visit(), and that one list serves saving,
// loading, counting, freezing and cloning.
//
//   void visit(Visitor& v) override {
//     v.tensor("coefficients", coefficients_);
//     v.value("intercept", intercept_);
//     v.child("scaler", scaler_);
//   }
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/tensor/tensor.h"

namespace cairn {

class Module;
class Parameter;

class Visitor {
 public:
  virtual ~Visitor() = default;

  virtual bool loading() const = 0;  // true when visit() must fill the members from what is stored

  virtual void tensor(std::string_view name, Tensor& value) = 0;  // an undefined tensor is stored as absent
  virtual void value(std::string_view name, bool& value) = 0;
  virtual void value(std::string_view name, std::int64_t& value) = 0;
  virtual void value(std::string_view name, double& value) = 0;
  virtual void value(std::string_view name, std::string& value) = 0;
  virtual void value(std::string_view name, std::vector<std::string>& value) = 0;
  virtual void value(std::string_view name, std::vector<double>& value) = 0;
  virtual void value(std::string_view name, std::vector<std::int64_t>& value) = 0;

  // What a module learns. Walks that store see its tensor; a walk over a network steps, draws or freezes it.
  // On loading, a tensor that is absent or of another element type or shape is a ModelFileError.
  virtual void parameter(std::string_view name, Parameter& value);
  // A module of the library says that it is one, first thing in its visit(): walks name it and set its mode.
  virtual void module(Module& /*self*/) {}

  // A tensor of a known form. On loading, one that is absent or of another element type or shape is a
  // ModelFileError.
  void tensor(std::string_view name, Tensor& value, DType dtype, const Shape& shape);

  virtual void enter(std::string_view name) = 0;  // what follows belongs to the member `name`
  virtual void leave() = 0;

  // A value that files written before it was thought of do not hold: stored only where it says something.
  template <class T>
  void optional(std::string_view name, T& member) {
    if (loading() ? stored(name) : member != T{})
      value(name, member);
    else
      member = T{};
  }

  template <class T>
  void child(std::string_view name, T& member) {
    enter(name);
    member.visit(*this);
    leave();
  }
  // Members of one type, numbered: name.0, name.1, ... On loading the vector gets its stored length first.
  template <class T>
  void children(std::string_view name, std::vector<T>& members) {
    enter(name);
    auto n = static_cast<std::int64_t>(members.size());
    value("count", n);
    if (loading()) members.resize(checked_count(n));
    for (std::size_t i = 0; i < members.size(); ++i) child(std::to_string(i), members[i]);
    leave();
  }
  // Enumerations are stored by name, so a reordered enum never changes the meaning of a stored model.
  template <class E>
  void choice(std::string_view name, E& member, const char* (*to_name)(E), E (*from_name)(std::string_view)) {
    std::string text = loading() ? std::string{} : std::string(to_name(member));
    value(name, text);
    if (loading()) member = from_name(text);
  }

 protected:
  virtual bool stored(std::string_view /*name*/) const { return true; }  // asked on loading

 private:
  static std::size_t checked_count(std::int64_t n);  // ModelFileError outside [0, 10^6]
};

// ModelFileError unless the tensor is there and of this element type and shape: a file is never believed.
void check_stored(std::string_view name, const Tensor& value, DType dtype, const Shape& shape);

// The same of a counter: ModelFileError unless it is in [0, 2^53]. `says` is what the file says with it: "its
// plateau has lasted -3 values".
void check_counter(std::int64_t value, std::string_view says);

}  // namespace cairn
