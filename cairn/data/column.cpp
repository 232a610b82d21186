#include "cairn/data/column.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/suggest.h"

namespace cairn {
namespace {

constexpr const char* kKindNames[] = {"number", "integer", "boolean", "category",
                                      "text",   "date",    "tensor",  "image"};

bool bit(const Tensor& bitmap, std::int64_t row) {
  return (static_cast<unsigned>(bitmap.raw()[row >> 3]) >> (row & 7)) & 1U;
}

std::int64_t count_unset(const Validity& validity, std::int64_t n) {
  if (!validity.defined()) return 0;
  if (validity.dtype() != DType::u8 || validity.size() < (n + 7) / 8)
    throw InternalError(
        "column", fmt::format("a validity bitmap of {} bytes cannot cover {} rows", validity.size(), n));
  std::int64_t missing = 0;
  for (std::int64_t r = 0; r < n; ++r) missing += !bit(validity, r);
  return missing;
}

// A bitmap with the bits of `present(row)`; undefined when all are set.
template <class F>
Validity bitmap_of(std::int64_t n, F&& present) {
  Validity bitmap;
  for (std::int64_t r = 0; r < n; ++r) {
    if (present(r)) continue;
    if (!bitmap.defined()) bitmap = Tensor::full(Shape{(n + 7) / 8}, 255, DType::u8);
    bitmap.mutable_data<std::uint8_t>()[static_cast<std::size_t>(r >> 3)] &=
        static_cast<std::uint8_t>(~(1U << (r & 7)));
  }
  return bitmap;
}

Tensor gather(const Tensor& from, std::span<const std::int64_t> rows) {
  Tensor to = Tensor::empty(Shape{static_cast<std::int64_t>(rows.size())}, from.dtype());
  const std::byte* source = from.raw();
  const auto copy = [&](auto zero) {
    using T = decltype(zero);
    const T* in = reinterpret_cast<const T*>(source);
    T* out = reinterpret_cast<T*>(const_cast<std::byte*>(to.raw()));
    parallel_for(static_cast<std::int64_t>(rows.size()), 1 << 15, [&](std::int64_t b, std::int64_t e) {
      for (std::int64_t i = b; i < e; ++i) out[i] = in[rows[static_cast<std::size_t>(i)]];
    });
  };
  switch (size_of(from.dtype())) {
    case 8:
      copy(std::uint64_t{});
      break;
    case 4:
      copy(std::uint32_t{});
      break;
    default:
      copy(std::uint8_t{});
  }
  return to;
}

Tensor gather_pictures(const Tensor& from, std::span<const std::int64_t> rows) {
  const auto n = static_cast<std::int64_t>(rows.size());
  Tensor to = Tensor::empty({n, from.size(1), from.size(2), from.size(3)}, DType::u8);
  const auto length = static_cast<std::size_t>(from.size(1) * from.size(2) * from.size(3));
  const std::byte* source = from.raw();
  auto* target = const_cast<std::byte*>(to.raw());
  parallel_for(n, 256, [&](std::int64_t b, std::int64_t e) {
    for (std::int64_t i = b; i < e; ++i)
      std::memcpy(target + static_cast<std::size_t>(i) * length,
                  source + static_cast<std::size_t>(rows[static_cast<std::size_t>(i)]) * length, length);
  });
  return to;
}

void require(const std::string& name, const Tensor& t, DType dtype) {
  if (!t.defined() || t.dtype() != dtype || t.ndim() != 1)
    throw InternalError("column '" + name + "'",
                        fmt::format("values are {}, expected {} [n]", t.text(), name_of(dtype)));
}

}  // namespace

const char* name_of(ColumnKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

ColumnKind column_kind_from_name(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kKindNames); ++i)
    if (name == kKindNames[i]) return static_cast<ColumnKind>(i);
  const std::vector<std::string> known(std::begin(kKindNames),
                                       std::end(kKindNames) - 2);  // what cells can be
  throw UsageError("types", fmt::format("'{}' is not a column kind", name), suggestion(name, known));
}

const std::shared_ptr<const Column::Body>& Column::empty_body() {
  static const auto empty = std::make_shared<const Body>();
  return empty;
}

Column::Body Column::make(std::string name, ColumnKind kind, Tensor values, Validity validity,
                          std::int64_t size) {
  Body b;
  b.name = std::move(name);
  b.kind = kind;
  if (values.defined()) values = values.contiguous();
  b.values = std::move(values);
  b.size = size;
  b.num_missing = count_unset(validity, size);
  if (b.num_missing > 0) b.validity = std::move(validity);
  return b;
}

Column Column::number(std::string name, Tensor values) {
  if (!values.defined() || !is_floating(values.dtype()) || values.ndim() != 1)
    throw InternalError("column '" + name + "'",
                        fmt::format("values are {}, expected f32 or f64 [n]", values.text()));
  values = values.contiguous();
  const std::int64_t n = values.size();
  const auto scan = [&](auto zero) {
    const auto v = values.data<decltype(zero)>();
    bool any = false;  // without an early end: as wide as vectors are
    for (const auto x : v) any |= std::isnan(x);
    return any ? bitmap_of(n, [&](std::int64_t r) { return !std::isnan(v[static_cast<std::size_t>(r)]); })
               : Validity{};
  };
  const Validity validity = values.dtype() == DType::f32 ? scan(float{}) : scan(double{});
  return Column(make(std::move(name), ColumnKind::number, std::move(values), validity, n));
}

Column Column::integer(std::string name, Tensor values, Validity validity) {
  require(name, values, DType::i64);
  const std::int64_t n = values.size();
  return Column(make(std::move(name), ColumnKind::integer, std::move(values), std::move(validity), n));
}

Column Column::boolean(std::string name, Tensor values, Validity validity) {
  require(name, values, DType::u8);
  const std::int64_t n = values.size();
  return Column(make(std::move(name), ColumnKind::boolean, std::move(values), std::move(validity), n));
}

Column Column::date(std::string name, Tensor seconds, Validity validity) {
  require(name, seconds, DType::i64);
  const std::int64_t n = seconds.size();
  return Column(make(std::move(name), ColumnKind::date, std::move(seconds), std::move(validity), n));
}

Column Column::category(std::string name, Tensor codes, std::vector<std::string> levels) {
  require(name, codes, DType::i32);
  codes = codes.contiguous();
  const auto code = codes.data<std::int32_t>();
  for (std::size_t r = 0; r < code.size(); ++r)
    if (code[r] < -1 || code[r] >= static_cast<std::int64_t>(levels.size()))
      throw DataError(fmt::format("column '{}', row {}", name, r),
                      fmt::format("level number {} is outside [-1, {})", code[r], levels.size()));
  if (std::unordered_set<std::string_view> seen(levels.begin(), levels.end()); seen.size() != levels.size())
    throw DataError(fmt::format("column '{}'", name), "a level stands twice in the list of levels");
  const std::int64_t n = codes.size();
  const Validity validity =
      bitmap_of(n, [&](std::int64_t r) { return code[static_cast<std::size_t>(r)] >= 0; });
  Body b = make(std::move(name), ColumnKind::category, codes, validity, n);
  b.names = std::make_shared<const std::vector<std::string>>(std::move(levels));
  return Column(std::move(b));
}

Column Column::category_of(std::string name, std::span<const std::optional<std::string>> values) {
  std::vector<std::string> levels;
  for (const auto& v : values)
    if (v) levels.push_back(*v);
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  std::vector<std::int32_t> codes;
  for (const auto& v : values)
    codes.push_back(
        v ? static_cast<std::int32_t>(std::lower_bound(levels.begin(), levels.end(), *v) - levels.begin())
          : -1);
  return category(std::move(name), Tensor::take(std::move(codes)), std::move(levels));
}

Column Column::text(std::string name, Tensor offsets, Tensor bytes, Validity validity) {
  require(name, offsets, DType::i64);
  const auto at = offsets.contiguous().data<std::int64_t>();
  const bool ordered =
      !at.empty() && at[0] >= 0 && std::is_sorted(at.begin(), at.end()) && at.back() <= bytes.size();
  if (!ordered)
    throw InternalError("column '" + name + "'", "text offsets are out of order or outside the bytes");
  const std::int64_t n = offsets.size() - 1;
  Body b = make(std::move(name), ColumnKind::text, std::move(offsets), std::move(validity), n);
  b.bytes = std::move(bytes);
  return Column(std::move(b));
}

Column Column::text(std::string name, std::span<const std::string> values) {
  std::vector<std::int64_t> offsets{0};
  std::vector<std::uint8_t> bytes;
  for (const std::string& v : values) {
    bytes.insert(bytes.end(), v.begin(), v.end());
    offsets.push_back(static_cast<std::int64_t>(bytes.size()));
  }
  return text(std::move(name), Tensor::take(std::move(offsets)), Tensor::take(std::move(bytes)));
}

Column Column::features(std::string name, Matrix values, std::vector<std::string> feature_names) {
  if (values.columns() != static_cast<std::int64_t>(feature_names.size()))
    throw InternalError("column '" + name + "'",
                        fmt::format("{} features have {} names", values.columns(), feature_names.size()));
  Body b = make(std::move(name), ColumnKind::tensor, {}, {}, values.rows());
  b.names = std::make_shared<const std::vector<std::string>>(std::move(feature_names));
  b.matrix = std::make_shared<const Matrix>(std::move(values));
  return Column(std::move(b));
}

Column Column::image(std::string name, Tensor pixels) {
  if (!pixels.defined() || pixels.dtype() != DType::u8 || pixels.ndim() != 4 || pixels.size(1) < 1 ||
      pixels.size(2) < 1 || (pixels.size(3) != 1 && pixels.size(3) != 3))
    throw InternalError("column '" + name + "'",
                        fmt::format("pictures are {}, expected u8 [n, H, W, 1 or 3]", pixels.text()));
  const std::int64_t n = pixels.size(0);
  return Column(make(std::move(name), ColumnKind::image, std::move(pixels), {}, n));
}

bool Column::is_missing(std::int64_t row) const {
  return body_->validity.defined() && !bit(body_->validity, row);
}

std::span<const std::int32_t> Column::codes() const {
  CAIRN_ASSERT(body_->kind == ColumnKind::category);
  return body_->values.data<std::int32_t>();
}

const std::vector<std::string>& Column::levels() const {
  CAIRN_ASSERT(body_->kind == ColumnKind::category);
  return *body_->names;
}

std::string_view Column::text_at(std::int64_t row) const {
  CAIRN_ASSERT(body_->kind == ColumnKind::text && row >= 0 && row < body_->size);
  const auto* at = reinterpret_cast<const std::int64_t*>(body_->values.raw());
  return {reinterpret_cast<const char*>(body_->bytes.raw()) + at[row],
          static_cast<std::size_t>(at[row + 1] - at[row])};
}

const Matrix& Column::matrix() const {
  CAIRN_ASSERT(body_->kind == ColumnKind::tensor);
  return *body_->matrix;
}

const std::vector<std::string>& Column::feature_names() const {
  CAIRN_ASSERT(body_->kind == ColumnKind::tensor);
  return *body_->names;
}

Tensor Column::picture(std::int64_t row) const {
  CAIRN_ASSERT(body_->kind == ColumnKind::image && row >= 0 && row < body_->size);
  const Tensor& all = body_->values;
  return all.slice(0, row, row + 1).reshape({all.size(1), all.size(2), all.size(3)});
}

std::string_view Column::picture_bytes(std::int64_t row) const {
  CAIRN_ASSERT(body_->kind == ColumnKind::image && row >= 0 && row < body_->size);
  const Tensor& all = body_->values;
  const auto length = static_cast<std::size_t>(all.size(1) * all.size(2) * all.size(3));
  return {reinterpret_cast<const char*>(all.raw()) + static_cast<std::size_t>(row) * length, length};
}

double Column::number_at(std::int64_t row) const {
  CAIRN_ASSERT(row >= 0 && row < body_->size);
  if (is_missing(row)) return std::nan("");
  const std::byte* raw = body_->values.raw();
  switch (body_->kind) {
    case ColumnKind::number:
      return body_->values.dtype() == DType::f32 ? reinterpret_cast<const float*>(raw)[row]
                                                 : reinterpret_cast<const double*>(raw)[row];
    case ColumnKind::integer:
    case ColumnKind::date:
      return static_cast<double>(reinterpret_cast<const std::int64_t*>(raw)[row]);
    case ColumnKind::boolean:
      return static_cast<double>(raw[row]);
    default:
      break;
  }
  throw DataError(fmt::format("column '{}'", body_->name),
                  fmt::format("is {}, not a number", name_of(body_->kind)),
                  "Let prepare() encode it, or leave it out with --ignore.");
}

Tensor Column::numbers(DType dtype) const {
  if (body_->kind == ColumnKind::number) return body_->values.to(dtype);
  Tensor out = Tensor::empty(Shape{body_->size}, dtype);
  const auto fill = [&](auto to) {
    for (std::int64_t r = 0; r < body_->size; ++r)
      to[static_cast<std::size_t>(r)] = static_cast<std::decay_t<decltype(to[0])>>(number_at(r));
  };
  if (dtype == DType::f32)
    fill(out.mutable_data<float>());
  else
    fill(out.mutable_data<double>());
  return out;
}

std::string Column::cell(std::int64_t row) const {
  if (is_missing(row)) return {};
  switch (body_->kind) {
    case ColumnKind::number:
      return body_->values.dtype() == DType::f32 ? fmt::format("{}", static_cast<float>(number_at(row)))
                                                 : fmt::format("{}", number_at(row));
    case ColumnKind::integer:
      return fmt::format("{}", reinterpret_cast<const std::int64_t*>(body_->values.raw())[row]);
    case ColumnKind::boolean:
      return number_at(row) != 0 ? "true" : "false";
    case ColumnKind::category:
      return (*body_->names)[static_cast<std::size_t>(codes()[static_cast<std::size_t>(row)])];
    case ColumnKind::text:
      return std::string(text_at(row));
    case ColumnKind::date: {
      const std::time_t seconds = reinterpret_cast<const std::int64_t*>(body_->values.raw())[row];
      const std::tm parts = fmt::gmtime(seconds);
      return seconds % 86400 == 0 ? fmt::format("{:%Y-%m-%d}", parts)
                                  : fmt::format("{:%Y-%m-%dT%H:%M:%S}", parts);
    }
    case ColumnKind::image:
      return fmt::format("{} x {} picture", body_->values.size(2), body_->values.size(1));
    case ColumnKind::tensor:
      break;
  }
  std::vector<double> values(static_cast<std::size_t>(body_->matrix->columns()));
  body_->matrix->tile(row, row + 1, values.data());
  return fmt::format("[{}]", fmt::join(values, " "));
}

Column Column::renamed(std::string name) const {
  Body b = *body_;
  b.name = std::move(name);
  return Column(std::move(b));
}

Column Column::select(std::span<const std::int64_t> rows) const {
  const auto n = static_cast<std::int64_t>(rows.size());
  for (const std::int64_t r : rows) CAIRN_ASSERT(r >= 0 && r < body_->size);
  if (body_->kind == ColumnKind::tensor)
    return features(body_->name, body_->matrix->select_rows(rows), *body_->names);
  Validity validity;
  if (body_->validity.defined())
    validity =
        bitmap_of(n, [&](std::int64_t i) { return bit(body_->validity, rows[static_cast<std::size_t>(i)]); });
  Body b = *body_;
  if (body_->kind == ColumnKind::image) {
    b.values = gather_pictures(body_->values, rows);
  } else if (body_->kind == ColumnKind::text) {
    std::vector<std::int64_t> offsets{0};
    std::size_t total = 0;
    for (const std::int64_t r : rows)
      offsets.push_back(static_cast<std::int64_t>(total += text_at(r).size()));
    Tensor bytes = Tensor::empty(Shape{static_cast<std::int64_t>(total)}, DType::u8);
    auto* to = const_cast<std::byte*>(bytes.raw());
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (const auto t = text_at(rows[i]); !t.empty()) std::memcpy(to + offsets[i], t.data(), t.size());
    b.values = Tensor::take(std::move(offsets));
    b.bytes = bytes;
  } else {
    b.values = gather(body_->values, rows);
  }
  b.size = n;
  b.num_missing = count_unset(validity, n);
  b.validity = b.num_missing > 0 ? validity : Validity{};
  return Column(std::move(b));
}

}  // namespace cairn
