#include "cairn/train/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <numeric>

#include "cairn/base/background.h"
#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/data/finite.h"
#include "cairn/model/numeric.h"

namespace cairn {
namespace {

// Rows of the first axis, in the order of `rows`.
Tensor take_rows(const Tensor& from, std::span<const std::int64_t> rows) {
  std::vector<std::int64_t> dims(from.shape().dims().begin(), from.shape().dims().end());
  dims[0] = std::ssize(rows);
  Tensor out = Tensor::empty(Shape(dims), from.dtype());
  const std::int64_t count = from.size(0);
  const std::size_t bytes =
      count == 0 ? 0 : static_cast<std::size_t>(from.size() / count) * size_of(from.dtype());
  if (bytes == 0 || rows.empty()) return out;
  std::byte* to = const_cast<std::byte*>(out.raw());  // nobody else holds it
  constexpr std::int64_t kGrainBytes = 1 << 16;
  parallel_for(std::ssize(rows), std::max<std::int64_t>(1, kGrainBytes / static_cast<std::int64_t>(bytes)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
                   std::memcpy(to + i * bytes, from.raw() + static_cast<std::size_t>(rows[i]) * bytes, bytes);
               });
  return out;
}

constexpr std::int64_t kMostWorkers = 256;

}  // namespace

Loader::Loader(const Tensor& x, const Tensor& y, LoaderOptions options) {
  if (!x.defined() || !y.defined() || x.ndim() == 0 || y.ndim() == 0 || x.size(0) != y.size(0))
    throw ShapeError("loader",
                     fmt::format("x is {} and y is {}; their first axes number the same examples",
                                 x.defined() ? x.text() : "undefined", y.defined() ? y.text() : "undefined"));
  if (options.batch_size < 1)
    throw ParamError("", fmt::format("loader.batch_size = {} is outside [1, inf)", options.batch_size));
  if (options.workers < 0 || options.workers > kMostWorkers)
    throw ParamError("",
                     fmt::format("loader.workers = {} is outside [0, {}]", options.workers, kMostWorkers));
  const Tensor weights = options.weights;
  if (weights.defined() && (!(weights.shape() == Shape{x.size(0)}) || !is_floating(weights.dtype())))
    throw ShapeError("loader", fmt::format("the weights are {}; {} examples have f32 or f64 [{}]",
                                           weights.text(), x.size(0), x.size(0)));
  source_ = std::make_shared<const Source>(
      Source{x.detach().contiguous(), y.detach().contiguous(),
             weights.defined() ? weights.detach().contiguous() : Tensor(), std::move(options)});
}

namespace {

Tensor features_of(const Dataset& data, DType dtype) {
  FeatureMatrix features = feature_matrix(data.features());
  check_finite(features.x, features.names, "loader");
  return features.x.to_rows(dtype).dense();
}

Tensor target_of(const Dataset& data, DType dtype) {
  if (is_classification(data.task())) return Tensor::from(data.class_codes()).to(DType::i64);
  return Tensor::from(data.target_values()).to(dtype).reshape({data.num_rows(), 1});
}

}  // namespace

Loader::Loader(const Dataset& data, const LoaderOptions& options)
    : Loader(features_of(data, options.dtype), target_of(data, options.dtype), options) {}

std::int64_t Loader::num_batches() const {
  const std::int64_t n = num_examples(), size = options().batch_size;
  return options().drop_last ? n / size : (n + size - 1) / size;
}

// One pass: its order, the batch that is used and those that are made beside it.
struct Loader::Iterator::State {
  std::shared_ptr<const Source> source;
  std::int64_t pass = 0, number = 0, batches = 0;
  std::vector<std::int64_t> order;
  Batch batch;
  struct Ahead {
    Batch batch;
    Background making;  // last, so it ends before what it writes to
  };
  std::deque<std::unique_ptr<Ahead>> ahead;  // the batches after `number`, each by a thread of its own

  std::span<const std::int64_t> rows_of(std::int64_t batch_number) const {
    const std::int64_t n = std::ssize(order), size = source->options.batch_size;
    const std::int64_t begin = batch_number * size, end = std::min(n, begin + size);
    return std::span(order).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  }
  Batch make(std::int64_t batch_number) const {
    const auto rows = rows_of(batch_number);
    Batch b{take_rows(source->x, rows), take_rows(source->y, rows),
            source->weights.defined() ? take_rows(source->weights, rows) : Tensor()};
    if (source->options.augment) {
      Random random(derive_seed(source->options.seed, "augment", static_cast<std::uint64_t>(pass)), "batch",
                    static_cast<std::uint64_t>(batch_number));
      source->options.augment(b, random);
    }
    return b;
  }
  void go_to(std::int64_t batch_number) {
    number = batch_number;
    if (!ahead.empty()) {
      const std::unique_ptr<Ahead> next = std::move(ahead.front());
      ahead.pop_front();
      next->making.wait();
      batch = std::move(next->batch);
    } else if (number < batches) {
      batch = make(number);
    }
    while (std::ssize(ahead) < source->options.workers && number + 1 + std::ssize(ahead) < batches) {
      ahead.push_back(std::make_unique<Ahead>());
      Ahead& slot = *ahead.back();
      slot.making =
          Background([this, &slot, later = number + std::ssize(ahead)] { slot.batch = make(later); });
    }
  }
};

Loader::Iterator::Iterator(std::shared_ptr<const Source> source, std::int64_t pass)
    : state_(std::make_shared<State>()) {
  State& s = *state_;
  s.pass = pass;
  const auto n = source->x.size(0), size = source->options.batch_size;
  s.batches = source->options.drop_last ? n / size : (n + size - 1) / size;
  s.source = std::move(source);
  if (s.source->options.shuffle) {
    s.order = Random(s.source->options.seed, "shuffle", static_cast<std::uint64_t>(pass)).permutation(n);
  } else {
    s.order.resize(static_cast<std::size_t>(n));
    std::iota(s.order.begin(), s.order.end(), 0);
  }
  s.go_to(0);
}

Batch& Loader::Iterator::operator*() const { return state_->batch; }

Loader::Iterator& Loader::Iterator::operator++() {
  state_->go_to(state_->number + 1);
  return *this;
}

bool Loader::Iterator::operator==(std::default_sentinel_t) const { return state_->number >= state_->batches; }
std::span<const std::int64_t> Loader::Iterator::rows() const { return state_->rows_of(state_->number); }

Loader::Iterator Loader::begin() { return {source_, next_pass_++}; }
Loader::Pass Loader::pass(std::int64_t number) const { return {source_, number}; }

}  // namespace cairn
