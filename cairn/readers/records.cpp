#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>

#include "cairn/data/cells.h"
#include "cairn/readers/arrays_internal.h"
#include "cairn/readers/records_internal.h"

namespace cairn::readers_detail {
namespace {

std::string place(const std::string& where, std::int64_t row, const RecordField& field) {
  return fmt::format("{}, row {}, column '{}'", where, row + 1, printable(field.name));
}

void append_utf8(std::uint32_t point, std::string& to) {
  if (point < 0x80) {
    to += static_cast<char>(point);
  } else if (point < 0x800) {
    to += static_cast<char>(0xC0 | (point >> 6));
    to += static_cast<char>(0x80 | (point & 63));
  } else if (point < 0x10000) {
    to += static_cast<char>(0xE0 | (point >> 12));
    to += static_cast<char>(0x80 | ((point >> 6) & 63));
    to += static_cast<char>(0x80 | (point & 63));
  } else {
    to += static_cast<char>(0xF0 | (point >> 18));
    to += static_cast<char>(0x80 | ((point >> 12) & 63));
    to += static_cast<char>(0x80 | ((point >> 6) & 63));
    to += static_cast<char>(0x80 | (point & 63));
  }
}

// One cell's text, appended.
void append_text(const RecordField& field, const char* at, std::string& to, const std::string& where,
                 std::int64_t row) {
  const std::size_t before = to.size();
  if (field.kind == 'p') {
    const char* text = nullptr;
    std::memcpy(static_cast<void*>(&text), at, sizeof(text));
    if (text) to += text;
  } else if (field.kind == 'S') {
    std::size_t size = field.size;
    while (size > 0 && at[size - 1] == '\0') --size;
    to.append(at, size);
  } else {
    std::size_t size = field.size / 4;
    std::vector<std::uint32_t> points(size);
    for (std::size_t i = 0; i < size; ++i) {
      unsigned char b[4];
      std::memcpy(b, at + 4 * i, 4);
      if (field.big_endian) std::reverse(b, b + 4);
      points[i] = b[0] | b[1] << 8 | b[2] << 16 | static_cast<std::uint32_t>(b[3]) << 24;
    }
    while (size > 0 && points[size - 1] == 0) --size;
    for (std::size_t i = 0; i < size; ++i) {
      const std::uint32_t p = points[i];
      if (p > 0x10FFFF || (p >= 0xD800 && p < 0xE000) || p == 0)
        throw DataError(place(where, row, field),
                        fmt::format("holds the letter {}, which is none of Unicode", p));
      append_utf8(p, to);
    }
    return;
  }
  require_text(std::string_view(to).substr(before), place(where, row, field));
}

Column text_column(const RecordField& field, const char* first, std::size_t stride, std::int64_t rows,
                   const std::string& where) {
  std::string bytes;
  std::vector<std::int64_t> offsets{0};
  offsets.reserve(static_cast<std::size_t>(rows) + 1);
  for (std::int64_t r = 0; r < rows; ++r) {
    append_text(field, first + static_cast<std::size_t>(r) * stride, bytes, where, r);
    offsets.push_back(std::ssize(bytes));
  }
  return Column::text(field.name, Tensor::take(std::move(offsets)),
                      Tensor::take(std::vector<std::uint8_t>(bytes.begin(), bytes.end())));
}

Column date_column(const RecordField& field, const Tensor& ticks, const std::string& where) {
  const auto from = ticks.data<std::int64_t>();
  Tensor seconds = Tensor::empty(ticks.shape(), DType::i64);
  auto to = seconds.mutable_data<std::int64_t>();
  Validity validity;
  for (std::size_t r = 0; r < to.size(); ++r) {
    if (from[r] == std::numeric_limits<std::int64_t>::min()) {
      if (!validity.defined()) validity = Tensor::full(Shape{(ticks.size() + 7) / 8}, 255, DType::u8);
      validity.mutable_data<std::uint8_t>()[r >> 3] &= static_cast<std::uint8_t>(~(1U << (r & 7)));
      to[r] = 0;
      continue;
    }
    // Towards the past, as fractions of a second are dropped.
    const std::int64_t whole = from[r] / field.ticks, rest = from[r] % field.ticks;
    if (__builtin_mul_overflow(whole - (rest < 0 ? 1 : 0), field.seconds, &to[r]))
      throw DataError(place(where, static_cast<std::int64_t>(r), field),
                      fmt::format("the date {} is out of range", from[r]));
  }
  return Column::date(field.name, seconds, validity);
}

// "<f4", "|S20", ">M8[ns]"; nothing for what no column holds.
std::optional<RecordField> field_of(std::string_view descr) {
  if (descr.size() < 3) return std::nullopt;
  RecordField field;
  field.big_endian = descr[0] == '>';
  field.kind = descr[1];
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(descr.data() + 2, descr.data() + descr.size(), count);
  if (error != std::errc{} || count > (std::size_t{1} << 30)) return std::nullopt;
  std::string_view unit = descr.substr(static_cast<std::size_t>(end - descr.data()));
  field.size = field.kind == 'U' ? 4 * count : count;
  const bool power = count == 1 || count == 2 || count == 4 || count == 8;
  switch (field.kind) {
    case 'b':
      return count == 1 && unit.empty() ? std::optional(field) : std::nullopt;
    case 'i':
    case 'u':
      return power && unit.empty() ? std::optional(field) : std::nullopt;
    case 'f':
      return power && count > 1 && unit.empty() ? std::optional(field) : std::nullopt;
    case 'S':
    case 'U':
    case 'V':
      return unit.empty() ? std::optional(field) : std::nullopt;
    case 'M':
      break;
    default:
      return std::nullopt;
  }
  if (count != 8 || !unit.starts_with('[') || !unit.ends_with(']')) return std::nullopt;
  unit = unit.substr(1, unit.size() - 2);
  std::int64_t many = 1;
  if (!unit.empty() && unit[0] >= '0' && unit[0] <= '9') {
    const auto [rest, bad] = std::from_chars(unit.data(), unit.data() + unit.size(), many);
    if (bad != std::errc{} || many < 1 || many > 1'000'000) return std::nullopt;
    unit.remove_prefix(static_cast<std::size_t>(rest - unit.data()));
  }
  const struct {
    std::string_view unit;
    std::int64_t ticks, seconds;
  } units[] = {{"W", 1, 604800}, {"D", 1, 86400}, {"h", 1, 3600},     {"m", 1, 60},
               {"s", 1, 1},      {"ms", 1000, 1}, {"us", 1000000, 1}, {"ns", 1000000000, 1}};
  for (const auto& u : units)
    if (unit == u.unit && (u.ticks == 1 || many == 1)) {
      field.ticks = u.ticks;
      field.seconds = u.seconds * many;
      return field;
    }
  return std::nullopt;
}

// The next Python string off the front; false when there is none.
bool take_string(std::string_view& text, std::string& value) {
  text.remove_prefix(std::min(text.find_first_not_of(" ,("), text.size()));
  if (text.empty() || (text[0] != '\'' && text[0] != '"')) return false;
  const char quote = text[0];
  value.clear();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] == '\\') return false;  // names with escapes
    value += text[i];
  }
  return false;
}

}  // namespace

Column record_column(const RecordField& field, const char* first, std::size_t stride, std::int64_t rows,
                     const std::string& where) {
  if (field.kind == 'S' || field.kind == 'U' || field.kind == 'p')
    return text_column(field, first, stride, rows, where);
  std::string bytes(static_cast<std::size_t>(rows) * field.size, '\0');
  for (std::int64_t r = 0; r < rows; ++r)
    std::memcpy(bytes.data() + static_cast<std::size_t>(r) * field.size,
                first + static_cast<std::size_t>(r) * stride, field.size);
  const ElementType type{field.kind == 'M' ? 'i' : field.kind, static_cast<int>(field.size),
                         field.big_endian};
  const Tensor values = elements(bytes, type, Shape{rows}, where + ":" + field.name);
  if (field.kind == 'M') return date_column(field, values, where);
  if (field.kind == 'f') return Column::number(field.name, values);
  if (field.kind != 'b') return Column::integer(field.name, values.to(DType::i64).contiguous());
  Tensor flags = values;
  for (std::uint8_t& flag : flags.mutable_data<std::uint8_t>()) flag = flag != 0;
  return Column::boolean(field.name, flags);
}

std::vector<RecordField> npy_fields(std::string_view descr, const std::string& alone, std::size_t& size) {
  size = 0;
  std::vector<RecordField> fields;
  if (!descr.starts_with('[')) {
    auto field = field_of(descr);
    if (!field || field->kind == 'V' || field->size == 0) return {};
    field->name = alone;
    size = field->size;
    return {*field};
  }
  descr.remove_prefix(1);
  while (true) {
    descr.remove_prefix(std::min(descr.find_first_not_of(" ,"), descr.size()));
    if (descr.starts_with(']')) return size > 0 ? fields : std::vector<RecordField>{};
    if (!descr.starts_with('(')) return {};
    std::string name, type;
    if (!take_string(descr, name) || !take_string(descr, type)) return {};
    descr.remove_prefix(std::min(descr.find_first_not_of(' '), descr.size()));
    if (!descr.starts_with(')')) return {};  // a third part: each cell is an array
    descr.remove_prefix(1);
    auto field = field_of(type);
    if (!field || (field->size == 0 && field->kind != 'V')) return {};
    field->name = name;
    field->offset = size;
    size += field->size;
    if (field->kind != 'V') fields.push_back(std::move(*field));  // V: bytes between fields
  }
}

}  // namespace cairn::readers_detail
