#include "cairn/tensor/module_path.h"

#include <map>
#include <mutex>
#include <tuple>

#include "cairn/tensor/tape_internal.h"

namespace cairn {

std::string ModulePlace::path() const {
  if (!parent) return name;
  std::string outer = parent->path();
  return outer.empty() ? name : outer + '.' + name;
}

std::string ModulePlace::text() const {
  const std::string where = path();
  if (where.empty() || description.empty()) return where + description;
  return where + " (" + description + ')';
}

const ModulePlace* find_place(const ModulePlace* parent, std::string_view name,
                              std::string_view description) {
  struct Tree {
    std::mutex guard;
    // By parent, name and description. Nodes of a map stay where they are.
    std::map<std::tuple<const ModulePlace*, std::string, std::string>, ModulePlace> places;
  };
  static Tree& tree = *new Tree;  // places outlive every tape
  const std::lock_guard lock(tree.guard);
  const auto [at, is_new] = tree.places.try_emplace({parent, std::string(name), std::string(description)});
  if (is_new) at->second = {parent, std::string(name), std::string(description)};
  return &at->second;
}

ModuleScope::ModuleScope(const ModulePlace* place) : outer_(thread_state().place) {
  thread_state().place = place;
}
ModuleScope::ModuleScope(std::string_view name, std::string_view description)
    : ModuleScope(find_place(thread_state().place, name, description)) {}
ModuleScope::~ModuleScope() { thread_state().place = outer_; }

const ModulePlace* module_place() { return thread_state().place; }

}  // namespace cairn
