#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

#include "cairn/base/parallel.h"
#include "cairn/base/suggest.h"
#include "cairn/data/cells.h"
#include "cairn/data/typed_columns.h"
#include "cairn/readers/arrays_internal.h"

namespace cairn::readers_detail {
namespace {

template <class T>
T from_bytes(const char* at, bool big_endian) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, at, sizeof(T));
  if (big_endian) std::reverse(bytes, bytes + sizeof(T));
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

// IEEE 754 binary16.
float half_to_float(std::uint16_t half) {
  constexpr int kExponentBias = 15, kMantissaBits = 10, kMostExponent = 31;
  const int exponent = (half >> kMantissaBits) & kMostExponent;
  const int mantissa = half & ((1 << kMantissaBits) - 1);
  float value = 0;
  if (exponent == kMostExponent)
    value = mantissa == 0 ? INFINITY : NAN;
  else if (exponent == 0)
    value = std::ldexp(static_cast<float>(mantissa), 1 - kExponentBias - kMantissaBits);
  else
    value = std::ldexp(static_cast<float>(mantissa + (1 << kMantissaBits)),
                       exponent - kExponentBias - kMantissaBits);
  return (half >> 15) != 0 ? -value : value;
}

template <class From, class To>
Tensor convert_elements(std::string_view bytes, const Shape& shape, bool big_endian,
                        const std::string& where) {
  Tensor out = Tensor::empty(shape, kDTypeOf<To>);
  auto to = out.mutable_data<To>();
  if constexpr (std::is_same_v<From, To> && std::endian::native == std::endian::little)
    if (!big_endian) {
      if (!bytes.empty()) std::memcpy(to.data(), bytes.data(), bytes.size());
      return out;
    }
  for (std::size_t i = 0; i < to.size(); ++i) {
    const auto value = from_bytes<From>(bytes.data() + i * sizeof(From), big_endian);
    if constexpr (std::is_same_v<From, std::uint64_t>)
      if (value > static_cast<std::uint64_t>(INT64_MAX))
        throw DataError(where, fmt::format("holds {}, which is beyond whole numbers of 64 bits", value));
    to[i] = static_cast<To>(value);  // NOLINT(bugprone-signed-char-misuse): a number
  }
  return out;
}

std::vector<std::string> names_of(const std::vector<ArrayFacts>& arrays) {
  std::vector<std::string> names;
  for (const ArrayFacts& a : arrays) names.push_back(a.name);
  return names;
}

std::string listing(const std::vector<ArrayFacts>& arrays) {
  constexpr std::size_t kMost = 12;
  std::vector<std::string> parts;
  for (const ArrayFacts& a : arrays)
    if (parts.size() < kMost) parts.push_back(fmt::format("{} ({} {})", a.name, shape_text(a.shape), a.type));
  return fmt::format("{}{}", fmt::join(parts, ", "), arrays.size() > kMost ? ", ..." : "");
}

const ArrayFacts* find_array(const std::vector<ArrayFacts>& arrays, std::string_view name) {
  const auto it = std::ranges::find(arrays, name, &ArrayFacts::name);
  return it == arrays.end() ? nullptr : &*it;
}

// The first of these names that stands in the file; letter case counts only between two that differ in it.
std::string first_of(const std::vector<ArrayFacts>& arrays, std::initializer_list<const char*> names) {
  const auto lower = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  for (const char* name : names)
    for (const ArrayFacts& a : arrays)
      if (a.readable && lower(a.name) == name) return a.name;
  return {};
}

struct Choice {
  std::string inputs, targets, test_inputs, test_targets;
};

Choice choose(const std::vector<ArrayFacts>& arrays, const std::string& path, const ReadOptions& options) {
  const auto asked = [&](const char* argument) {
    const auto it = options.arguments.find(argument);
    if (it == options.arguments.end()) return std::string();
    if (!find_array(arrays, it->second))
      throw UsageError(path, fmt::format("there is no array '{}' ({})", it->second, argument),
                       suggestion(it->second, names_of(arrays)));
    return it->second;
  };
  Choice c{.inputs = asked("inputs"), .targets = asked("targets")};
  if (!c.inputs.empty()) return c;
  c.inputs =
      first_of(arrays, {"x_train", "train_x", "train_set_x", "x", "images", "inputs", "features", "data"});
  if (c.targets.empty())
    c.targets =
        first_of(arrays, {"y_train", "train_y", "train_set_y", "y", "labels", "label", "targets", "target"});
  c.test_inputs = first_of(arrays, {"x_test", "test_x", "test_set_x"});
  c.test_targets = first_of(arrays, {"y_test", "test_y", "test_set_y"});
  if (c.inputs.empty() && !c.test_inputs.empty()) {
    c.inputs = std::exchange(c.test_inputs, "");
    c.targets = std::exchange(c.test_targets, "");
  }
  if (c.test_inputs.empty() || c.test_targets.empty()) c.test_inputs.clear();
  if (!c.inputs.empty()) return c;
  std::vector<ArrayFacts> usable;
  std::ranges::copy_if(arrays, std::back_inserter(usable),
                       [&](const ArrayFacts& a) { return a.readable && a.name != c.targets; });
  if (usable.empty()) throw DataError(path, "holds no array of numbers");
  if (usable.size() == 1) return {.inputs = usable[0].name, .targets = c.targets};
  throw UsageError(
      path,
      fmt::format("holds {} arrays and does not say which is the input: {}", arrays.size(), listing(arrays)),
      "Name them: 'FORMAT:FILE?inputs=NAME&targets=NAME'.");
}

// One axis of `values`, [n, d] or [n], as columns of [n]: tile by tile, since rows lie together.
template <class T>
std::vector<Tensor> columns_of_rows(const Tensor& values, std::int64_t n, std::int64_t d) {
  constexpr std::int64_t kTile = 256;
  const Tensor rows = values.contiguous();
  const T* const from = rows.data<T>().data();
  std::vector<Tensor> columns;
  std::vector<T*> to;
  for (std::int64_t c = 0; c < d; ++c) {
    columns.push_back(Tensor::empty(Shape{n}, kDTypeOf<T>));
    to.push_back(n > 0 ? columns.back().mutable_data<T>().data() : nullptr);
  }
  parallel_for(n, kTile, [&](std::int64_t begin, std::int64_t end) {
    constexpr std::int64_t kWide = 16;
    for (std::int64_t first = 0; first < d; first += kWide)
      for (std::int64_t r = begin; r < end; ++r)
        for (std::int64_t c = first; c < std::min(first + kWide, d); ++c)
          to[static_cast<std::size_t>(c)][r] = from[r * d + c];
  });
  return columns;
}

// [n, d] or [n] as columns c0, c1, ...: of whole numbers, integers.
std::vector<Column> plain_columns(const Tensor& values) {
  const std::int64_t n = values.size(0), d = values.ndim() == 1 ? 1 : values.size(1);
  std::vector<Column> columns;
  const auto add = [&](const std::vector<Tensor>& parts, bool whole) {
    for (const Tensor& part : parts) {
      const std::string name = fmt::format("c{}", columns.size());
      columns.push_back(whole ? Column::integer(name, part) : Column::number(name, part));
    }
  };
  if (values.dtype() == DType::f64)
    add(columns_of_rows<double>(values, n, d), false);
  else if (values.dtype() == DType::f32)
    add(columns_of_rows<float>(values, n, d), false);
  else
    add(columns_of_rows<std::int64_t>(values.to(DType::i64), n, d), true);
  return columns;
}

// Files whose arrays are the columns of a table, and not inputs with targets.
std::vector<Column> named_columns(ArrayFile& file, const std::vector<ArrayFacts>& arrays,
                                  const ReadOptions& options) {
  if (const auto it = options.arguments.find("inputs"); it != options.arguments.end()) {
    const ArrayFacts* named = find_array(arrays, it->second);
    return named && named->records ? file.columns(named->name) : std::vector<Column>{};
  }
  if (options.arguments.contains("targets")) return {};
  if (arrays.size() == 1)
    return arrays[0].records || !arrays[0].readable ? file.columns(arrays[0].name) : std::vector<Column>{};
  const bool all = std::ranges::all_of(arrays, [&](const ArrayFacts& a) {
    return a.column && !a.shape.empty() && a.shape[0] == arrays[0].shape[0];
  });
  if (arrays.empty() || !all || !first_of(arrays, {"x", "x_train", "train_x"}).empty()) return {};
  std::vector<Column> columns;
  for (const ArrayFacts& a : arrays) {
    // "table/price" of a group of columns is price.
    Column column = file.columns(a.name).at(0);
    const std::string last = a.name.substr(a.name.rfind('/') + 1);
    const bool twice = std::ranges::any_of(columns, [&](const Column& c) { return c.name() == last; });
    columns.push_back(column.renamed(twice ? a.name : last));
  }
  return columns;
}

Table table_of(ArrayFile& file, const ArrayFacts& facts, const std::string& targets, const std::string& path,
               std::vector<std::string>& guesses) {
  const std::string& inputs = facts.name;
  const bool is_copied = facts.shape.size() == 2;  // into a column each
  const std::string where = path + ":" + inputs;
  // A header of a few bytes may claim any length beside a zero: it is refused before anything loops over it.
  constexpr std::int64_t kMostColumns = 1 << 20;
  if (std::ranges::find(facts.shape, 0) != facts.shape.end())
    throw DataError(where, fmt::format("is {} and holds no number", shape_text(facts.shape)));
  if (is_copied && facts.shape[1] > kMostColumns)
    throw DataError(where, fmt::format("has {} columns; at most {} are read", facts.shape[1], kMostColumns),
                    "Rows are its first axis: was it saved the other way round?");
  const Tensor x = is_copied ? file.view(inputs) : file.read(inputs);
  if (x.ndim() == 0 || x.ndim() > 4)
    throw DataError(
        where, fmt::format("has {} axes; rows of numbers have two and pictures three or four", x.ndim()));
  std::vector<Column> columns;
  if (x.ndim() >= 3)
    columns.push_back(picture_column(x, where, guesses));
  else
    columns = plain_columns(x);
  if (!targets.empty()) {
    const Column label = label_column(file.read(targets), path + ":" + targets);
    if (label.size() != x.size(0))
      throw DataError(path,
                      fmt::format("{} has {} rows and {} has {}", inputs, x.size(0), targets, label.size()),
                      "Inputs and targets belong together row by row.");
    columns.push_back(label);
  }
  return Table(std::move(columns));
}

}  // namespace

std::string shape_text(const std::vector<std::int64_t>& dims) {
  return dims.empty() ? "one number" : fmt::format("{}", fmt::join(dims, " x "));
}

Shape checked_shape(const std::vector<std::int64_t>& dims, const std::string& where) {
  constexpr double kMost = 4.6e18;
  double count = 1;
  bool fine = dims.size() <= Shape::kMaxDims;
  for (const std::int64_t d : dims) {
    fine = fine && d >= 0;
    count *= std::max(1.0, static_cast<double>(d));
  }
  if (!fine || count > kMost)
    throw DataError(where, fmt::format("claims an array of {}", shape_text(dims)), "Up to 8 axes are read.");
  return Shape(std::span<const std::int64_t>(dims));
}

Tensor elements(std::string_view bytes, ElementType type, const Shape& shape, const std::string& where) {
  CAIRN_ASSERT(bytes.size() == static_cast<std::size_t>(shape.size()) * static_cast<std::size_t>(type.size));
  const bool big = type.big_endian;
  if (type.kind == 'b' || (type.kind == 'u' && type.size == 1))
    return convert_elements<std::uint8_t, std::uint8_t>(bytes, shape, big, where);
  if (type.kind == 'i' && type.size == 1)
    return convert_elements<std::int8_t, std::int32_t>(bytes, shape, big, where);
  if (type.size == 2) {
    if (type.kind == 'i') return convert_elements<std::int16_t, std::int32_t>(bytes, shape, big, where);
    if (type.kind == 'u') return convert_elements<std::uint16_t, std::int32_t>(bytes, shape, big, where);
    Tensor out = Tensor::empty(shape, DType::f32);
    auto to = out.mutable_data<float>();
    for (std::size_t i = 0; i < to.size(); ++i)
      to[i] = half_to_float(from_bytes<std::uint16_t>(bytes.data() + 2 * i, big));
    return out;
  }
  if (type.size == 4) {
    if (type.kind == 'i') return convert_elements<std::int32_t, std::int32_t>(bytes, shape, big, where);
    if (type.kind == 'u') return convert_elements<std::uint32_t, std::int64_t>(bytes, shape, big, where);
    return convert_elements<float, float>(bytes, shape, big, where);
  }
  CAIRN_ASSERT(type.size == 8);
  if (type.kind == 'i') return convert_elements<std::int64_t, std::int64_t>(bytes, shape, big, where);
  if (type.kind == 'u') return convert_elements<std::uint64_t, std::int64_t>(bytes, shape, big, where);
  return convert_elements<double, double>(bytes, shape, big, where);
}

Column picture_column(Tensor values, const std::string& where, std::vector<std::string>& guesses) {
  const auto coloured = [](std::int64_t channels) { return channels == 1 || channels == 3; };
  if (values.ndim() == 3) values = values.reshape({values.size(0), values.size(1), values.size(2), 1});
  const std::int64_t n = values.size(0);
  if (!coloured(values.size(3)) && coloured(values.size(1))) {
    // Channels first, as some save them.
    const std::int64_t channels = values.size(1), area = values.size(2) * values.size(3);
    const Tensor flat = values.to(DType::f64).contiguous();
    const auto from = flat.data<double>();
    Tensor last = Tensor::empty({n, values.size(2), values.size(3), channels}, DType::f64);
    auto to = last.mutable_data<double>();
    for (std::int64_t r = 0; r < n; ++r)
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t p = 0; p < area; ++p)
          to[static_cast<std::size_t>((r * area + p) * channels + c)] =
              from[static_cast<std::size_t>((r * channels + c) * area + p)];
    values = last;
    guesses.push_back(
        fmt::format("channels: first (of {}, the second axis is {})", values.size(1), channels));
  }
  if (!coloured(values.size(3)) || values.size(1) < 1 || values.size(2) < 1)
    throw DataError(
        where, fmt::format("is {}; pictures are [n, height, width], or with 1 or 3 channels as a fourth axis",
                           values.shape().text()));
  if (values.dtype() == DType::u8) return Column::image("image", values);
  const Tensor numbers = values.to(DType::f64).contiguous();
  const auto from = numbers.data<double>();
  double low = 0, high = 0;
  bool whole = true;
  for (const double v : from) {
    if (!std::isfinite(v)) throw DataError(where, "a pixel is no number; 0 to 1 or 0 to 255 was expected");
    low = std::min(low, v);
    high = std::max(high, v);
    whole = whole && v == std::floor(v);
  }
  const bool shares = high <= 1 && !(whole && values.dtype() != DType::f32 && values.dtype() != DType::f64);
  if (low < 0 || high > 255 || (!whole && !shares))
    throw DataError(
        where,
        fmt::format("pixels go from {:.6g} to {:.6g}; shares from 0 to 1 or whole numbers from 0 to "
                    "255 were expected",
                    low, high),
        "Undo the scaling before saving.");
  if (shares) guesses.emplace_back("pixels: shares from 0 to 1, kept as 256 levels");
  Tensor bytes = Tensor::empty(values.shape(), DType::u8);
  auto to = bytes.mutable_data<std::uint8_t>();
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] = static_cast<std::uint8_t>(std::lround(shares ? 255 * from[i] : from[i]));
  return Column::image("image", bytes);
}

Column label_column(const Tensor& values, const std::string& where) {
  const bool flat =
      values.ndim() == 1 || (values.ndim() == 2 && (values.size(0) == 1 || values.size(1) == 1));
  if (!flat)
    throw DataError(where, fmt::format("is {}; targets are one number a row", values.shape().text()),
                    "Classes as one column a class: save their numbers instead.");
  const Tensor line = values.reshape({values.size()});
  if (is_floating(line.dtype())) {
    const Tensor numbers = line.to(DType::f64).contiguous();
    const auto v = numbers.data<double>();
    constexpr double kWhole = 9e15;  // beyond it not every whole number is a double
    if (!std::ranges::all_of(v, [](double x) { return std::abs(x) < kWhole && x == std::floor(x); }))
      return Column::number("label", numbers);
  }
  return Column::integer("label", line.to(DType::i64).contiguous());
}

std::vector<Column> ArrayFile::columns(const std::string& name) {
  const Tensor values = read(name);
  const Tensor line = values.reshape({values.size()});
  if (is_floating(line.dtype())) return {Column::number(name, line)};
  return {Column::integer(name, line.to(DType::i64).contiguous())};
}

ReadResult table_of_arrays(ArrayFile& file, const std::string& path, const ReadOptions& options) {
  const std::vector<ArrayFacts> arrays = file.list();
  for (const ArrayFacts& a : arrays) require_text(a.name, path + ", the name of an array");
  if (std::vector<Column> columns = named_columns(file, arrays, options); !columns.empty())
    return table_of_columns(std::move(columns), path, options);
  const Choice c = choose(arrays, path, options);
  ReadResult result;
  for (const std::string& name : {c.inputs, c.targets, c.test_inputs, c.test_targets})
    if (const ArrayFacts* a = name.empty() ? nullptr : find_array(arrays, name); a && !a->readable)
      throw DataError(fmt::format("{}:{}", path, name), fmt::format("holds {}; numbers are read", a->type));
  result.table = table_of(file, *find_array(arrays, c.inputs), c.targets, path, result.guesses);
  result.guesses.push_back("inputs: " + c.inputs);
  if (!c.targets.empty()) {
    result.guesses.push_back("targets: " + c.targets);
    result.target = "label";
  }
  if (!c.test_inputs.empty()) {
    std::vector<std::string> same;
    result.test = table_of(file, *find_array(arrays, c.test_inputs), c.test_targets, path, same);
    result.guesses.push_back(fmt::format("test rows: {} of {}", result.test->num_rows(), c.test_inputs));
  }
  result.schema = Schema::of(result.table);
  return result;
}

}  // namespace cairn::readers_detail
