#include "cairn/readers/hdf5.h"

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>

#include "cairn/base/hash.h"
#include "cairn/data/cells.h"
#include "cairn/data/compressed_input.h"
#include "cairn/readers/arrays_internal.h"
#include "cairn/readers/records_internal.h"
#include "cairn/readers/shared_library_internal.h"

namespace cairn {
namespace {

using namespace readers_detail;

constexpr unsigned kReadOnly = 0;  // H5F_ACC_RDONLY, whose macro calls into the library

// The functions that are called, by the names that the library has them under.
struct Hdf5 {
  SharedLibrary library{"libhdf5_serial.so.103", "HDF5", "libhdf5-103-1"};
// NOLINTNEXTLINE(bugprone-macro-parentheses): a name is declared
#define CAIRN_HDF5(name) decltype(&::name) name = library.function<decltype(&::name)>(#name)
  CAIRN_HDF5(H5open);
  CAIRN_HDF5(H5Eset_auto2);
  CAIRN_HDF5(H5Fopen);
  CAIRN_HDF5(H5Fclose);
  CAIRN_HDF5(H5Lvisit);
  CAIRN_HDF5(H5Oopen);
  CAIRN_HDF5(H5Oclose);
  CAIRN_HDF5(H5Iget_type);
  CAIRN_HDF5(H5Dopen2);
  CAIRN_HDF5(H5Dclose);
  CAIRN_HDF5(H5Dget_type);
  CAIRN_HDF5(H5Dget_space);
  CAIRN_HDF5(H5Dread);
  CAIRN_HDF5(H5Sget_simple_extent_ndims);
  CAIRN_HDF5(H5Sget_simple_extent_dims);
  CAIRN_HDF5(H5Sclose);
  CAIRN_HDF5(H5Tget_class);
  CAIRN_HDF5(H5Tget_size);
  CAIRN_HDF5(H5Tget_sign);
  CAIRN_HDF5(H5Tclose);
  CAIRN_HDF5(H5Tget_native_type);
  CAIRN_HDF5(H5Tis_variable_str);
  CAIRN_HDF5(H5Tget_nmembers);
  CAIRN_HDF5(H5Tget_member_name);
  CAIRN_HDF5(H5Tget_member_type);
  CAIRN_HDF5(H5Tget_member_offset);
  CAIRN_HDF5(H5Tget_member_class);
  CAIRN_HDF5(H5Tenum_valueof);
  CAIRN_HDF5(H5free_memory);
  CAIRN_HDF5(H5Pcreate);
  CAIRN_HDF5(H5Pclose);
  CAIRN_HDF5(H5Pset_vlen_mem_manager);
#undef CAIRN_HDF5
  hid_t u8 = 0, i64 = 0, f32 = 0, f64 = 0, transfer = 0;

  Hdf5() {
    H5open();
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors are told by what is returned
    u8 = *static_cast<hid_t*>(library.symbol("H5T_NATIVE_UINT8_g"));
    i64 = *static_cast<hid_t*>(library.symbol("H5T_NATIVE_INT64_g"));
    f32 = *static_cast<hid_t*>(library.symbol("H5T_NATIVE_FLOAT_g"));
    f64 = *static_cast<hid_t*>(library.symbol("H5T_NATIVE_DOUBLE_g"));
    transfer = *static_cast<hid_t*>(library.symbol("H5P_CLS_DATASET_XFER_ID_g"));
  }
};

const Hdf5& hdf5() {
  static const Hdf5 functions;
  return functions;
}

// Debian builds the library without locks of its own.
std::mutex& one_at_a_time() {
  static std::mutex mutex;
  return mutex;
}

class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const {
    return id_;
  }  // NOLINT(google-explicit-constructor): what the library's functions take

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

struct ElementClass {
  H5T_class_t kind = H5T_NO_CLASS;
  std::size_t size = 0;
  bool is_signed = false;
  bool readable() const {
    return (kind == H5T_INTEGER && size <= 8) || (kind == H5T_FLOAT && size <= 8) ||
           (kind == H5T_ENUM && size == 1);
  }
  std::string text() const {
    if (kind == H5T_INTEGER) return fmt::format("{}{}", is_signed ? "int" : "uint", 8 * size);
    if (kind == H5T_FLOAT) return fmt::format("float{}", 8 * size);
    return kind == H5T_ENUM ? "enumeration" : kind == H5T_STRING ? "text" : "records";
  }
};

// Where the library puts texts of any length. Many rows may share one text in the file, so what they need
// together is counted.
struct TextMemory {
  static constexpr std::size_t kMost = std::size_t{4} << 30;
  std::vector<std::unique_ptr<char[]>> blocks;
  std::size_t used = kBlock, total = 0;
  bool full = false;

  static void* give(std::size_t size, void* memory) {
    auto& m = *static_cast<TextMemory*>(memory);
    m.total += size;
    m.full = m.full || m.total > kMost || size > kMost;
    if (m.full) return nullptr;
    if (size > kBlock) {
      m.blocks.push_back(std::make_unique<char[]>(size));
      m.used = kBlock;
      return m.blocks.back().get();
    }
    if (m.used + size > kBlock) {
      m.blocks.push_back(std::make_unique<char[]>(kBlock));
      m.used = 0;
    }
    return m.blocks.back().get() + std::exchange(m.used, m.used + size);
  }
  static void keep(void*, void*) {}  // all go together

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 20;
};

class Hdf5File final : public ArrayFile {
 public:
  explicit Hdf5File(std::string path)
      : path_(std::move(path)),
        file_(hdf5().H5Fopen(path_.c_str(), kReadOnly, H5P_DEFAULT), hdf5().H5Fclose) {
    if (file_ < 0) throw DataError(path_, "the HDF5 data are damaged or cut short", "Fetch the file again.");
  }

  std::vector<ArrayFacts> list() override {
    std::vector<std::string> names;
    const auto note = [](hid_t, const char* name, const H5L_info_t*, void* data) -> herr_t {
      constexpr std::size_t kMost = 100'000;
      auto& found = *static_cast<std::vector<std::string>*>(data);
      if (found.size() < kMost) found.emplace_back(name);
      return 0;
    };
    if (hdf5().H5Lvisit(file_, H5_INDEX_NAME, H5_ITER_INC, note, &names) < 0)
      damaged("its list of contents cannot be read");
    refuse_pandas(names);
    std::vector<ArrayFacts> arrays;
    std::string unreadable;
    for (const std::string& name : names) {
      const Handle object(hdf5().H5Oopen(file_, name.c_str(), H5P_DEFAULT), hdf5().H5Oclose);
      if (object >= 0 && hdf5().H5Iget_type(object) != H5I_DATASET) continue;
      const Handle set(hdf5().H5Dopen2(file_, name.c_str(), H5P_DEFAULT), hdf5().H5Dclose);
      if (object < 0 || set < 0) {
        unreadable = name;
        continue;
      }
      const ElementClass type = type_of(set);
      const std::vector<std::int64_t> dims = dims_of(set, name);
      const bool row = dims.size() == 1 || (dims.size() == 2 && dims[1] == 1);
      arrays.push_back({.name = name,
                        .shape = dims,
                        .type = type.text(),
                        .readable = type.readable(),
                        .records = row && type.kind == H5T_COMPOUND,
                        .column = row && (type.readable() || type.kind == H5T_STRING)});
    }
    // Links may lead nowhere; but a file without one of its arrays is no whole table.
    if (!unreadable.empty() && std::ranges::all_of(arrays, &ArrayFacts::column))
      damaged(unreadable + " cannot be opened; a newer HDF5 may have written it, which libver='v108' avoids");
    return arrays;
  }

  Tensor read(const std::string& name) override {
    const std::string where = path_ + ":" + name;
    const Handle set(hdf5().H5Dopen2(file_, name.c_str(), H5P_DEFAULT), hdf5().H5Dclose);
    if (set < 0) throw DataError(where, "there is no such array, or it is damaged");
    const ElementClass type = type_of(set);
    if (!type.readable()) throw DataError(where, fmt::format("holds {}; numbers are read", type.text()));
    const std::vector<std::int64_t> dims = dims_of(set, name);
    const Shape shape = checked_shape(dims, where);
    check_claim(dims, type.size, where);
    const bool bytes =
        type.kind == H5T_ENUM || (type.kind == H5T_INTEGER && type.size == 1 && !type.is_signed);
    const DType dtype = bytes                         ? DType::u8
                        : type.kind == H5T_INTEGER    ? DType::i64
                        : type.size == sizeof(double) ? DType::f64
                                                      : DType::f32;
    const hid_t native = dtype == DType::u8    ? hdf5().u8
                         : dtype == DType::i64 ? hdf5().i64
                         : dtype == DType::f64 ? hdf5().f64
                                               : hdf5().f32;
    Tensor values = Tensor::empty(shape, dtype);
    if (shape.size() > 0 &&
        hdf5().H5Dread(set, type.kind == H5T_ENUM ? Handle(hdf5().H5Dget_type(set), hdf5().H5Tclose) : native,
                       H5S_ALL, H5S_ALL, H5P_DEFAULT, const_cast<std::byte*>(values.raw())) < 0)
      throw DataError(where,
                      fmt::format("the {} numbers that it claims cannot be read; the file is damaged or lies",
                                  shape_text(dims)),
                      "Fetch the file again.");
    return values;
  }

  std::vector<Column> columns(const std::string& name) override {
    const std::string where = path_ + ":" + name;
    const Handle set(hdf5().H5Dopen2(file_, name.c_str(), H5P_DEFAULT), hdf5().H5Dclose);
    if (set < 0) throw DataError(where, "there is no such array, or it is damaged");
    const Handle stored(hdf5().H5Dget_type(set), hdf5().H5Tclose);
    const Handle type(hdf5().H5Tget_native_type(stored, H5T_DIR_ASCEND), hdf5().H5Tclose);
    if (stored < 0 || type < 0) throw DataError(where, "the type of its numbers is damaged");
    const std::vector<std::int64_t> dims = dims_of(set, name);
    check_claim(dims, hdf5().H5Tget_size(stored), where);
    const std::int64_t rows = checked_shape(dims, where).size();
    const std::vector<RecordField> fields = fields_of(type, name, where);
    const std::size_t stride = hdf5().H5Tget_size(type);
    std::string bytes(static_cast<std::size_t>(rows) * stride, '\0');
    TextMemory texts;
    const Handle transfer(hdf5().H5Pcreate(hdf5().transfer), hdf5().H5Pclose);
    hdf5().H5Pset_vlen_mem_manager(transfer, &TextMemory::give, &texts, &TextMemory::keep, &texts);
    if (hdf5().H5Dread(set, type, H5S_ALL, H5S_ALL, transfer, bytes.data()) < 0) {
      if (texts.full)
        throw ResourceError(where, fmt::format("its texts hold more than {} GB", TextMemory::kMost >> 30));
      throw DataError(
          where, fmt::format("the {} rows that it claims cannot be read; the file is damaged or lies", rows),
          "Fetch the file again.");
    }
    std::vector<Column> columns;
    for (const RecordField& field : fields)
      columns.push_back(record_column(field, bytes.data() + field.offset, stride, rows, where));
    return columns;
  }

 private:
  // pandas keeps names and kinds of columns in pickled attributes, which run code when they are read.
  void refuse_pandas(const std::vector<std::string>& names) const {
    for (const std::string& name : names)
      if (name.ends_with("/block0_values") || name.ends_with("/_i_table") || name.ends_with("/axis0"))
        throw DataError(
            path_,
            fmt::format("was written by pandas' to_hdf, which pickles names and kinds of columns ({})", name),
            "Write it as frame.to_parquet(...) or frame.to_csv(...).");
  }

  static RecordField field_of(hid_t type, std::string name, std::size_t offset) {
    RecordField field{.name = std::move(name), .kind = 0, .size = hdf5().H5Tget_size(type), .offset = offset};
    switch (hdf5().H5Tget_class(type)) {
      case H5T_INTEGER:
        field.kind = hdf5().H5Tget_sign(type) == H5T_SGN_2 ? 'i' : 'u';
        break;
      case H5T_FLOAT:
        field.kind = 'f';
        break;
      case H5T_STRING:
        field.kind = hdf5().H5Tis_variable_str(type) > 0 ? 'p' : 'S';
        break;
      case H5T_ENUM: {  // a boolean, as h5py writes it
        std::int8_t value = 0;
        const bool two = hdf5().H5Tget_nmembers(type) == 2 && hdf5().H5Tget_size(type) == 1;
        if (two && hdf5().H5Tenum_valueof(type, "TRUE", &value) >= 0) field.kind = 'b';
        break;
      }
      default:
        break;
    }
    const bool power = field.size == 1 || field.size == 2 || field.size == 4 || field.size == 8;
    if ((field.kind == 'i' || field.kind == 'u' || field.kind == 'f') &&
        (!power || (field.kind == 'f' && field.size < 2)))
      field.kind = 0;
    return field;
  }

  static std::vector<RecordField> fields_of(hid_t type, const std::string& name, const std::string& where) {
    std::vector<RecordField> fields;
    if (hdf5().H5Tget_class(type) != H5T_COMPOUND) {
      fields.push_back(field_of(type, name, 0));
    } else {
      const int members = hdf5().H5Tget_nmembers(type);
      for (int m = 0; m < members; ++m) {
        const auto index = static_cast<unsigned>(m);
        char* text = hdf5().H5Tget_member_name(type, index);
        std::string member = text ? text : "";
        hdf5().H5free_memory(text);
        const Handle of(hdf5().H5Tget_member_type(type, index), hdf5().H5Tclose);
        fields.push_back(field_of(of, std::move(member), hdf5().H5Tget_member_offset(type, index)));
      }
    }
    for (const RecordField& field : fields)
      if (field.kind == 0)
        throw DataError(where,
                        fmt::format("field '{}' holds what no cell can (arrays, references or records)",
                                    printable(field.name)),
                        "Numbers, booleans and texts are read.");
    return fields;
  }

  [[noreturn]] void damaged(std::string_view why) const {
    throw DataError(path_, fmt::format("the HDF5 data are damaged ({})", why), "Fetch the file again.");
  }
  static ElementClass type_of(hid_t set) {
    const Handle type(hdf5().H5Dget_type(set), hdf5().H5Tclose);
    if (type < 0) return {};
    return {hdf5().H5Tget_class(type), hdf5().H5Tget_size(type), hdf5().H5Tget_sign(type) == H5T_SGN_2};
  }
  std::vector<std::int64_t> dims_of(hid_t set, const std::string& name) const {
    const Handle space(hdf5().H5Dget_space(set), hdf5().H5Sclose);
    const int axes = space < 0 ? -1 : hdf5().H5Sget_simple_extent_ndims(space);
    if (axes < 0 || axes > H5S_MAX_RANK) damaged(name + " has no shape");
    std::vector<hsize_t> lengths(static_cast<std::size_t>(axes));
    if (axes > 0) hdf5().H5Sget_simple_extent_dims(space, lengths.data(), nullptr);
    return {lengths.begin(), lengths.end()};
  }
  // Gzip, the densest of its filters, makes a byte of at most 1032.
  void check_claim(const std::vector<std::int64_t>& dims, std::size_t size, const std::string& where) const {
    constexpr double kMostRatio = 1040;
    std::error_code error;
    const auto held = static_cast<double>(std::filesystem::file_size(path_, error));
    double claimed = static_cast<double>(size);
    for (const std::int64_t d : dims) claimed *= static_cast<double>(d);
    if (claimed > kMostRatio * held)
      throw DataError(where,
                      fmt::format("claims {} numbers of {} byte{}, more than a file of {:.0f} bytes can hold",
                                  shape_text(dims), size, size == 1 ? "" : "s", held),
                      "Fetch the file again.");
  }

  std::string path_;
  Handle file_;
};

}  // namespace

Tensor hdf5_array(const std::string& path, const std::string& name) {
  const std::lock_guard lock(one_at_a_time());
  return Hdf5File(path).read(name);
}

ReadResult read_hdf5(const std::string& path, const ReadOptions& options) {
  if (path == "-") throw UsageError("hdf5", "needs a file; standard input cannot be read at any place");
  std::string sha256;
  {
    const InputBytes input = open_input(path, {}, options.stop);
    if (input.encoding() != "plain")
      throw DataError(path, fmt::format("is HDF5 packed as {}", input.encoding()), "Unpack it first.");
    if (options.sha256) sha256 = sha256_hex(input.bytes());
  }
  const std::lock_guard lock(one_at_a_time());
  Hdf5File file(path);
  ReadResult result = table_of_arrays(file, path, options);
  result.sha256 = sha256;
  return result;
}

const Reader kHdf5Reader = {
    .name = "hdf5",
    .doc =
        "Arrays in HDF5: records, columns of one length, or "
        "hdf5:cats.h5?inputs=train_set_x&targets=train_set_y.",
    .sniff = [](std::string_view bytes) { return bytes.starts_with("\x89HDF\r\n\x1a\n"); },
    .read = &read_hdf5,
    .arguments = {"inputs", "targets"},
};

}  // namespace cairn
