// Batches of examples, in order or shuffled anew every pass.
//
//   for (auto& [x, y] : Loader(train, {.batch_size = 64, .shuffle = true, .seed = 1})) { ... }
//
// What a batch holds depends on the seed, the number of the pass and its place alone, never on threads or on
// what was read before: a run that is taken up again sees the same batches.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/data/dataset.h"
#include "cairn/tensor/tensor.h"

namespace cairn {

struct Batch {
  Tensor x, y;
  Tensor weights = {};  // of the examples; undefined: every one counts once
};
// A batch is taken apart as [x, y], see below.
template <std::size_t I, class B>
  requires(std::same_as<std::remove_cvref_t<B>, Batch> && I < 2)
auto&& get(B&& batch) {
  if constexpr (I == 0)
    return std::forward<B>(batch).x;
  else
    return std::forward<B>(batch).y;
}

struct LoaderOptions {
  std::int64_t batch_size = 32;
  bool shuffle = false;
  std::uint64_t seed = 0;
  bool drop_last = false;    // leave out a last batch that is not full
  std::int64_t workers = 0;  // threads that make so many batches ahead while one is used
  DType dtype = DType::f32;  // of the numbers taken from a data set
  Tensor weights = {};       // of the examples, [N]: a batch has those of its own
  // Changes a batch (crops, flips, noise), from random numbers of its own. With more than one worker several
  // threads call it at once; its loops run on the thread that calls it.
  std::function<void(Batch& batch, Random& random)> augment;
};

class Loader {
 public:
  // x [N, ...] and y [N, ...], any element type. ShapeError when their first axes differ or the weights are
  // not [N]; ParamError.
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
    Tensor x, y, weights;
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

template <>
struct std::tuple_size<cairn::Batch> : std::integral_constant<std::size_t, 2> {};
template <std::size_t I>
struct std::tuple_element<I, cairn::Batch> {
  using type = cairn::Tensor;  // NOLINT(readability-identifier-naming): the standard library asks for it
};
