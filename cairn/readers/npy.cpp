#include "cairn/readers/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <optional>

#include "cairn/base/hash.h"
#include "cairn/data/cells.h"
#include "cairn/data/compressed_input.h"
#include "cairn/readers/arrays_internal.h"
#include "cairn/readers/records_internal.h"
#include "cairn/readers/zip_internal.h"

namespace cairn {
namespace {

using namespace readers_detail;

constexpr std::string_view kMagic("\x93NUMPY", 6);

struct NpyHeader {
  std::string descr;   // of one type; else "records"
  std::string fields;  // the whole of it
  std::vector<std::int64_t> shape;
  bool fortran = false;
  std::size_t body = 0;  // where the numbers begin
};

// The text after a key of the header's dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4),
// }.
std::string_view after_key(std::string_view text, const char* key, const std::string& name) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = quote + std::string(key) + quote;
    if (const auto at = text.find(quoted); at != std::string_view::npos) {
      std::string_view rest = text.substr(at + quoted.size());
      rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of(" :")));
      return rest;
    }
  }
  throw DataError(name, fmt::format("its NPY header has no '{}'", key));
}

std::vector<std::int64_t> parse_shape(std::string_view text, const std::string& name) {
  const auto close = text.find(')');
  if (!text.starts_with('(') || close == std::string_view::npos)
    throw DataError(name, "the shape in its NPY header is no list of lengths");
  std::vector<std::int64_t> shape;
  const char *at = text.data() + 1, *end = text.data() + close;
  while (at < end) {
    if (*at == ' ' || *at == ',' || *at == 'L') {
      ++at;
      continue;
    }
    std::int64_t length = 0;
    const auto [next, error] = std::from_chars(at, end, length);
    if (error != std::errc{} || length < 0 || shape.size() >= Shape::kMaxDims)
      throw DataError(name, fmt::format("the shape in its NPY header, {}, is none that is read",
                                        text.substr(0, close + 1)));
    shape.push_back(length);
    at = next;
  }
  return shape;
}

NpyHeader parse_header(std::string_view bytes, const std::string& name) {
  if (!bytes.starts_with(kMagic)) throw DataError(name, "is no NPY file");
  constexpr std::size_t kPreamble = 8;
  const int version = bytes.size() > 6 ? static_cast<unsigned char>(bytes[6]) : 0;
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  if (version < 1 || version > 3)
    throw DataError(name, fmt::format("is NPY of version {}; 1 to 3 are read", version));
  if (bytes.size() < kPreamble + length_bytes)
    throw DataError(name, "ends within its NPY header; it was cut short");
  std::size_t length = 0;
  for (std::size_t i = length_bytes; i-- > 0;)
    length = length << 8 | static_cast<unsigned char>(bytes[kPreamble + i]);
  NpyHeader h;
  h.body = kPreamble + length_bytes + length;
  if (h.body > bytes.size()) throw DataError(name, "ends within its NPY header; it was cut short");
  const std::string_view text = bytes.substr(kPreamble + length_bytes, length);
  const std::string_view descr = after_key(text, "descr", name);
  if (!descr.empty() && (descr[0] == '\'' || descr[0] == '"'))
    h.descr = descr.substr(1, std::min(descr.size(), descr.find(descr[0], 1)) - 1);
  else
    h.descr = "records";
  h.fields = h.descr == "records" ? std::string(descr) : h.descr;
  h.fortran = after_key(text, "fortran_order", name).starts_with("True");
  h.shape = parse_shape(after_key(text, "shape", name), name);
  return h;
}

std::optional<ElementType> type_of(std::string_view descr) {
  if (descr.size() != 3) return std::nullopt;
  const ElementType type{descr[1], descr[2] - '0', descr[0] == '>'};
  const bool known = type.kind == 'b'   ? type.size == 1
                     : type.kind == 'f' ? type.size == 2 || type.size == 4 || type.size == 8
                     : type.kind == 'u' || type.kind == 'i'
                         ? type.size == 1 || type.size == 2 || type.size == 4 || type.size == 8
                         : false;
  return known ? std::optional(type) : std::nullopt;
}

// The numbers, or rows of records, that the header claims against the bytes that follow it.
void check_body(const NpyHeader& h, std::string_view bytes, double claimed, std::size_t size,
                const std::string& name) {
  const std::size_t body = bytes.size() - h.body;
  if (claimed == static_cast<double>(body)) return;
  throw DataError(name,
                  fmt::format("its NPY header claims {} numbers of {} byte{}, and {} bytes follow it",
                              shape_text(h.shape), size, size == 1 ? "" : "s", body),
                  "Fetch or save it again; it was cut short or the header lies.");
}

// From column after column to row after row.
Tensor row_major(const Tensor& flat, const std::vector<std::int64_t>& shape) {
  Tensor out = Tensor::empty(flat.shape(), flat.dtype());
  const std::size_t size = size_of(flat.dtype());
  const std::byte* from = flat.raw();
  auto* to = const_cast<std::byte*>(out.raw());
  std::vector<std::int64_t> index(shape.size(), 0);
  for (std::int64_t i = 0; i < flat.size(); ++i) {
    std::int64_t at = 0;
    for (std::size_t a = shape.size(); a-- > 0;) at = at * shape[a] + index[a];
    std::copy_n(from + static_cast<std::size_t>(at) * size, size, to + static_cast<std::size_t>(i) * size);
    for (std::size_t a = shape.size(); a-- > 0;) {
      if (++index[a] < shape[a]) break;
      index[a] = 0;
    }
  }
  return out;
}

ArrayFacts facts_of(const std::string& name, const NpyHeader& h) {
  std::size_t size = 0;
  const bool row = h.shape.size() == 1 || (h.shape.size() == 2 && h.shape[1] == 1);
  const std::size_t fields = row ? npy_fields(h.fields, name, size).size() : 0;
  return {.name = name,
          .shape = h.shape,
          .type = h.descr,
          .readable = type_of(h.descr).has_value(),
          .records = fields > 0 && h.descr == "records",
          .column = fields == 1 && h.descr != "records"};
}

class NpyFile final : public ArrayFile {
 public:
  NpyFile(std::string_view bytes, std::string path) : bytes_(bytes), path_(std::move(path)) {}
  std::vector<ArrayFacts> list() override {
    const NpyHeader h = parse_header(bytes_, path_);
    return {facts_of("array", h)};
  }
  Tensor read(const std::string&) override { return npy_array(bytes_, path_); }
  // Numbers that lie in the file as they do in memory are not copied.
  Tensor view(const std::string& name) override {
    const NpyHeader h = parse_header(bytes_, path_);
    const bool same =
        (h.descr == "<f8" || h.descr == "<f4") && !h.fortran && std::endian::native == std::endian::little;
    const char* const body = bytes_.data() + h.body;
    const DType dtype = h.descr == "<f8" ? DType::f64 : DType::f32;
    if (!same || reinterpret_cast<std::uintptr_t>(body) % size_of(dtype) != 0) return read(name);
    const Shape shape = checked_shape(h.shape, path_);
    check_body(h, bytes_, static_cast<double>(shape.size()) * static_cast<double>(size_of(dtype)),
               size_of(dtype), path_);
    return Tensor::adopt(body, shape, dtype, [] {});
  }
  std::vector<Column> columns(const std::string&) override { return npy_columns(bytes_, path_); }

 private:
  std::string_view bytes_;
  std::string path_;
};

std::string member_name(const ZipMember& m) {
  return m.name.ends_with(".npy") ? m.name.substr(0, m.name.size() - 4) : m.name;
}

class NpzFile final : public ArrayFile {
 public:
  NpzFile(std::string_view bytes, std::string path) : bytes_(bytes), path_(std::move(path)) {}
  std::vector<ArrayFacts> list() override {
    std::vector<ArrayFacts> arrays;
    for (const ZipMember& m : zip_members(bytes_, path_)) {
      const std::string content = zip_content(bytes_, m, path_);
      if (!content.starts_with(kMagic)) continue;
      const NpyHeader h = parse_header(content, path_ + ":" + m.name);
      arrays.push_back(facts_of(member_name(m), h));
    }
    if (arrays.empty()) throw DataError(path_, "is a zip archive without an array of NumPy");
    return arrays;
  }
  Tensor read(const std::string& name) override { return npz_array(bytes_, path_, name); }
  std::vector<Column> columns(const std::string& name) override {
    for (const ZipMember& m : zip_members(bytes_, path_))
      if (member_name(m) == name)
        return npy_columns(zip_content(bytes_, m, path_), path_ + ":" + m.name, name);
    throw DataError(path_, fmt::format("there is no array '{}'", name));
  }

 private:
  std::string_view bytes_;
  std::string path_;
};

template <class File>
ReadResult read_as(const std::string& path, const ReadOptions& options) {
  InputLimits limits;
  if (options.max_memory > 0) limits.max_bytes = options.max_memory;
  const InputBytes input = open_input(path, limits, options.stop);
  File file(input.bytes(), path);
  ReadResult result = table_of_arrays(file, path, options);
  if (options.sha256) result.sha256 = sha256_hex(input.bytes());
  return result;
}

bool sniff_npz(std::string_view bytes) {
  if (!is_zip(bytes) || bytes.size() < 30) return false;
  const std::size_t length = static_cast<unsigned char>(bytes[26]) | static_cast<unsigned char>(bytes[27])
                                                                         << 8;
  return bytes.substr(30, length).ends_with(".npy");
}

}  // namespace

Tensor npy_array(std::string_view bytes, const std::string& name) {
  const NpyHeader h = parse_header(bytes, name);
  const auto type = type_of(h.descr);
  if (!type)
    throw DataError(name,
                    fmt::format("holds '{}'; whole and floating numbers and booleans are read", h.descr));
  const Shape shape = checked_shape(h.shape, name);
  check_body(h, bytes, static_cast<double>(shape.size()) * type->size, static_cast<std::size_t>(type->size),
             name);
  const Tensor values = elements(bytes.substr(h.body), *type, shape, name);
  return h.fortran && h.shape.size() > 1 ? row_major(values, h.shape) : values;
}

std::vector<Column> npy_columns(std::string_view bytes, const std::string& name, const std::string& alone) {
  const NpyHeader h = parse_header(bytes, name);
  std::size_t size = 0;
  const std::vector<RecordField> fields = npy_fields(h.fields, alone, size);
  if (fields.empty())
    throw DataError(name,
                    fmt::format("holds '{}'; numbers, booleans, texts, dates and records of them are read",
                                printable(h.fields)));
  const Shape shape = checked_shape(h.shape, name);
  check_body(h, bytes, static_cast<double>(shape.size()) * static_cast<double>(size), size, name);
  std::vector<Column> columns;
  for (const RecordField& field : fields)
    columns.push_back(record_column(field, bytes.data() + h.body + field.offset, size, shape.size(), name));
  return columns;
}

Tensor npz_array(std::string_view bytes, const std::string& name, const std::string& member) {
  for (const ZipMember& m : zip_members(bytes, name))
    if (member_name(m) == member) return npy_array(zip_content(bytes, m, name), name + ":" + m.name);
  throw DataError(name, fmt::format("there is no array '{}'", member));
}

std::vector<std::string> npz_names(std::string_view bytes, const std::string& name) {
  std::vector<std::string> names;
  for (const ZipMember& m : zip_members(bytes, name)) names.push_back(member_name(m));
  return names;
}

ReadResult read_npy(const std::string& path, const ReadOptions& options) {
  return read_as<NpyFile>(path, options);
}

const Reader kNpyReader = {
    .name = "npy",
    .doc = "One array of NumPy: rows of numbers, records with a column a field, or pictures.",
    .sniff = [](std::string_view bytes) { return bytes.starts_with(kMagic); },
    .read = &read_npy,
};

const Reader kNpzReader = {
    .name = "npz",
    .doc = "A zip of arrays of NumPy: columns of one length, or inputs and targets, which name the arrays.",
    .sniff = &sniff_npz,
    .read = &read_as<NpzFile>,
    .arguments = {"inputs", "targets"},
};

}  // namespace cairn
