// Where in a network the program is: "encoder.block2.fc1". Errors and the tape carry it.
#pragma once

#include <string>
#include <string_view>

namespace cairn {

// One place in the tree of modules. Equal paths are one object, which lives as long as the process.
struct ModulePlace {
  const ModulePlace* parent = nullptr;
  std::string name, description;  // "fc1", "Linear 64 -> 10"; either may be empty
  std::string path() const;       // "encoder.block2.fc1"
  std::string text() const;       // "encoder.block2.fc1 (Linear 64 -> 10)"
};

// The member `name` of the present place, for this scope of this thread.
class ModuleScope {
 public:
  explicit ModuleScope(std::string_view name, std::string_view description = {});
  explicit ModuleScope(const ModulePlace* place);
  ModuleScope(const ModuleScope&) = delete;
  ModuleScope& operator=(const ModuleScope&) = delete;
  ~ModuleScope();

 private:
  const ModulePlace* outer_;
};

const ModulePlace* module_place();  // null outside of every module
const ModulePlace* find_place(const ModulePlace* parent, std::string_view name,
                              std::string_view description = {});

}  // namespace cairn
