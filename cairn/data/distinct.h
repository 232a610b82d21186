// How many values differ among very many, in bounded memory.
//
//   DistinctCount cities(65'536);
//   for (...) cities.add(hash_of(city));
//   cities.count();      // 41'207
//   cities.is_exact();   // true
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cairn {

// Exact up to `most` values; from there on told from the `most` smallest of their hashes, which lie the
// denser the more values there are (k minimum values: Bar-Yossef, Jayram, Kumar, Sivakumar, Trevisan:
// Counting distinct elements in a data stream; 2002), with a standard error of about 1 / sqrt(most) of the
// count. The same for any order of the values. Some 16 bytes a value, as far as there are values.
class DistinctCount {
 public:
  explicit DistinctCount(std::size_t most);  // at least 2
  void add(std::uint64_t hash);              // of a value; any hash of 64 bits by which values differ
  std::int64_t count();
  bool is_exact();

 private:
  void merge();
  std::size_t most_;
  std::uint64_t below_;  // only smaller hashes can be among the smallest
  bool exact_ = true;
  std::vector<std::uint64_t> smallest_, fresh_;  // ascending and distinct; not yet among them
};

}  // namespace cairn
