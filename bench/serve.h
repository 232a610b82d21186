// The one shape of a benchmark program. Its data are loaded once; then every line on standard input, a number
// of threads, has the work done once and answered on standard output by one line of JSON: "seconds", and what
// the judge looks at.
#pragma once

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"

namespace cairn::bench {

// Raw numbers, as numpy's tofile writes them.
template <class T>
std::vector<T> read_raw(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw FileError(path, "cannot be opened");
  std::vector<T> values(static_cast<std::size_t>(file.tellg()) / sizeof(T));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
  return values;
}

// Only `work` is timed; `tell` turns its result into what the judge looks at.
template <class Work, class Tell>
int serve(Work&& work, Tell&& tell) {
  for (int threads = 0; std::cin >> threads;) {
    set_num_threads(threads);
    const auto begin = std::chrono::steady_clock::now();
    const auto result = work();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    nlohmann::ordered_json answer = tell(result);
    answer["seconds"] = seconds.count();
    answer["peak_memory_bytes"] = usage.ru_maxrss * 1024L;
    std::cout << answer.dump() << std::endl;
  }
  return 0;
}

// What main does around it.
template <class Body>
int run(int argc, char** argv, int files, const char* usage, Body&& body) {
  if (argc != files + 1) {
    fmt::print(stderr, "usage: {} {}\n", argv[0], usage);
    return 2;
  }
  try {
    return body();
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}

}  // namespace cairn::bench
