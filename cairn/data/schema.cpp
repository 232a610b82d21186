#include "cairn/data/schema.h"

#include <fast_float/fast_float.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "cairn/base/parallel.h"
#include "cairn/base/suggest.h"
#include "cairn/data/schema_features_internal.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/image/picture.h"

namespace cairn {
namespace {

[[noreturn]] void cannot_read(const Column& c, std::int64_t row, const ColumnSpec& spec) {
  throw DataError(
      fmt::format("column '{}', row {}", c.name(), row + 1),
      fmt::format("'{}' is not a {}; the model was trained with {} here", c.cell(row), name_of(spec.kind),
                  spec.kind == ColumnKind::number ? "numbers" : fmt::format("{} values", name_of(spec.kind))),
      "Correct the cell or mark it as missing (--na).");
}

bool is_numeric(ColumnKind kind) {
  return kind == ColumnKind::number || kind == ColumnKind::integer || kind == ColumnKind::boolean;
}

Column as_number(const Column& c, const ColumnSpec& spec) {
  if (c.kind() == ColumnKind::number) return c;
  if (is_numeric(c.kind())) return Column::number(c.name(), c.numbers());
  std::vector<double> values(static_cast<std::size_t>(c.size()), std::nan(""));
  for (std::int64_t r = 0; r < c.size(); ++r) {
    if (c.is_missing(r)) continue;
    const std::string cell = c.cell(r);
    const char* end = cell.data() + cell.size();
    const auto [at, error] = fast_float::from_chars(cell.data(), end, values[static_cast<std::size_t>(r)]);
    if (error != std::errc{} || at != end) cannot_read(c, r, spec);
  }
  return Column::number(c.name(), Tensor::take(std::move(values)));
}

// Integers, booleans and dates: whole numbers in i64 or u8 with a bitmap for what is missing.
template <class T>
Column as_whole(const Column& c, const ColumnSpec& spec, Column (*make)(std::string, Tensor, Validity)) {
  std::vector<T> values(static_cast<std::size_t>(c.size()), T{0});
  Validity validity;
  const bool is_boolean = spec.kind == ColumnKind::boolean;
  for (std::int64_t r = 0; r < c.size(); ++r) {
    const auto i = static_cast<std::size_t>(r);
    if (c.is_missing(r)) {
      if (!validity.defined()) validity = Tensor::full(Shape{(c.size() + 7) / 8}, 255, DType::u8);
      validity.mutable_data<std::uint8_t>()[i / 8] &= static_cast<std::uint8_t>(~(1U << (i % 8)));
    } else if (is_numeric(c.kind()) || c.kind() == spec.kind) {
      const double v = c.number_at(r);
      if (v != std::floor(v) || std::abs(v) > 9e18 || (is_boolean && v != 0 && v != 1))
        cannot_read(c, r, spec);
      values[i] = static_cast<T>(v);
    } else {
      const std::string cell = c.cell(r);
      if (!is_boolean || (cell != "true" && cell != "false")) cannot_read(c, r, spec);
      values[i] = cell == "true";
    }
  }
  return make(c.name(), Tensor::take(std::move(values)), validity);
}

Column as_category(const Column& c, const ColumnSpec& spec, std::vector<Warning>* warnings) {
  std::unordered_map<std::string, std::int32_t> code_of;
  for (std::size_t i = 0; i < spec.levels.size(); ++i)
    code_of.emplace(spec.levels[i], static_cast<std::int32_t>(i));
  const auto code = [&](const std::string& level) {
    const auto it = code_of.find(level);
    return it == code_of.end() ? -1 : it->second;
  };
  std::vector<std::int32_t> translated;  // a category's own levels are looked up once
  if (c.kind() == ColumnKind::category)
    for (const std::string& level : c.levels()) translated.push_back(code(level));
  std::vector<std::int32_t> codes(static_cast<std::size_t>(c.size()), -1);
  std::int64_t unseen = 0;
  std::string example;
  for (std::int64_t r = 0; r < c.size(); ++r) {
    if (c.is_missing(r)) continue;
    auto& to = codes[static_cast<std::size_t>(r)];
    to = c.kind() == ColumnKind::category
             ? translated[static_cast<std::size_t>(c.codes()[static_cast<std::size_t>(r)])]
             : code(c.cell(r));
    if (to < 0 && unseen++ == 0) example = c.cell(r);
  }
  if (unseen > 0 && warnings)
    warnings->push_back(
        {"unseen_level", c.name(),
         fmt::format("{} of {} rows hold a level of '{}' that training never saw (such as '{}'); they "
                     "count as missing.",
                     unseen, c.size(), c.name(), example)});
  return Column::category(c.name(), Tensor::take(std::move(codes)), spec.levels);
}

Column as_text(const Column& c) {
  if (c.kind() == ColumnKind::text) return c;
  std::vector<std::string> cells;
  for (std::int64_t r = 0; r < c.size(); ++r) cells.push_back(c.cell(r));
  return Column::text(c.name(), cells);
}

// Pictures of another size are resized, which the person is told.
Column as_image(const Column& c, const ColumnSpec& spec, std::vector<Warning>* warnings) {
  if (c.kind() != ColumnKind::image)
    throw DataError(fmt::format("column '{}'", c.name()),
                    fmt::format("is {}; the model was trained on pictures", name_of(c.kind())),
                    "Give a picture, a folder or a tar of pictures, or an array file.");
  const std::int64_t height = spec.shape[0], width = spec.shape[1], channels = spec.shape[2];
  const Tensor& have = c.values();
  if (have.size(1) == height && have.size(2) == width && have.size(3) == channels) return c;
  if (warnings)
    warnings->push_back(
        {"pictures_resized", c.name(),
         fmt::format("The pictures are {} x {} x {}; the model was trained on {} x {} x {}, and they "
                     "were made so.",
                     have.size(2), have.size(1), have.size(3), width, height, channels)});
  Tensor pixels = Tensor::empty({c.size(), height, width, channels}, DType::u8);
  auto to = pixels.mutable_data<std::uint8_t>();
  const auto length = static_cast<std::size_t>(height * width * channels);
  parallel_for(c.size(), 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const Tensor picture = with_channels(resized(c.picture(r), height, width), static_cast<int>(channels));
      std::ranges::copy(picture.data<std::uint8_t>(),
                        to.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(r) * length));
    }
  });
  return Column::image(c.name(), pixels);
}

Column as_spec(const Column& c, const ColumnSpec& spec, std::vector<Warning>* warnings) {
  switch (spec.kind) {
    case ColumnKind::number:
      return as_number(c, spec);
    case ColumnKind::integer:
      return c.kind() == spec.kind ? c : as_whole<std::int64_t>(c, spec, &Column::integer);
    case ColumnKind::boolean:
      return c.kind() == spec.kind ? c : as_whole<std::uint8_t>(c, spec, &Column::boolean);
    case ColumnKind::date:
      return c.kind() == spec.kind ? c : as_whole<std::int64_t>(c, spec, &Column::date);
    case ColumnKind::category:
      return as_category(c, spec, warnings);
    case ColumnKind::text:
      return as_text(c);
    case ColumnKind::image:
      return as_image(c, spec, warnings);
    case ColumnKind::tensor:
      break;
  }
  return schema_detail::as_features(c, spec, warnings);
}

// What a model file claims: pictures of at least a pixel and at most what a picture may have.
void check_picture_shape(const std::string& name, const std::vector<std::int64_t>& shape) {
  const bool fine = shape.size() == 3 && shape[0] >= 1 && shape[1] >= 1 && shape[0] <= kMostPixels &&
                    shape[1] <= kMostPixels / shape[0] && (shape[2] == 1 || shape[2] == 3);
  if (!fine)
    throw ModelFileError("model",
                         fmt::format("the column '{}' has pictures of [{}]", name, fmt::join(shape, ", ")));
}

}  // namespace

void ColumnSpec::visit(Visitor& v) {
  v.value("name", name);
  v.choice<ColumnKind>("kind", kind, &name_of, &column_kind_from_name);
  v.value("levels", levels);
  v.value("reason", reason);
  v.value("num_missing", num_missing);
  v.value("low", low);
  v.value("high", high);
  if (v.loading() && std::set<std::string_view>(levels.begin(), levels.end()).size() != levels.size())
    throw ModelFileError("model", fmt::format("the column '{}' has a level that stands twice", name));
  if (kind != ColumnKind::image) return;
  v.value("shape", shape);
  if (v.loading()) check_picture_shape(name, shape);
}

namespace {

// The least and the largest value that is there.
template <class T>
void find_range(const Column& c, ColumnSpec& spec) {
  const std::span<const T> values = c.values().data<T>();
  if (c.num_missing() == 0 && !values.empty()) {
    constexpr std::size_t kLanes = 16;  // of their own, so that none waits for the one before
    T low[kLanes], high[kLanes];
    std::fill_n(low, kLanes, values[0]);
    std::fill_n(high, kLanes, values[0]);
    const auto see = [&](std::size_t lane, T v) {
      low[lane] = v < low[lane] ? v : low[lane];
      high[lane] = v > high[lane] ? v : high[lane];
    };
    std::size_t r = 0;
    for (; r + kLanes <= values.size(); r += kLanes)
      for (std::size_t lane = 0; lane < kLanes; ++lane) see(lane, values[r + lane]);
    for (; r < values.size(); ++r) see(0, values[r]);
    // + 0.0: of zeros of both signs the same one, in whatever lane they stand.
    spec.low = static_cast<double>(*std::min_element(low, low + kLanes)) + 0.0;
    spec.high = static_cast<double>(*std::max_element(high, high + kLanes)) + 0.0;
    return;
  }
  bool first = true;
  for (std::size_t r = 0; r < values.size(); ++r) {
    const auto v = static_cast<double>(values[r]);
    if (std::isnan(v) || c.is_missing(static_cast<std::int64_t>(r))) continue;
    spec.low = (first ? v : std::min(spec.low, v)) + 0.0;
    spec.high = (first ? v : std::max(spec.high, v)) + 0.0;
    first = false;
  }
}

ColumnSpec spec_of(const Column& c) {
  ColumnSpec spec{.name = c.name(), .kind = c.kind(), .num_missing = c.num_missing()};
  if (c.kind() == ColumnKind::category) spec.levels = c.levels();
  if (c.kind() == ColumnKind::tensor) spec.levels = c.feature_names();
  if (c.kind() == ColumnKind::image) {
    const Tensor& pixels = c.values();
    spec.shape = {pixels.size(1), pixels.size(2), pixels.size(3)};
    spec.reason = fmt::format("{} x {} pixels, {}", pixels.size(2), pixels.size(1),
                              pixels.size(3) == 1 ? "shades of grey" : "colours");
  }
  if (c.kind() == ColumnKind::number)
    c.values().dtype() == DType::f64 ? find_range<double>(c, spec) : find_range<float>(c, spec);
  else if (c.kind() == ColumnKind::boolean)
    find_range<std::uint8_t>(c, spec);
  else if (c.kind() == ColumnKind::integer || c.kind() == ColumnKind::date)
    find_range<std::int64_t>(c, spec);
  return spec;
}

}  // namespace

Schema Schema::of(const Table& table) {
  Schema schema;
  schema.columns.resize(table.columns().size());
  parallel_for(table.num_columns(), 1, [&](std::int64_t c, std::int64_t) {
    schema.columns[static_cast<std::size_t>(c)] = spec_of(table.column(c));
  });
  return schema;
}

const ColumnSpec* Schema::find(std::string_view name) const {
  for (const ColumnSpec& spec : columns)
    if (spec.name == name) return &spec;
  return nullptr;
}

std::unordered_map<std::string_view, const ColumnSpec*> Schema::index() const {
  std::unordered_map<std::string_view, const ColumnSpec*> specs;
  specs.reserve(columns.size());
  for (const ColumnSpec& spec : columns) specs.emplace(spec.name, &spec);
  return specs;
}

Table Schema::in_form(const Table& table, std::vector<Warning>* warnings) const {
  std::vector<Column> kept;
  for (const Column& c : schema_detail::regrouped(table, columns, warnings).columns())
    if (c.kind() != ColumnKind::tensor || find(c.name())) kept.push_back(c);
  return kept.empty() ? Table::with_rows(table.num_rows()) : Table(std::move(kept));
}

Table Schema::conform(const Table& given, std::vector<Warning>* warnings) const {
  const Table table = schema_detail::regrouped(given, columns, warnings);
  transform_detail::ColumnFinder finder(table);
  std::vector<std::size_t> where;
  where.reserve(columns.size());
  std::vector<std::string> absent;
  for (const ColumnSpec& spec : columns) {
    where.push_back(finder.find(spec.name));
    if (where.back() == finder.kAbsent) absent.push_back(spec.name);
  }
  if (!absent.empty()) {
    const std::string near = nearest(absent[0], table.names());
    throw DataError("data",
                    fmt::format("{} {} missing; the model was trained with {}", fmt::join(absent, ", "),
                                absent.size() == 1 ? "is" : "are", absent.size() == 1 ? "it" : "them"),
                    near.empty() ? fmt::format("The data have: {}.", fmt::join(table.names(), ", "))
                                 : fmt::format("Is '{}' in the data the model's '{}'?", near, absent[0]));
  }
  if (columns.empty()) return Table::with_rows(table.num_rows());
  std::vector<Column> conforming;
  conforming.reserve(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i)
    conforming.push_back(as_spec(table.columns()[where[i]], columns[i], warnings));
  return Table(std::move(conforming));
}

}  // namespace cairn
