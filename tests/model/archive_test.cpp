#include "cairn/model/archive.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/model/numeric.h"

using namespace cairn;

namespace {

// The smallest model there is: predicts intercept + weights . x.
class ToyModel : public NumericModel {
 public:
  ToyModel() = default;
  ToyModel(const NumericData& data, Tensor weights) : NumericModel(data), weights_(std::move(weights)) {}
  std::string_view kind() const override { return "toy"; }
  void compute(const Matrix& x, std::span<double> out) const override {
    std::vector<double> row(static_cast<std::size_t>(x.columns()));
    for (std::int64_t r = 0; r < x.rows(); ++r) {
      x.tile(r, r + 1, row.data());
      out[static_cast<std::size_t>(r)] = limit_ > 0 ? weights_.item({0}) * row[0] : 0;
    }
  }

 protected:
  void visit_members(Visitor& v) override {
    v.tensor("weights", weights_);
    v.value("limit", limit_);
  }

 private:
  Tensor weights_;
  double limit_ = INFINITY;
};

Registry registry() {
  Registry r;
  r.learners.push_back({.name = "toy", .doc = "a toy", .blank = &make_blank<ToyModel>, .model_kind = "toy"});
  return r;
}

std::unique_ptr<Model> toy() {
  NumericData data;
  data.feature_names = {"x"};
  auto model = std::make_unique<ToyModel>(data, Tensor::from(std::vector<double>{2.5}));
  model->set_card({.task = "regression", .target = "y", .notes = "Grüße"});
  return model;
}

std::string message_of(std::string_view bytes) {
  try {
    model_from_bytes(bytes, "m.cairn", registry());
  } catch (const ModelFileError& e) {
    return e.what();
  }
  return "(read)";
}

std::string with_header(const std::string& header, const std::string& data = "") {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 255);
  return bytes + header + data;
}

}  // namespace

TEST_CASE("a saved model predicts the same, and the same model has the same bytes") {
  const auto model = toy();
  const std::string bytes = to_bytes(*model);
  CHECK(bytes == to_bytes(*model));
  const auto loaded = model_from_bytes(bytes, "m.cairn", registry());
  CHECK(to_bytes(*loaded) == bytes);
  CHECK(loaded->card().notes == "Grüße");
  const Table x({Column::number("x", Tensor::from(std::vector<double>{1, -2}))});
  CHECK(loaded->predict(x).column("prediction").number_at(1) == -5);
}

TEST_CASE("a file cut short at any length is refused") {
  const std::string bytes = to_bytes(*toy());
  for (std::size_t n = 0; n < bytes.size(); ++n) CHECK(message_of(bytes.substr(0, n)) != "(read)");
  CHECK(message_of(bytes + "x") != "(read)");
}

TEST_CASE("a flipped bit anywhere is noticed") {
  const std::string bytes = to_bytes(*toy());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    CHECK(message_of(damaged) != "(read)");
  }
}

TEST_CASE("files that lie are refused with the reason, before memory is taken") {
  CHECK(message_of("") == "m.cairn: is not a model file: it has 0 bytes");
  CHECK(message_of(std::string("\0\0\0\0\0\0\0\x10{}", 10))
            .find("claims a header of 1152921504606846976 bytes") != std::string::npos);
  CHECK(message_of(with_header("not json")).find("its header is not JSON") != std::string::npos);
  CHECK(
      message_of(with_header(R"({"a":{"dtype":"F64","shape":[1152921504606846976,8],"data_offsets":[0,8]}})",
                             "12345678"))
          .find("do not fit its shape") != std::string::npos);
  CHECK(message_of(
            with_header(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[8,16]}})", "1234567812345678"))
            .find("gap or an overlap") != std::string::npos);
  CHECK(
      message_of(
          with_header(
              R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})",
              "12345678"))
          .find("names 'a' twice") != std::string::npos);
  CHECK(message_of(with_header(R"({"a":{"dtype":"F64","shape":[-1],"data_offsets":[0,8]}})", "12345678"))
            .find("no whole number") != std::string::npos);
  CHECK(message_of(with_header(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})", "12345678"))
            .find("not one that cairn wrote") != std::string::npos);
}

TEST_CASE("inspect reads any safetensors file without building anything") {
  const auto folder = std::filesystem::temp_directory_path() / "cairn_archive_test";
  std::filesystem::create_directories(folder);
  const std::string own = (folder / "own.cairn").string(), other = (folder / "other.safetensors").string();
  save(*toy(), own);
  const Json found = inspect(own);
  CHECK(found["kind"] == "toy");
  CHECK(found["intact"] == true);
  CHECK(found["tensors"][0]["name"] == "weights");
  write_file(other, with_header(R"({"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})", "1234"));
  CHECK(inspect(other)["writer"] == "another program");
  CHECK(inspect(other)["tensors"][0]["dtype"] == "BF16");
  CHECK_THROWS_AS(inspect((folder / "absent").string()), FileError);
  std::filesystem::remove_all(folder);
}
