#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cairn/base/parallel.h"
#include "cairn/linear/logistic_design_internal.h"

namespace cairn {
namespace {

using logistic_kernels::ColumnSums;
using logistic_kernels::kTilePad;
using logistic_kernels::Tile;

// A sparse matrix of at most so many columns is worked on in dense tiles.
constexpr std::int64_t kDenseColumns = 256;
// Columns whose values spread less than this cannot be scaled to 1 in f64: they count as constant.
constexpr double kSmallestSpread = 1e-280;

std::int64_t round_up(std::int64_t n) { return (n + kTilePad - 1) / kTilePad * kTilePad; }

void merge(ColumnSums& into, const ColumnSums& other) {
  into.low = std::min(into.low, other.low);
  into.high = std::max(into.high, other.high);
  into.sum += other.sum;
  into.squares += other.squares;
  into.along += other.along;
}

bool same_type(const Matrix& x, DType dtype) {
  return std::ranges::all_of(x.column_tensors(), [&](const Tensor& t) { return t.dtype() == dtype; });
}

double total_of(const LogisticDesign::RowNumbers& numbers, std::int64_t rows) {
  constexpr std::int64_t kBlock = 4096;
  std::vector<double> block;
  double total = 0;
  for (std::int64_t begin = 0; begin < rows; begin += kBlock) {
    block.resize(static_cast<std::size_t>(std::min(kBlock, rows - begin)));
    numbers(begin, block);
    total += std::reduce(block.begin(), block.end());
  }
  return total;
}

}  // namespace

std::int64_t logistic_tile_rows(std::int64_t columns) {
  return std::clamp<std::int64_t>((1 << 15) / std::max<std::int64_t>(columns, 1) / kTilePad * kTilePad, 128,
                                  1024);
}

LogisticDesign::LogisticDesign(const Matrix& x, bool exact, const RowNumbers& along) {
  set_matrix(x, exact);
  Measured all;
  measure(along, all);
  settle(all, along != nullptr);
}

LogisticDesign::LogisticDesign(const NumericRows& rows, bool exact,
                               const std::function<RowNumbers(const NumericData&)>& along_of) {
  Measured all;
  bool along_all = true;
  rows.each([&](const NumericData& part) {
    set_matrix(part.x, exact);
    const RowNumbers along = along_of(part);
    along_all = along_all && along != nullptr;
    measure(along, all);
  });
  settle(all, along_all);
  x_ = rows.head().x;
}

void LogisticDesign::set_matrix(const Matrix& x, bool exact) {
  x_ = x;
  if (x_.is_sparse() && x_.columns() > kDenseColumns)
    form_ = Form::sparse;
  else if (x_.layout() == Matrix::Layout::columns && same_type(x_, DType::f64))
    form_ = Form::direct64;
  else if (x_.layout() == Matrix::Layout::columns && same_type(x_, DType::f32) && !exact)
    form_ = Form::direct32;
  tile_rows_ = form_ == Form::sparse ? 1024 : logistic_tile_rows(x_.columns());
}

LogisticDesign LogisticDesign::on(const Matrix& x) const {
  CAIRN_ASSERT(x.columns() == x_.columns() && x.layout() == x_.layout());
  LogisticDesign other = *this;
  other.x_ = x;
  return other;
}

template <class T>
const T* LogisticDesign::column(std::int64_t j) const {
  return x_.column_tensors()[static_cast<std::size_t>(j)].template data<T>().data();
}

void LogisticDesign::measure_dense(const RowNumbers& along, std::vector<ColumnSums>& sums,
                                   const std::vector<double>& shift) const {
  const std::int64_t d = x_.columns(), n = x_.rows();
  const std::int64_t block = tile_rows_ * std::max<std::int64_t>(1, (num_tiles() + 31) / 32);
  sums = parallel_reduce<std::vector<ColumnSums>>(
      n, block,
      [&](std::int64_t begin, std::int64_t end) {
        std::vector<ColumnSums> part(static_cast<std::size_t>(d));
        std::vector<double> rows, one, beside_rows;
        // Columns that lie in one piece are read in one.
        const std::int64_t step = form_ == Form::packed ? tile_rows_ : end - begin;
        for (std::int64_t b = begin; b < end; b += step) {
          const std::int64_t e = std::min(end, b + step);
          if (form_ == Form::packed) {
            rows.resize(static_cast<std::size_t>((e - b) * d));
            one.resize(static_cast<std::size_t>(e - b));
            x_.tile(b, e, rows.data());
          }
          if (along) {
            beside_rows.resize(static_cast<std::size_t>(e - b));
            along(b, beside_rows);
          }
          const double* beside = along ? beside_rows.data() : nullptr;
          for (std::int64_t j = 0; j < d; ++j) {
            const auto c = static_cast<std::size_t>(j);
            for (std::size_t r = 0; r < one.size(); ++r) one[r] = rows[r * static_cast<std::size_t>(d) + c];
            const ColumnSums s =
                form_ == Form::direct32
                    ? logistic_kernels::column_sums(column<float>(j) + b, beside, e - b, shift[c])
                : form_ == Form::direct64
                    ? logistic_kernels::column_sums(column<double>(j) + b, beside, e - b, shift[c])
                    : logistic_kernels::column_sums(one.data(), beside, e - b, shift[c]);
            if (b == begin)
              part[c] = s;
            else
              merge(part[c], s);
          }
        }
        return part;
      },
      [](std::vector<ColumnSums>& into, const std::vector<ColumnSums>& other) {
        for (std::size_t j = 0; j < into.size(); ++j) merge(into[j], other[j]);
      });
}

void LogisticDesign::measure_sparse(std::vector<ColumnSums>& sums) const {
  std::vector<std::int64_t> stored(sums.size(), 0);
  const auto where = x_.indices();
  const Tensor values = x_.values().to(DType::f64);
  const auto v = values.data<double>();
  for (ColumnSums& s : sums)
    s = {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), 0, 0, 0};
  for (std::size_t k = 0; k < v.size(); ++k) {
    const auto c = static_cast<std::size_t>(where[k]);
    merge(sums[c], {v[k], v[k], v[k], v[k] * v[k], 0});
    ++stored[c];
  }
  for (std::size_t c = 0; c < sums.size(); ++c)
    if (stored[c] < x_.rows()) merge(sums[c], {0, 0, 0, 0, 0});
}

void LogisticDesign::measure(const RowNumbers& along, Measured& all) const {
  const auto d = static_cast<std::size_t>(x_.columns());
  std::vector<ColumnSums> sums(d);
  if (all.rows == 0) {
    all.shift.assign(d, 0.0);  // sums about the first row: a large offset does not cancel the digits
    if (form_ != Form::sparse && d > 0) x_.tile(0, 1, all.shift.data());
  }
  if (form_ == Form::sparse)
    measure_sparse(sums);
  else if (d > 0)
    measure_dense(along, sums, all.shift);
  if (all.rows == 0)
    all.sums = std::move(sums);
  else
    for (std::size_t c = 0; c < d; ++c) merge(all.sums[c], sums[c]);
  if (along) all.along_total += total_of(along, x_.rows());
  all.rows += x_.rows();
}

void LogisticDesign::settle(const Measured& all, bool along) {
  const auto d = static_cast<std::size_t>(x_.columns());
  const auto n = static_cast<double>(all.rows);
  const std::vector<ColumnSums>& sums = all.sums;
  const std::vector<double>& shift = all.shift;
  if (along) along_total_ = all.along_total;
  for (std::size_t c = 0; c < d; ++c) {
    const ColumnSums& s = sums[c];
    finite_ = finite_ && std::isfinite(s.sum) && std::isfinite(s.squares);
    const double spread = s.high * 0.5 - s.low * 0.5, largest = std::max(std::abs(s.low), std::abs(s.high));
    if (!(spread > kSmallestSpread)) {
      constant_.push_back(static_cast<std::int64_t>(c));
      continue;
    }
    double mean = shift[c] + s.sum / n, variance = (s.squares - s.sum * s.sum / n) / n;
    const bool extreme =
        form_ == Form::direct32 ? largest > 1e15 || spread < 1e-15 : largest > 1e100 || spread < 1e-100;
    if (extreme || !std::isfinite(mean) || !(variance > 0) || !std::isfinite(variance)) {
      mean = s.low * 0.5 + s.high * 0.5;
      variance = spread * spread / 4;
      if (form_ != Form::sparse) form_ = Form::packed;  // f32 products would leave the range of f32
    }
    columns_.push_back(static_cast<std::int64_t>(c));
    centre_.push_back(form_ == Form::sparse ? 0.0 : mean);
    // A spread whose square leaves the range of f64 is kept inside it.
    deviation_.push_back(std::isfinite(variance) && variance > 0 ? std::sqrt(variance) : spread / 2);
  }
  if (form_ == Form::direct32)
    for (double& c : centre_) c = static_cast<double>(static_cast<float>(c));
  if (along && (form_ == Form::direct32 || form_ == Form::direct64))
    for (std::size_t p = 0; p < columns_.size(); ++p) {
      const auto c = static_cast<std::size_t>(columns_[p]);
      along_.push_back(sums[c].along - (centre_[p] - shift[c]) * along_total_);
    }
  set_scale(0);
  find_positions();
}

void LogisticDesign::find_positions() {
  position_.assign(static_cast<std::size_t>(x_.columns()), -1);
  for (std::size_t p = 0; p < columns_.size(); ++p)
    position_[static_cast<std::size_t>(columns_[p])] = static_cast<std::int64_t>(p);
}

void LogisticDesign::set_scale(double ridge) {
  scale_.clear();
  for (const double deviation : deviation_)
    scale_.push_back(std::exp2(-std::round(std::log2(std::hypot(deviation, std::sqrt(ridge))))));
}

void LogisticDesign::drop(std::span<const std::int64_t> positions) {
  for (std::size_t k = positions.size(); k-- > 0;) {
    const std::int64_t p = positions[k];
    columns_.erase(columns_.begin() + p);
    centre_.erase(centre_.begin() + p);
    deviation_.erase(deviation_.begin() + p);
    scale_.erase(scale_.begin() + p);
    if (!along_.empty()) along_.erase(along_.begin() + p);
  }
  find_positions();
}

template <class T>
Tile<T> LogisticDesign::load(std::int64_t begin, std::int64_t end, TileMemory<T>& memory) const {
  const std::int64_t d = num_columns(), rows = end - begin, padded = round_up(rows);
  memory.pointers.resize(static_cast<std::size_t>(d));
  if (form_ != Form::packed && rows == padded) {
    for (std::int64_t j = 0; j < d; ++j)
      memory.pointers[static_cast<std::size_t>(j)] = column<T>(columns_[static_cast<std::size_t>(j)]) + begin;
    return {memory.pointers.data(), d, rows};
  }
  memory.padded.assign(static_cast<std::size_t>(d * padded), T(0));
  if (form_ == Form::packed) {
    const std::int64_t all = x_.columns();
    memory.rows.resize(static_cast<std::size_t>(rows * all));
    x_.tile(begin, end, memory.rows.data());
    for (std::int64_t j = 0; j < d; ++j) {
      const auto c = static_cast<std::size_t>(j);
      const double* from = memory.rows.data() + columns_[c];
      T* to = memory.padded.data() + j * padded;
      for (std::int64_t r = 0; r < rows; ++r)
        to[r] = static_cast<T>((from[r * all] - centre_[c]) * scale_[c]);
    }
  } else {
    for (std::int64_t j = 0; j < d; ++j)
      std::copy_n(column<T>(columns_[static_cast<std::size_t>(j)]) + begin, rows,
                  memory.padded.data() + j * padded);
  }
  for (std::int64_t j = 0; j < d; ++j)
    memory.pointers[static_cast<std::size_t>(j)] = memory.padded.data() + j * padded;
  return {memory.pointers.data(), d, padded};
}

Prefetch LogisticDesign::ahead(std::int64_t begin, std::int64_t end, std::vector<const char*>& memory) const {
  if (begin >= end || (form_ != Form::direct32 && form_ != Form::direct64)) return {};
  const std::int64_t width = form_ == Form::direct32 ? 4 : 8;
  memory.clear();
  for (const std::int64_t j : columns_)
    memory.push_back(reinterpret_cast<const char*>(x_.column_tensors()[static_cast<std::size_t>(j)].raw()) +
                     begin * width);
  return {memory.data(), num_columns(), (end - begin) * width};
}

template Tile<float> LogisticDesign::load(std::int64_t, std::int64_t, TileMemory<float>&) const;
template Tile<double> LogisticDesign::load(std::int64_t, std::int64_t, TileMemory<double>&) const;

}  // namespace cairn
