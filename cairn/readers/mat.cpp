#include "cairn/readers/mat.h"

#include <fmt/format.h>
#include <matio.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>

#include "cairn/base/hash.h"
#include "cairn/data/compressed_input.h"
#include "cairn/readers/arrays_internal.h"
#include "cairn/readers/shared_library_internal.h"

namespace cairn {
namespace {

using namespace readers_detail;

struct Matio {
  SharedLibrary library{"libmatio.so.11", "MATLAB files", "libmatio11"};
#define CAIRN_MATIO(name) decltype(&::name) name = library.function<decltype(&::name)>(#name)
  CAIRN_MATIO(Mat_LogInitFunc);
  CAIRN_MATIO(Mat_Open);
  CAIRN_MATIO(Mat_Close);
  CAIRN_MATIO(Mat_VarReadNextInfo);
  CAIRN_MATIO(Mat_VarReadInfo);
  CAIRN_MATIO(Mat_VarReadDataAll);
  CAIRN_MATIO(Mat_VarFree);
#undef CAIRN_MATIO
  Matio() {
    Mat_LogInitFunc("cairn", [](int, char*) {});  // errors are told by what is returned
  }
};

const Matio& matio() {
  static const Matio functions;
  return functions;
}

std::mutex& one_at_a_time() {
  static std::mutex mutex;
  return mutex;
}

bool readable(const matvar_t& v) {
  return v.isComplex == 0 && v.class_type >= MAT_C_DOUBLE && v.class_type <= MAT_C_UINT64;
}

std::string type_text(const matvar_t& v) {
  constexpr const char* kNames[] = {
      "nothing", "cells", "records", "an object", "text",   "a sparse matrix", "double", "single",    "int8",
      "uint8",   "int16", "uint16",  "int32",     "uint32", "int64",           "uint64", "a function"};
  const auto i = static_cast<std::size_t>(v.class_type);
  const std::string name = i < std::size(kNames) ? kNames[i] : "something unknown";
  return v.isComplex != 0 ? "complex numbers" : v.isLogical != 0 ? "logical" : name;
}

std::vector<std::int64_t> dims_of(const matvar_t& v) {
  std::vector<std::int64_t> dims;
  for (int a = 0; a < v.rank; ++a) dims.push_back(static_cast<std::int64_t>(v.dims[a]));
  return dims;
}

// MATLAB stores column after column.
template <class From, class To>
Tensor row_after_row(const matvar_t& v, const Shape& shape) {
  Tensor out = Tensor::empty(shape, kDTypeOf<To>);
  auto to = out.mutable_data<To>();
  const auto* from = static_cast<const From*>(v.data);
  std::vector<std::int64_t> index(static_cast<std::size_t>(shape.ndim()), 0);
  for (To& value : to) {
    std::int64_t at = 0;
    for (int a = shape.ndim(); a-- > 0;) at = at * shape[a] + index[static_cast<std::size_t>(a)];
    value = static_cast<To>(from[at]);
    for (int a = shape.ndim(); a-- > 0;) {
      if (++index[static_cast<std::size_t>(a)] < shape[a]) break;
      index[static_cast<std::size_t>(a)] = 0;
    }
  }
  return out;
}

Tensor tensor_of(const matvar_t& v, const Shape& shape) {
  switch (v.class_type) {
    case MAT_C_DOUBLE:
      return row_after_row<double, double>(v, shape);
    case MAT_C_SINGLE:
      return row_after_row<float, float>(v, shape);
    case MAT_C_INT8:
      return row_after_row<std::int8_t, std::int32_t>(v, shape);
    case MAT_C_UINT8:
      return row_after_row<std::uint8_t, std::uint8_t>(v, shape);
    case MAT_C_INT16:
      return row_after_row<std::int16_t, std::int32_t>(v, shape);
    case MAT_C_UINT16:
      return row_after_row<std::uint16_t, std::int32_t>(v, shape);
    case MAT_C_INT32:
      return row_after_row<std::int32_t, std::int32_t>(v, shape);
    case MAT_C_UINT32:
      return row_after_row<std::uint32_t, std::int64_t>(v, shape);
    default:
      return row_after_row<std::int64_t, std::int64_t>(v, shape);
  }
}

class MatFile final : public ArrayFile {
 public:
  explicit MatFile(std::string path)
      : path_(std::move(path)), file_(matio().Mat_Open(path_.c_str(), MAT_ACC_RDONLY), matio().Mat_Close) {
    if (!file_)
      throw DataError(path_, "the MATLAB data are damaged or cut short", "Fetch or save the file again.");
  }

  std::vector<ArrayFacts> list() override {
    std::vector<ArrayFacts> arrays;
    constexpr std::size_t kMost = 100'000;
    while (arrays.size() < kMost) {
      const Variable v(matio().Mat_VarReadNextInfo(file_.get()), matio().Mat_VarFree);
      if (!v) break;
      if (v->name) arrays.push_back({v->name, dims_of(*v), type_text(*v), readable(*v)});
    }
    if (arrays.empty())
      throw DataError(path_, "holds no array, or is damaged", "Fetch or save the file again.");
    return arrays;
  }

  Tensor read(const std::string& name) override {
    const std::string where = path_ + ":" + name;
    const Variable v(matio().Mat_VarReadInfo(file_.get(), name.c_str()), matio().Mat_VarFree);
    if (!v) throw DataError(where, "there is no such array, or it is damaged");
    if (!readable(*v)) throw DataError(where, fmt::format("holds {}; numbers are read", type_text(*v)));
    const std::vector<std::int64_t> dims = dims_of(*v);
    const Shape shape = checked_shape(dims, where);
    check_claim(dims, where);
    if (shape.size() > 0 &&
        (matio().Mat_VarReadDataAll(file_.get(), v.get()) != 0 || !v->data ||
         v->nbytes < static_cast<std::size_t>(shape.size()) * static_cast<std::size_t>(v->data_size)))
      throw DataError(where,
                      fmt::format("the {} numbers that it claims cannot be read; the file is damaged or lies",
                                  shape_text(dims)),
                      "Fetch or save the file again.");
    return tensor_of(*v, shape);
  }

 private:
  using Variable = std::unique_ptr<matvar_t, decltype(&::Mat_VarFree)>;
  // Deflate makes a byte of at most 1032, and a number may be stored as one byte.
  void check_claim(const std::vector<std::int64_t>& dims, const std::string& where) const {
    constexpr double kMostRatio = 1040;
    std::error_code error;
    const auto held = static_cast<double>(std::filesystem::file_size(path_, error));
    double claimed = 1;
    for (const std::int64_t d : dims) claimed *= static_cast<double>(d);
    if (claimed > kMostRatio * held)
      throw DataError(
          where,
          fmt::format("claims {} numbers, more than a file of {:.0f} bytes can hold", shape_text(dims), held),
          "Fetch or save the file again.");
  }
  std::string path_;
  std::unique_ptr<mat_t, decltype(&::Mat_Close)> file_;
};

std::uint32_t word_at(std::string_view bytes, std::size_t at, bool big) {
  std::uint32_t value = 0;
  for (std::size_t b = 0; b < 4; ++b)
    value = value << 8 | static_cast<unsigned char>(bytes[at + (big ? b : 3 - b)]);
  return value;
}

// zlib data are whole when they end where they should and their check sum is right.
bool inflates(std::string_view packed) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return false;
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, &inflateEnd);
  std::array<Bytef, std::size_t{1} << 16> scratch{};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());  // an element has at most 2^32 bytes
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = scratch.data();
    stream.avail_out = static_cast<uInt>(scratch.size());
    status = inflate(&stream, Z_NO_FLUSH);
  }
  return status == Z_STREAM_END;
}

// matio gives zeros for what is not there: the elements of a version 5 file are looked through before it is
// asked.
void check_elements(std::string_view bytes, const std::string& path, const StopToken& stop) {
  constexpr std::size_t kHeader = 128, kTag = 8;
  constexpr std::uint32_t kCompressed = 15;
  if (!bytes.starts_with("MATLAB 5.0") || bytes.size() < kHeader) return;
  const bool big = bytes.substr(126, 2) == "MI";
  for (std::size_t at = kHeader; at < bytes.size();) {
    stop.throw_if_requested("reading");
    const std::size_t left = bytes.size() - at;
    const std::size_t length = left < kTag ? 0 : word_at(bytes, at + 4, big);
    if (left < kTag || length > left - kTag)
      throw DataError(
          path,
          fmt::format("the MATLAB data are cut short: an array at byte {} claims {} bytes and {} follow", at,
                      length, left < kTag ? 0 : left - kTag),
          "Fetch or save the file again.");
    if (word_at(bytes, at, big) == kCompressed && !inflates(bytes.substr(at + kTag, length)))
      throw DataError(path,
                      fmt::format("the MATLAB data are damaged: the array at byte {} cannot be unpacked", at),
                      "Fetch or save the file again.");
    at += kTag + length;
  }
}

// Version 4 has no mark of its own: five whole numbers that must make sense together.
bool sniff_version4(std::string_view bytes) {
  constexpr std::size_t kHeader = 20;
  if (bytes.size() <= kHeader) return false;
  const auto word = [&](std::size_t i, bool big) { return word_at(bytes, 4 * i, big); };
  for (const bool big : {false, true}) {
    const std::uint32_t type = word(0, big), machine = type / 1000, kind = type % 10;
    const std::uint32_t rows = word(1, big), columns = word(2, big), name = word(4, big);
    const bool fits =
        type < 5000 && machine == (big ? 1U : 0U) && type / 100 % 10 == 0 && type / 10 % 10 <= 5 && kind <= 2;
    if (!fits || rows == 0 || columns == 0 || word(3, big) > 1 || name < 2 || name > 64 ||
        bytes.size() < kHeader + name)
      continue;
    const std::string_view text = bytes.substr(kHeader, name);
    if (text.back() == '\0' && text.find('\0') == name - 1 &&
        std::isalpha(static_cast<unsigned char>(text[0])))
      return true;
  }
  return false;
}

}  // namespace

Tensor mat_array(const std::string& path, const std::string& name) {
  const std::lock_guard lock(one_at_a_time());
  return MatFile(path).read(name);
}

ReadResult read_mat(const std::string& path, const ReadOptions& options) {
  if (path == "-") throw UsageError("mat", "needs a file; standard input cannot be read at any place");
  std::string sha256;
  {
    const InputBytes input = open_input(path, {}, options.stop);
    if (input.encoding() != "plain")
      throw DataError(path, fmt::format("is a MATLAB file packed as {}", input.encoding()),
                      "Unpack it first.");
    check_elements(input.bytes(), path, options.stop);
    if (options.sha256) sha256 = sha256_hex(input.bytes());
  }
  const std::lock_guard lock(one_at_a_time());
  MatFile file(path);
  ReadResult result = table_of_arrays(file, path, options);
  result.sha256 = sha256;
  return result;
}

const Reader kMatReader = {
    .name = "mat",
    .doc = "Arrays in a MATLAB file; inputs and targets name them where they are not X and y.",
    .sniff = [](std::string_view bytes) { return bytes.starts_with("MATLAB ") || sniff_version4(bytes); },
    .read = &read_mat,
    .arguments = {"inputs", "targets"},
};

}  // namespace cairn
