#include <doctest/doctest.h>
#include <fmt/format.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/readers/hdf5.h"
#include "cairn/readers/idx.h"
#include "cairn/readers/mat.h"
#include "cairn/readers/npy.h"
#include "cairn/readers/reader_list.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::error_text;
using cairn::testing::shared_data;
using cairn::testing::TemporaryFolder;

namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string idx_bytes(unsigned type, const std::vector<unsigned>& dims, const std::string& body) {
  std::string bytes{'\0', '\0', static_cast<char>(type), static_cast<char>(dims.size())};
  for (const unsigned d : dims)
    for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>(d >> shift);
  return bytes + body;
}

std::string npy_bytes(const std::string& header, const std::string& body) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header + body;
}

// The numbers of `values`, nested or flat, in order.
void flatten(const nlohmann::json& values, std::vector<double>& to) {
  if (values.is_array())
    for (const auto& v : values) flatten(v, to);
  else
    to.push_back(values.is_boolean() ? values.get<bool>() : values.get<double>());
}

void check_same(const Tensor& have, const nlohmann::json& wanted, const char* key = "values") {
  std::vector<std::int64_t> shape;
  for (const auto& d : wanted["shape"]) shape.push_back(d);
  CHECK(std::vector<std::int64_t>(have.shape().dims().begin(), have.shape().dims().end()) == shape);
  std::vector<double> values;
  flatten(wanted[key], values);
  const Tensor numbers = have.to(DType::f64).contiguous();
  REQUIRE(numbers.size() == std::ssize(values));
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(numbers.data<double>()[i] == values[i]);
}

const Reader* reader_of(const std::string& bytes) {
  for (const Reader& r : file_readers())
    if (r.sniff && r.sniff(bytes)) return &r;
  return nullptr;
}

}  // namespace

TEST_CASE("readers: every format is told by its content") {
  CHECK(reader_of("a,b\n1,2\n") == nullptr);
  CHECK(std::string(reader_of(idx_bytes(8, {1, 2, 2}, "abcd"))->name) == "idx");
  CHECK(std::string(reader_of(npy_bytes("{}", ""))->name) == "npy");
  const std::pair<const char*, const char*> files[] = {{"conformance/npy/deflated.npz", "npz"},
                                                       {"conformance/hdf5/sample_latest.h5", "hdf5"},
                                                       {"conformance/mat/little_endian.mat", "mat"},
                                                       {"conformance/mat/testvec_4_GLNX86.mat", "mat"},
                                                       {"conformance/mat/testdouble_4.2c_SOL2.mat", "mat"},
                                                       {"conformance/jpeg/grey.jpg", "pictures"},
                                                       {"conformance/png/basn0g01.png", "pictures"}};
  for (const auto& [file, name] : files) {
    const auto path = shared_data(file);
    if (!path) return;
    CAPTURE(file);
    const Reader* reader = reader_of(bytes_of(*path).substr(0, 1 << 16));
    REQUIRE(reader != nullptr);
    CHECK(std::string(reader->name) == name);
  }
}

TEST_CASE("idx: pictures with their labels, plain and in a folder with its test part") {
  const TemporaryFolder folder;
  folder.write("train-images-idx3-ubyte", idx_bytes(8, {3, 2, 2}, "abcdefghijkl"));
  folder.write("train-labels-idx1-ubyte", idx_bytes(8, {3}, std::string("\x00\x01\x01", 3)));
  const ReadResult one = read_idx(folder.file("train-images-idx3-ubyte"));
  CHECK(one.target == "label");
  CHECK(one.table.column("image").values().shape() == Shape{3, 2, 2, 1});
  CHECK(one.table.column("image").picture_bytes(1) == "efgh");
  CHECK(one.table.column("label").number_at(2) == 1);
  folder.write("t10k-images-idx3-ubyte", idx_bytes(8, {1, 2, 2}, "mnop"));
  folder.write("t10k-labels-idx1-ubyte", idx_bytes(8, {1}, std::string("\x00", 1)));
  const ReadResult all = read_idx(folder.path());
  CHECK(all.table.num_rows() == 3);
  REQUIRE(all.test.has_value());
  CHECK(all.test->num_rows() == 1);
  CHECK(one.sha256 != all.sha256);
}

TEST_CASE("idx: headers that lie") {
  const auto error = [](const std::string& bytes) { return error_text([&] { idx_array(bytes, "x.idx"); }); };
  CHECK(error("") == "x.idx: is empty; an IDX file was expected");
  CHECK(error("hello, world") ==
        "x.idx: is no IDX file: its first four bytes name no type of numbers and axes");
  CHECK(error(idx_bytes(8, {3, 2}, "abc")) ==
        "x.idx: its header claims 3 x 2 numbers of 1 byte, and 3 bytes follow it. "
        "Fetch it again; it was cut short or the header lies.");
  CHECK(error(idx_bytes(8, {1, 2}, "abc")) ==
        "x.idx: its header claims 1 x 2 numbers of 1 byte, and 3 bytes follow it");
  CHECK(error(idx_bytes(0x0D, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, "abcd")).find("claims 4294967295 x") !=
        std::string::npos);
  CHECK(error(idx_bytes(8, {1, 1}, "").substr(0, 9)) == "x.idx: ends within its header");
  const TemporaryFolder folder;
  folder.write("a-images-idx3-ubyte", idx_bytes(8, {2, 1, 1}, "ab"));
  folder.write("a-labels-idx1-ubyte", idx_bytes(8, {3}, "abc"));
  CHECK(error_text([&] {
          read_idx(folder.file("a-images-idx3-ubyte"));
        }).find("holds 3 labels; a-images-idx3-ubyte holds 2 pictures") != std::string::npos);
}

TEST_CASE("idx: MNIST, and the course's digits") {
  const auto mnist = shared_data("mnist"), digits = shared_data("course_ml/digits5000-images-idx3-ubyte.gz");
  if (!mnist || !digits) return;
  const ReadResult r = read_idx(*mnist, {.sha256 = false});
  CHECK(r.table.num_rows() == 60000);
  CHECK(r.test->num_rows() == 10000);
  CHECK(r.table.column("label").number_at(0) == 5);
  CHECK(read_idx(*digits).table.column("image").values().shape() == Shape{5000, 20, 20, 1});
}

TEST_CASE("npy: conformance") {
  const auto folder = shared_data("conformance/npy");
  if (!folder) return;
  const auto expected = nlohmann::json::parse(bytes_of(*folder + "/expected.json"));
  int read = 0;
  for (const auto& [name, facts] : expected.items()) {
    const std::string path = *folder + "/" + name + ".npy";
    if (!std::filesystem::exists(path)) continue;
    CAPTURE(name);
    const std::string type = facts["dtype"];
    const std::string bytes = bytes_of(path);
    if (type.find('S') != std::string::npos || type.find('U') != std::string::npos ||
        type.find('c') != std::string::npos) {
      CHECK(error_text([&] { npy_array(bytes, name); }).find("whole and floating numbers") !=
            std::string::npos);
      continue;
    }
    if (type == "<u8") {  // 2^63 among them
      CHECK(error_text([&] { npy_array(bytes, name); }).find("beyond whole numbers of 64 bits") !=
            std::string::npos);
      continue;
    }
    check_same(npy_array(bytes, name), facts);
    ++read;
  }
  CHECK(read >= 15);
  for (const char* zip : {"stored.npz", "deflated.npz"}) {
    const std::string bytes = bytes_of(*folder + "/" + zip);
    CHECK(npz_names(bytes, zip) == std::vector<std::string>{"weights", "labels", "name"});
    CHECK(npz_array(bytes, zip, "weights").shape() == Shape{3, 4});
    CHECK(npz_array(bytes, zip, "labels").dtype() == DType::i64);
    CHECK(error_text([&] { npz_array(bytes, zip, "name"); }).find("holds '<U3'") != std::string::npos);
    std::string damaged = bytes;  // within the numbers of the first array
    const std::size_t at = std::string_view(zip) == "stored.npz" ? damaged.find("\x93NUMPY") + 140 : 80;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    CHECK(error_text([&] {
            npz_array(damaged, zip, "weights");
          }).find("the zip archive is damaged or cut short") != std::string::npos);
    CHECK(error_text([&] {
            npz_names(bytes.substr(0, bytes.size() / 2), zip);
          }).find("its directory is missing") != std::string::npos);
  }
}

TEST_CASE("npy: pictures of bytes and of shares, channels first, labels") {
  const TemporaryFolder folder;
  folder.write("a.npy",
               npy_bytes("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 2), }", "abcdefgh"));
  const ReadResult r = read_npy(folder.file("a.npy"));
  CHECK(r.table.column("image").picture_bytes(1) == "efgh");
  CHECK(r.target.empty());
  const std::string half("\x00\x00\x00\x3f\x00\x00\x80\x3f", 8);  // 0.5, 1
  folder.write("b.npy", npy_bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2, 1), }", half));
  const ReadResult shares = read_npy(folder.file("b.npy"));
  CHECK(shares.table.column("image").picture_bytes(0) == std::string("\x80\xff", 2));
  folder.write("c.npy", npy_bytes("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 3, 2, 2), }",
                                  "abcdefghijkl"));
  CHECK(read_npy(folder.file("c.npy")).table.column("image").picture_bytes(0) == "aeibfjcgkdhl");
  folder.write("d.npy", npy_bytes("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), }", "abcdef"));
  CHECK(read_npy(folder.file("d.npy")).table.names() == std::vector<std::string>{"c0", "c1"});
}

TEST_CASE("npy: headers that lie") {
  const auto error = [](const std::string& bytes) { return error_text([&] { npy_array(bytes, "x.npy"); }); };
  const auto header = [](const std::string& shape, const std::string& type = "|u1") {
    return "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  };
  CHECK(error(npy_bytes(header("9,"), "abc")) ==
        "x.npy: its NPY header claims 9 numbers of 1 byte, and 3 bytes follow it. "
        "Fetch or save it again; it was cut short or the header lies.");
  CHECK(error(npy_bytes(header("4000000000, 4000000000, 4000000000"), "abc")).find("claims an array of") !=
        std::string::npos);
  CHECK(error(npy_bytes(header("-3,"), "abc")).find("is none that is read") != std::string::npos);
  CHECK(error(npy_bytes(header("1,", "<U4"), "abc")) ==
        "x.npy: holds '<U4'; whole and floating numbers and booleans are read");
  CHECK(error(npy_bytes("{}", "")) == "x.npy: its NPY header has no 'descr'");
  CHECK(error(npy_bytes(header("1,"), "a").substr(0, 30)) ==
        "x.npy: ends within its NPY header; it was cut short");
}

TEST_CASE("hdf5: conformance, both ages of the format") {
  const auto folder = shared_data("conformance/hdf5");
  if (!folder) return;
  const auto expected = nlohmann::json::parse(bytes_of(*folder + "/expected.json"));
  for (const char* file : {"sample_earliest.h5", "sample_latest.h5"}) {
    const std::string path = *folder + "/" + file;
    int read = 0;
    for (const auto& [name, facts] : expected.items()) {
      if (!facts.is_object() || !facts.contains("shape") || !facts.contains("values")) continue;
      CAPTURE(name);
      const std::string type = facts["dtype"];
      if (type.find('S') != std::string::npos || type == "object") {
        CHECK(error_text([&] { hdf5_array(path, name); }).find("numbers are read") != std::string::npos);
        continue;
      }
      check_same(hdf5_array(path, name), facts);
      ++read;
    }
    CHECK(read >= 4);
  }
}

TEST_CASE("hdf5: the course's cats, and what is said when names or data are wrong") {
  const auto cats = shared_data("course_dl/train_catvnoncat.h5");
  if (!cats) return;
  ReadOptions options{.sha256 = false};
  options.arguments = {{"inputs", "train_set_x"}, {"targets", "train_set_y"}};
  const ReadResult r = read_hdf5(*cats, options);
  CHECK(r.table.column("image").values().shape() == Shape{209, 64, 64, 3});
  CHECK(r.table.column("label").size() == 209);
  CHECK(r.target == "label");
  CHECK(read_hdf5(*cats).table.num_rows() == 209);  // told by their names
  options.arguments["inputs"] = "train_set";
  CHECK(error_text([&] {
          read_hdf5(*cats, options);
        }).find("there is no array 'train_set' (inputs). Did you mean 'train_set_") != std::string::npos);
  const TemporaryFolder folder;
  const std::string bytes = bytes_of(*cats);
  folder.write("cut.h5", bytes.substr(0, bytes.size() / 2));
  CHECK(error_text([&] { read_hdf5(folder.file("cut.h5")); }).find("damaged") != std::string::npos);
  folder.write("cut.h5", bytes.substr(0, 100));
  CHECK(error_text([&] {
          read_hdf5(folder.file("cut.h5"));
        }).find("the HDF5 data are damaged or cut short") != std::string::npos);
}

TEST_CASE("mat: conformance, versions 4 to 7") {
  const auto folder = shared_data("conformance/mat");
  if (!folder) return;
  const auto expected = nlohmann::json::parse(bytes_of(*folder + "/expected_by_scipy.json"));
  int read = 0;
  for (const auto& [file, arrays] : expected.items())
    for (const auto& [name, facts] : arrays.items()) {
      if (!facts.is_object() || !facts.contains("values_row_major")) continue;
      CAPTURE(file);
      CAPTURE(name);
      std::vector<double> ignored;
      bool numbers = true;
      for (const auto& v : facts["values_row_major"])
        numbers = numbers && (v.is_number() || v.is_boolean() || v.is_array());
      if (!numbers) continue;
      const std::string path = *folder + "/" + file + ".mat";
      const std::string error =
          error_text([&] { check_same(mat_array(path, name), facts, "values_row_major"); });
      CHECK((error.empty() || error.find("numbers are read") != std::string::npos));
      read += error.empty();
    }
  CHECK(read >= 8);
}

TEST_CASE("mat: the course's tables, and damage") {
  const auto spam = shared_data("course_ml/spamTrain.mat");
  if (!spam) return;
  const ReadResult r = read_mat(*spam);
  CHECK(r.table.num_rows() == 4000);
  CHECK(r.table.num_columns() == 1900);
  CHECK(r.target == "label");
  const TemporaryFolder folder;
  const std::string bytes = bytes_of(*spam);
  folder.write("cut.mat", bytes.substr(0, bytes.size() / 2));
  CHECK(error_text([&] { read_mat(folder.file("cut.mat")); }).find("the MATLAB data are cut short") !=
        std::string::npos);
  std::string flipped = bytes;
  flipped[2000] = static_cast<char>(flipped[2000] ^ 4);
  folder.write("flipped.mat", flipped);
  CHECK(error_text([&] { read_mat(folder.file("flipped.mat")); }).find("the MATLAB data are damaged") !=
        std::string::npos);
  folder.write("cut.mat", bytes.substr(0, 60));
  CHECK(error_text([&] { read_mat(folder.file("cut.mat")); }).find("damaged") != std::string::npos);
}

TEST_CASE("npy: a header alone claims nothing") {
  const TemporaryFolder folder;
  const auto refusal = [&](const char* shape) {
    const std::string header =
        fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': {}, }}", shape);
    folder.write("a.npy", npy_bytes(header, ""));
    const std::string said = error_text([&] { read_npy(folder.file("a.npy"), {}); });
    const auto at = said.find("a.npy");
    return at == std::string::npos ? said : said.substr(at);
  };
  CHECK(refusal("(0, 1000000000000)") == "a.npy:array: is 0 x 1000000000000 and holds no number");
  CHECK(refusal("(1000000000000000, 0)") == "a.npy:array: is 1000000000000000 x 0 and holds no number");
  CHECK(refusal("(1000000000000000, 3, 0, 5)") ==
        "a.npy:array: is 1000000000000000 x 3 x 0 x 5 and holds no number");
  CHECK(
      refusal("(1, 2000000)") ==
      "a.npy:array: has 2000000 columns; at most 1048576 are read. Rows are its first axis: was it saved the "
      "other way round?");
  const std::string record =
      "{'descr': [('d', '<M8[W]'), ('e\xff', '<f8')], 'fortran_order': False, 'shape': (1,), }";
  const std::string never("\xff\xff\xff\xff\xff\xff\xff\x7f\0\0\0\0\0\0\0\0", 16);
  folder.write("r.npy", npy_bytes(record, never));
  CHECK(error_text([&] {
          read_npy(folder.file("r.npy"), {});
        }).ends_with("row 1, column 'd': the date 9223372036854775807 is out of range"));
  folder.write("r.npy", npy_bytes(record, std::string(16, '\0')));
  CHECK(error_text([&] { read_npy(folder.file("r.npy"), {}); }).find("byte 0xff is not UTF-8") !=
        std::string::npos);
}
