#include "cairn/nn/category_embedding.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <utility>

#include "cairn/base/error.h"
#include "cairn/nn/count.h"
#include "cairn/nn/init.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"

namespace cairn {

const ParamList& CategoryEmbeddingParams::list() {
  using P = CategoryEmbeddingParams;
  static const ParamList l{
      param<&P::blocks>("blocks", "first column, levels and size of each, such as 4:12:6, 20:3:2"),
      param<&P::init>("init", "how the numbers are drawn at first", init::rule()),
      param<&P::init_scale>("init_scale", "standard deviation, bound or gain of that draw", above(0)),
  };
  return l;
}

namespace {

[[noreturn]] void refuse(const std::string& text, const char* why) {
  throw ParamError("", fmt::format("category_embedding.blocks = '{}': {}", text.substr(0, 100), why),
                   "Such as 4:12:6 for the 12 columns from number 4 on, counted from 0, as 6 numbers.");
}

// The first level's columns: those of the drawn rows; the row for no level begins at 0.
Parameter::Draw with_empty_last(Parameter::Draw draw) {
  return [draw = std::move(draw)](const Shape& shape, DType dtype, Random& random) {
    const Tensor drawn = draw({shape[0], shape[1] - 1}, dtype, random);
    return concatenate({drawn, Tensor::zeros({shape[0], 1}, dtype)}, 1);
  };
}

}  // namespace

CategoryEmbedding::CategoryEmbedding(CategoryEmbeddingParams params)
    : Module("CategoryEmbedding"), params_(std::move(params)) {
  validate({kName, &params_, &Params::list()});
  constexpr std::int64_t kMost = 1'000'000;
  const std::string& text = params_.blocks;
  std::int64_t free = 0;  // the first column that no block has yet
  for (const char *at = text.data(), *end = at + text.size(); at < end;) {
    while (at < end && (*at == ' ' || *at == ',')) ++at;
    if (at == end) break;
    std::int64_t numbers[3] = {};
    for (int i = 0; i < 3; ++i) {
      const auto [next, error] = std::from_chars(at, end, numbers[i]);
      if (error != std::errc{} || (i < 2 && (next == end || *next != ':')) || numbers[i] > kMost)
        refuse(text, "each is three whole numbers with colons between them");
      at = next + (i < 2 ? 1 : 0);
    }
    if (at < end && *at != ' ' && *at != ',') refuse(text, "commas stand between them");
    const auto [first, levels, size] = numbers;
    if (first < free || levels < 1 || size < 1) refuse(text, "blocks stand in order and hold something");
    free = first + levels;
    Block b{.first = first, .levels = levels, .size = size, .weight = {}};
    b.weight =
        Parameter(Shape{size, levels + 1}, with_empty_last(init::named(params_.init, params_.init_scale)));
    blocks_.push_back(std::move(b));
  }
  if (blocks_.empty()) refuse(text, "there is none");
}

Tensor CategoryEmbedding::operator()(const Tensor& x) const {
  const ModuleScope here = scope();
  const int axis = x.ndim() - 1;
  output_shape(x.ndim() == 0 ? Shape{} : Shape{x.size(axis)});
  std::vector<Tensor> parts;
  std::int64_t done = 0;
  for (const Block& b : blocks_) {
    if (b.first > done) parts.push_back(slice(x, axis, done, b.first));
    done = b.first + b.levels;
    const Tensor levels = slice(x, axis, b.first, done);
    const Tensor none = 1.0 - sum(levels, axis, true);
    parts.push_back(linear(concatenate({levels, none}, axis), b.weight));
  }
  if (done < x.size(axis)) parts.push_back(slice(x, axis, done, x.size(axis)));
  return parts.size() == 1 ? parts[0] : concatenate(parts, axis);
}

void CategoryEmbedding::visit(Visitor& v) {
  v.module(*this);
  for (std::size_t i = 0; i < blocks_.size(); ++i) v.parameter(fmt::format("weight{}", i), blocks_[i].weight);
}

Shape CategoryEmbedding::output_shape(const Shape& sample) const {
  const std::int64_t needed = blocks_.back().first + blocks_.back().levels;
  if (sample.ndim() == 0 || sample[sample.ndim() - 1] < needed)
    throw ShapeError(
        kName, fmt::format("a sample of {} comes in; the blocks reach to column {}", sample.text(), needed));
  std::vector<std::int64_t> dims(sample.dims().begin(), sample.dims().end());
  for (const Block& b : blocks_) dims.back() += b.size - b.levels;
  return Shape(dims);
}

std::int64_t CategoryEmbedding::multiply_adds(const Shape& sample) const {
  std::int64_t total = 0;
  for (const Block& b : blocks_) total = count_sum(total, count_product({b.levels + 1, b.size}));
  return count_product({total, sample.size() / sample[sample.ndim() - 1]});
}

std::int64_t CategoryEmbedding::usual_size(std::int64_t levels) {
  return std::clamp<std::int64_t>(std::llround(1.6 * std::pow(static_cast<double>(levels), 0.56)), 1, 600);
}

}  // namespace cairn
