// Batches of examples, in order or shuffled anew every pass.
//
//   for (auto& [x, y] : Loader(train, {.batch_size = 64, .shuffle = true, .seed = 1})) { ... }
//
// What a batch holds depends on the seed, the number of the pass and its place alone, never on threads or on
// what was read before: a run that is taken up again sees the same batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/data/dataset.h"
#include "cairn/tensor/tensor.h"

namespace cairn {

struct Batch {
  Tensor x, y;
};

struct LoaderOptions {
  std::int64_t batch_size = 32;
  bool shuffle = false;
  std::uint64_t seed = 0;
  bool drop_last = false;    // leave out a last batch that is not full
  bool prefetch = false;     // the next batch is made while this one is used
  std::int64_t workers = 0;  // threads that make so many batches ahead; `prefetch` is one
  DType dtype = DType::f32;  // of the numbers taken from a data set
  // Changes a batch (crops, flips, noise), from random numbers of its own.
  std::function<void(Batch& batch, Random& random)> augment;
};

class Loader {
 public:
  // x [N, ...] and y [N, ...], any element type. ShapeError when their first axes differ; ParamError.
  Loader(const Tensor& x, const Tensor& y, LoaderOptions options = {});
  // The features [N, d] as numbers, and the target: class codes, i64 [N], or values [N, 1]. DataError when a
  // column is not numeric or a value is missing.
  Loader(const Dataset& data, const LoaderOptions& options = {});

  class Pass;
  class Iterator;
  Iterator begin();  // the next pass: the first loop over a loader is pass 0, the second pass 1
  std::default_sentinel_t end() const { return {}; }
  Pass pass(std::int64_t number) const;  // a certain one

  std::int64_t num_examples() const { return source_->x.size(0); }
  std::int64_t num_batches() const;
  const LoaderOptions& options() const { return source_->options; }

 private:
  struct Source {
    Tensor x, y;
    LoaderOptions options;
  };
  std::shared_ptr<const Source> source_;
  std::int64_t next_pass_ = 0;
};

class Loader::Iterator {
 public:
  // The standard library asks for these names.
  using value_type = Batch;                // NOLINT(readability-identifier-naming)
  using difference_type = std::ptrdiff_t;  // NOLINT(readability-identifier-naming)
  Batch& operator*() const;
  Batch* operator->() const { return &**this; }
  Iterator& operator++();
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const;
  std::span<const std::int64_t> rows() const;  // the batch's examples, by their numbers

 private:
  friend class Loader;
  friend class Pass;
  struct State;
  Iterator(std::shared_ptr<const Source> source, std::int64_t pass);
  std::shared_ptr<State> state_;
};

class Loader::Pass {
 public:
  Iterator begin() const { return {source_, number_}; }
  std::default_sentinel_t end() const { return {}; }

 private:
  friend class Loader;
  Pass(std::shared_ptr<const Source> source, std::int64_t number)
      : source_(std::move(source)), number_(number) {}
  std::shared_ptr<const Source> source_;
  std::int64_t number_;
};

}  // namespace cairn
