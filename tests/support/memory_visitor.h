// Saves and loads anything that has visit(), in memory: for tests of parts that are no model of their own.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "cairn/tensor/visitor.h"

namespace cairn::test {

class MemoryVisitor : public Visitor {
 public:
  using Stored = std::variant<Tensor, bool, std::int64_t, double, std::string, std::vector<std::string>,
                              std::vector<double>, std::vector<std::int64_t>>;
  std::map<std::string, Stored> kept;
  bool is_loading = false;

  bool loading() const override { return is_loading; }
  bool stored(std::string_view name) const override { return kept.contains(key_of(name)); }
  void tensor(std::string_view name, Tensor& v) override { move(name, v); }
  void value(std::string_view name, bool& v) override { move(name, v); }
  void value(std::string_view name, std::int64_t& v) override { move(name, v); }
  void value(std::string_view name, double& v) override { move(name, v); }
  void value(std::string_view name, std::string& v) override { move(name, v); }
  void value(std::string_view name, std::vector<std::string>& v) override { move(name, v); }
  void value(std::string_view name, std::vector<double>& v) override { move(name, v); }
  void value(std::string_view name, std::vector<std::int64_t>& v) override { move(name, v); }
  void enter(std::string_view name) override { path_.push_back(std::string(name)); }
  void leave() override { path_.pop_back(); }

 private:
  std::string key_of(std::string_view name) const {
    std::string key;
    for (const std::string& part : path_) key += part + '.';
    return key += name;
  }
  template <class T>
  void move(std::string_view name, T& v) {
    const std::string key = key_of(name);
    if (is_loading)
      v = std::get<T>(kept.at(key));
    else if (!kept.emplace(key, v).second)
      throw std::logic_error(key + " is visited twice");
  }
  std::vector<std::string> path_;
};

// A copy of `original` made through visit() alone.
template <class T>
void copy_by_visit(T& original, T& blank) {
  MemoryVisitor v;
  original.visit(v);
  v.is_loading = true;
  blank.visit(v);
}

}  // namespace cairn::test
