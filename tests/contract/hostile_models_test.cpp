// Model files that were damaged, or written to do harm: refused with a ModelFileError, or harmless.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "tests/contract/examples.h"
#include "tests/support/model_file.h"

using namespace cairn;
using namespace cairn::test;

namespace {

using Json = ModelFile::Json;

std::unique_ptr<Model> read(const std::string& bytes) {
  return model_from_bytes(bytes, "model.cairn", builtin_registry());
}

// Why the file is refused; "" when it is not. Any other exception fails the test.
std::string refusal(const std::string& bytes) {
  try {
    read(bytes);
  } catch (const ModelFileError& e) {
    return e.what();
  }
  return {};
}

// Refused, or a model that answers with numbers or with an Error.
void check_harmless(const std::string& bytes, const Table& asked) {
  std::unique_ptr<Model> model;
  try {
    model = read(bytes);
  } catch (const ModelFileError&) {
    return;
  }
  std::string problem;
  try {
    if (!all_finite(model->predict(asked))) problem = "predicts what is no number";
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::usage || e.kind() == ErrorKind::run_failed) problem = e.what();
  }
  CHECK(problem == "");
}

struct Subject {
  std::string name, bytes;
  Table asked;
};

// One file a learner, on data with numbers, text columns and gaps, and the golden file of every transform.
const std::vector<Subject>& subjects() {
  static const auto all = [] {
    std::vector<Subject> list;
    for (const Case& c : mixed_cases())
      if (list.empty() || list.back().name != c.entry->name)
        list.push_back({c.entry->name, to_bytes(*c.fit()), c.test.features()});
    const BlendCase blend = blend_case();
    list.push_back({"blend", to_bytes(*blend.pipeline->fit(blend.of->train)), blend.of->test.features()});
    for (const TransformEntry& t : builtin_registry().transforms) {
      const std::string path = CAIRN_SOURCE_DIR "/tests/golden/models/transform_" + std::string(t.name);
      const auto model = load(path + ".cairn");
      const auto rows = Json::parse(read_file(path + ".json"))["rows"].get<std::string>();
      const ReadOptions options{.schema = &dynamic_cast<const PipelineModel&>(*model).schema()};
      list.push_back({t.name, to_bytes(*model), rows_of_text(rows, options)});
    }
    return list;
  }();
  return all;
}

bool is_learner(const std::string& name) {
  return std::ranges::any_of(builtin_registry().learners,
                             [&](const LearnerEntry& e) { return name == e.name; });
}

std::string small_file() {
  return std::ranges::min(subjects(), {}, [](const Subject& s) { return s.bytes.size(); }).bytes;
}

std::string header_alone(const std::string& header, std::uint64_t claimed) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(claimed >> (8 * i) & 255);
  return file + header;
}

std::size_t element_size(const std::string& dtype) {
  return dtype == "F64" || dtype == "I64" ? 8 : dtype == "U8" ? 1 : 4;
}

// The same tensor with one slice more or fewer along its first axis.
ModelFile::Part resized(ModelFile::Part part, int by) {
  if (part.shape.empty()) part.shape.push_back(1);
  std::int64_t inner = 1;
  for (std::size_t i = 1; i < part.shape.size(); ++i) inner *= part.shape[i];
  part.shape[0] += by;
  part.bytes.resize(static_cast<std::size_t>(part.shape[0] * inner) * element_size(part.dtype), '\0');
  return part;
}

ModelFile::Part filled(ModelFile::Part part, double value) {
  const std::size_t n = part.bytes.size() / element_size(part.dtype);
  part.bytes.clear();
  const auto put = [&](auto v) { part.bytes.append(reinterpret_cast<const char*>(&v), sizeof v); };
  for (std::size_t i = 0; i < n; ++i) {
    if (part.dtype == "F64")
      put(value);
    else if (part.dtype == "F32")
      put(static_cast<float>(value));
    else if (part.dtype == "I64")
      put(std::isnan(value) ? std::int64_t{-1} : std::int64_t{1} << 40);
    else if (part.dtype == "I32")
      put(std::isnan(value) ? std::int32_t{-1} : std::int32_t{1} << 30);
    else
      put(std::uint8_t{255});
  }
  return part;
}

// Every number and text that a field of this kind could be given.
std::vector<Json> strange_values(const Json& value) {
  if (value.is_boolean()) return {!value.get<bool>()};
  if (value.is_number_integer())
    return {-1, 0, 1, 7, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
  if (value.is_number()) return {-1.0, 0.0, 1e-320, 1e308, "nan", "inf", "-inf"};
  if (value.is_string()) return {"", "nonsense", std::string(100'000, 'x')};
  if (!value.is_array()) return {};
  std::vector<Json> lists{Json::array()};
  if (value.empty()) return lists;
  Json shorter = value, longer = value, repeated = value;
  shorter.erase(shorter.size() - 1);
  longer.push_back(value[0]);
  for (Json& v : repeated) v = value[0];
  lists.insert(lists.end(), {shorter, longer, repeated});
  for (const Json& v : strange_values(value[0])) {
    Json strange = value;
    strange[0] = v;
    lists.push_back(strange);
  }
  return lists;
}

}  // namespace

TEST_CASE("hostile models: cut short at every length") {
  const std::string small = small_file();
  for (std::size_t length = 0; length < small.size(); ++length)
    if (refusal(small.substr(0, length)).empty()) FAIL_CHECK("read a file cut to " << length << " bytes");
  for (const auto& [name, bytes, asked] : subjects()) {
    INFO("cut short: " << name);
    for (std::size_t i = 0; i < 50; ++i) CHECK(!refusal(bytes.substr(0, bytes.size() * i / 50)).empty());
    CHECK(!refusal(bytes.substr(0, bytes.size() - 1)).empty());
    CHECK(!refusal(bytes + '\0').empty());
  }
}

TEST_CASE("hostile models: a flipped bit anywhere") {
  const std::string small = small_file();
  for (std::size_t i = 0; i < small.size(); ++i) {
    std::string flipped = small;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    if (refusal(flipped).empty()) FAIL_CHECK("read a file with a flipped bit in byte " << i);
  }
}

TEST_CASE("hostile models: headers that lie") {
  for (const std::uint64_t claimed : {std::uint64_t{1} << 60, ~std::uint64_t{0}, std::uint64_t{100'000'001}})
    CHECK(refusal(header_alone("{}", claimed)).find("claims a header of") != std::string::npos);
  CHECK(!refusal("").empty());
  CHECK(!refusal(header_alone("{}", 2)).empty());
  CHECK(!refusal(header_alone("[1]", 3)).empty());
  const std::string seal(32, '\0');
  const std::string huge =
      R"({"w":{"dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,8]},"__metadata__":{"cairn":"{}"}})";
  CHECK(!refusal(ModelFile::sealed(huge, seal)).empty());
  const std::string wraps = R"({"w":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]}})";
  CHECK(!refusal(ModelFile::sealed(wraps, "")).empty());
  const std::string deep(2'000'000, '[');
  CHECK(!refusal(ModelFile::sealed(R"({"w":)" + deep, "")).empty());
  const std::string closed = std::string(200'000, '[') + std::string(200'000, ']');
  CHECK(!refusal(ModelFile::sealed(R"({"w":)" + closed + "}", "")).empty());
  const Json deep_inside{
      {"__metadata__", {{"cairn", R"({"format":1,"kind":"constant","card":{},"values":)" + closed + "}"}}},
      {"cairn.sha256", {{"dtype", "U8"}, {"shape", {32}}, {"data_offsets", {0, 32}}}}};
  CHECK(!refusal(ModelFile::sealed(deep_inside.dump(), "")).empty());
}

TEST_CASE("hostile models: another program's file, a kind and a version that are not known") {
  const std::string other = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  CHECK(refusal(header_alone(other, other.size()) + "12345678").find("not one that cairn wrote") !=
        std::string::npos);
  ModelFile file(small_file());
  file.own["format"] = 1'000'000;
  CHECK(refusal(file.bytes()).find("A newer cairn wrote it") != std::string::npos);
  file = ModelFile(small_file());
  file.own["kind"] = "crystal_ball";
  CHECK(refusal(file.bytes()).find("crystal_ball") != std::string::npos);
  file = ModelFile(small_file());
  file.own["values"]["model.kind"] = "pipeline";  // a pipeline in a pipeline has no end
  CHECK(!refusal(file.bytes()).empty());
  for (const char* field : {"format", "kind", "card", "values"}) {
    file = ModelFile(small_file());
    file.own.erase(field);
    CHECK(!refusal(file.bytes()).empty());
    file.own[field] = Json::array({1});
    CHECK(!refusal(file.bytes()).empty());
  }
}

TEST_CASE("hostile models: a tensor that is absent, too short, too long or of another type") {
  for (const auto& [name, bytes, asked] : subjects()) {
    REQUIRE(ModelFile(bytes).bytes() == bytes);
    for (std::size_t i = 0; i < ModelFile(bytes).parts.size(); ++i) {
      ModelFile file(bytes);
      const ModelFile::Part part = file.parts[i];
      INFO(name << ": tensor " << part.name);
      const auto refused_as = [&](ModelFile::Part changed) {
        file.parts[i] = std::move(changed);
        return !refusal(file.bytes()).empty();
      };
      CHECK_MESSAGE(refused_as(resized(part, +1)), "read with one more row");
      if (!part.shape.empty() && part.shape[0] > 0)
        CHECK_MESSAGE(refused_as(resized(part, -1)), "read with one row fewer");
      ModelFile::Part flat = part;
      flat.shape = {1, static_cast<std::int64_t>(part.bytes.size() / element_size(part.dtype)), 1};
      CHECK_MESSAGE(refused_as(flat), "read with other axes");
      ModelFile::Part retyped = part;
      retyped.dtype = element_size(part.dtype) == 8 ? (part.dtype == "F64" ? "I64" : "F64")
                      : part.dtype == "F32"         ? "I32"
                                                    : "F32";
      if (element_size(part.dtype) > 1) CHECK_MESSAGE(refused_as(retyped), "read with another element type");
      file.parts.erase(file.parts.begin() + static_cast<std::ptrdiff_t>(i));
      CHECK_MESSAGE(!refusal(file.bytes()).empty(), "read without it");
      for (const double strange : {std::nan(""), HUGE_VAL, 1e308}) {
        file = ModelFile(bytes);
        file.parts[i] = filled(part, strange);
        INFO("filled with " << strange);
        check_harmless(file.bytes(), asked);
      }
    }
  }
}

TEST_CASE("hostile models: a field that is absent, of another type or of a strange value") {
  std::set<std::string> seen;  // learners that store the same fields share the code that reads them
  for (const auto& [name, bytes, asked] : subjects()) {
    const ModelFile original(bytes);
    const bool first = &bytes == &subjects().front().bytes;
    std::string form;
    for (const auto& [field, value] : original.own["values"].items())
      if (field.starts_with("model.") || !is_learner(name)) form += field + value.type_name() + ' ';
    if (!seen.insert(form).second) continue;
    for (const auto& [field, value] : original.own["values"].items()) {
      // The frame around a learner is the same in every file, a transform's fields are looked at in its own.
      const bool own = field.starts_with("model.") || (field.starts_with("transform.") && !is_learner(name));
      if (!own && !first) continue;
      INFO(name << ": field " << field);
      ModelFile file = original;
      file.own["values"].erase(field);
      // Without its levels the file is that of a linear model that predicts a value, as files from before
      // are.
      if (field != "model.quantiles" || name != "quantile_regression")
        CHECK_MESSAGE(!refusal(file.bytes()).empty(), "read without it");
      file = original;
      file.own["values"][field] = Json::object();
      CHECK_MESSAGE(!refusal(file.bytes()).empty(), "read with an object in its place");
      for (const Json& strange : strange_values(value)) {
        INFO("set to " << strange.dump().substr(0, 60));
        file = original;
        file.own["values"][field] = strange;
        check_harmless(file.bytes(), asked);
      }
    }
  }
}

TEST_CASE("hostile models: classes are not turned back from a transformed target") {
  const Subject& logistic =
      *std::ranges::find(subjects(), std::string("logistic_regression"), &Subject::name);
  const auto written = builtin_registry().transform("yeo_johnson").make();
  const Dataset y(Table({Column::number("y", Tensor::from(std::vector<double>{1, 2, 4, 9}))}), {});
  auto model = read(logistic.bytes);
  dynamic_cast<PipelineModel&>(*model).set_target_transform(written->fit(y, {}));
  CHECK(refusal(to_bytes(*model)).find("turns back by 'yeo_johnson' what is no number of its target") !=
        std::string::npos);
}
