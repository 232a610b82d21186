// A library that is loaded when a file asks for it: what few need is no part of every start.
#pragma once

#include <string>

namespace cairn::readers_detail {

class SharedLibrary {
 public:
  // NotSupported names the Debian package that holds it.
  SharedLibrary(const char* file, const char* purpose, const char* package);
  // The address of a function or a variable; NotSupported when the library has none of this name.
  void* symbol(const char* name) const;
  template <class T>
  T function(const char* name) const {
    return reinterpret_cast<T>(symbol(name));
  }

 private:
  void* handle_ = nullptr;  // stays loaded: other threads may be using it
  std::string file_;
};

}  // namespace cairn::readers_detail
