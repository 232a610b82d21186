#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "cairn/base/error.h"
#include "cairn/model/archive_internal.h"

namespace cairn {
namespace {

constexpr std::size_t kLongestHeader = 100'000'000;  // the limit the format states

struct Element {
  const char* name;
  std::size_t bytes;
  bool known;
  DType dtype;
};
constexpr Element kElements[] = {
    {"F64", 8, true, DType::f64},  {"F32", 4, true, DType::f32},   {"I64", 8, true, DType::i64},
    {"I32", 4, true, DType::i32},  {"U8", 1, true, DType::u8},     {"BOOL", 1, true, DType::boolean},
    {"F16", 2, false, DType::f32}, {"BF16", 2, false, DType::f32}, {"I8", 1, false, DType::u8},
    {"I16", 2, false, DType::i32}, {"U16", 2, false, DType::i32},  {"U32", 4, false, DType::i64},
    {"U64", 8, false, DType::i64},
};

const Element* element(std::string_view name) {
  const auto* it = std::find_if(std::begin(kElements), std::end(kElements),
                                [&](const Element& e) { return name == e.name; });
  return it == std::end(kElements) ? nullptr : it;
}

// Refuses a key that stands twice in one object: two readers could see two different files.
Json parse_header(std::string_view text, const std::string& path) {
  std::vector<std::set<std::string>> keys;
  std::string twice;
  const auto watch = [&](int, nlohmann::ordered_json::parse_event_t event, Json& parsed) {
    using Event = nlohmann::ordered_json::parse_event_t;
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get<std::string>()).second)
      twice = parsed.get<std::string>();
    return true;
  };
  Json header = Json::parse(text.begin(), text.end(), watch, false);
  if (header.is_discarded() || !header.is_object())
    throw ModelFileError(path, "is not a model file: its header is not JSON");
  if (!twice.empty()) throw ModelFileError(path, fmt::format("names '{}' twice in its header", twice));
  return header;
}

std::uint64_t whole(const Json& json, const std::string& path, const std::string& tensor) {
  if (!json.is_number_unsigned())
    throw ModelFileError(path,
                         fmt::format("tensor '{}' has a length or offset that is no whole number", tensor));
  return json.get<std::uint64_t>();
}

}  // namespace

const char* safetensors_dtype(DType dtype) {
  for (const Element& e : kElements)
    if (e.known && e.dtype == dtype) return e.name;
  return "U8";
}

Tensor SafetensorsEntry::copy() const {
  const Element* e = element(dtype);
  if (!e || !e->known)
    throw ModelFileError("model",
                         fmt::format("holds elements of type {}, which this build does not read", dtype));
  Tensor t = Tensor::empty(Shape(std::span<const std::int64_t>(shape)), e->dtype);
  if (!bytes.empty()) std::memcpy(const_cast<std::byte*>(t.raw()), bytes.data(), bytes.size());
  return t;
}

SafetensorsFile parse_safetensors(std::string_view bytes, const std::string& path) {
  if (bytes.size() < 8)
    throw ModelFileError(path, fmt::format("is not a model file: it has {} bytes", bytes.size()));
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < 8; ++i)
    length |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  if (length > bytes.size() - 8 || length > kLongestHeader)
    throw ModelFileError(
        path, fmt::format("is not a model file, or was cut short: it claims a header of {} bytes and has {}",
                          length, bytes.size() - 8));
  const Json header = parse_header(bytes.substr(8, length), path);
  const std::string_view data = bytes.substr(8 + length);
  SafetensorsFile file;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> spans;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) throw ModelFileError(path, "has metadata that are no object");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string())
          throw ModelFileError(path, fmt::format("has metadata '{}' that is no text", key));
        if (key != "cairn")
          file.metadata[key] = value;
        else
          file.cairn = parse_header(value.get_ref<const std::string&>(), path);
      }
      continue;
    }
    const bool complete = entry.is_object() && entry.contains("dtype") && entry["dtype"].is_string() &&
                          entry.contains("shape") && entry["shape"].is_array() &&
                          entry.contains("data_offsets") && entry["data_offsets"].is_array() &&
                          entry["data_offsets"].size() == 2;
    if (!complete)
      throw ModelFileError(path, fmt::format("tensor '{}' lacks dtype, shape or data_offsets", name));
    SafetensorsEntry e;
    e.dtype = entry["dtype"].get<std::string>();
    const Element* type = element(e.dtype);
    if (!type)
      throw ModelFileError(path, fmt::format("tensor '{}' has the unknown element type '{}'", name, e.dtype));
    std::uint64_t count = type->bytes;
    for (const Json& d : entry["shape"]) {
      const std::uint64_t n = whole(d, path, name);
      if (n != 0 && count > data.size() / n)
        count = data.size() + 1;  // larger than the file: refused just below
      else
        count *= n;
      e.shape.push_back(static_cast<std::int64_t>(std::min<std::uint64_t>(n, std::uint64_t{1} << 62)));
    }
    const std::uint64_t begin = whole(entry["data_offsets"][0], path, name),
                        end = whole(entry["data_offsets"][1], path, name);
    if (begin > end || end > data.size() || end - begin != count)
      throw ModelFileError(
          path,
          fmt::format("tensor '{}' claims bytes {} to {} of {}, which do not fit its shape or the file; "
                      "the file was cut short or is damaged",
                      name, begin, end, data.size()));
    e.bytes = data.substr(begin, end - begin);
    spans.emplace_back(begin, end);
    file.order.push_back(name);
    file.tensors.emplace(name, std::move(e));
  }
  std::sort(spans.begin(), spans.end());
  std::uint64_t at = 0;
  for (const auto& [begin, end] : spans) {
    if (begin != at)
      throw ModelFileError(path, fmt::format("has a gap or an overlap at byte {} of its tensors", at));
    at = end;
  }
  if (at != data.size())
    throw ModelFileError(path, fmt::format("has {} bytes that belong to no tensor", data.size() - at));
  return file;
}

}  // namespace cairn
