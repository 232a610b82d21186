// One archived model a kind of learner and of transform, loadable for ever: tests/golden/models/<name>.cairn,
// with the rows it was asked about and what it answered in <name>.json. To add those of a new kind:
//
//   CAIRN_WRITE_GOLDEN_MODELS=1 build/dev/tests/test_contract -tc="golden models*"
//
// A file that stands is never written again: a change that can no longer read it is a break for every user's
// files.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/baseline/constant.h"
#include "tests/contract/examples.h"

using namespace cairn;
using namespace cairn::test;

namespace {

constexpr const char* kFolder = CAIRN_SOURCE_DIR "/tests/golden/models/";
constexpr double kTolerance = 1e-9;    // other instruction sets round differently
constexpr double kTolerance32 = 1e-5;  // that of a network

using Json = nlohmann::ordered_json;

// Rows with every kind of cell that a file of text can hold, and gaps.
constexpr const char* kRows =
    "amount,share,built,city,note,score\n"
    "12,0.5,2021-03-04,Bern,quiet and sunny near the lake,1.5\n"
    "7,,1999-12-31,Paris,sunny but loud at night,2\n"
    "30,0.25,,Rome,near the lake and the station,2.5\n"
    "18,0.75,2005-07-01,,a garden near the station,4\n"
    "25,0.1,2012-02-29,Bern,quiet garden sunny in summer,3\n"
    "3,0.9,2020-10-10,Rome,loud but near the lake,0.5\n";

Table read_rows(const std::string& csv, const Schema* schema) {
  ReadOptions options{.types = {{"note", ColumnKind::text}}};
  if (schema) options = {.schema = schema};
  return rows_of_text(csv, options);
}

std::string first_rows(const std::string& file, int rows) {
  std::ifstream stream(testing::shipped_data(file));
  std::string csv, line;
  for (int i = 0; i <= rows && std::getline(stream, line); ++i) csv += line + '\n';
  return csv;
}

Json number(double v) { return std::isnan(v) ? Json() : Json(v); }

// Every number of a table of numbers and categories; a sparse block is written out.
Json numbers_of(const Table& table) {
  Json columns = Json::object();
  for (const Column& c : table.columns()) {
    Json list = Json::array();
    if (c.kind() == ColumnKind::tensor) {
      const Matrix dense = c.matrix().to_rows();
      for (const double v : dense.dense().data<double>()) list.push_back(number(v));
    } else {
      for (std::int64_t r = 0; r < c.size(); ++r)
        list.push_back(c.kind() == ColumnKind::category || c.kind() == ColumnKind::text ||
                               c.kind() == ColumnKind::image
                           ? Json(c.cell(r))
                           : number(c.number_at(r)));
    }
    columns[c.name()] = std::move(list);
  }
  return columns;
}

// What a model says about its rows: its predictions, and what its transforms make of them.
Json answers(const Model& model, const std::string& csv) {
  const auto& pipeline = dynamic_cast<const PipelineModel&>(model);
  const Table rows = read_rows(csv, &pipeline.schema());
  return {{"predicted", numbers_of(model.predict(rows))},
          {"transformed", numbers_of(pipeline.transformed(rows))}};
}

void write_new(const std::string& name, const Model& model, const std::string& csv) {
  save(model, kFolder + name + ".cairn");
  write_file(kFolder + name + ".json", Json{{"rows", csv}, {"answers", answers(model, csv)}}.dump(1) + "\n");
  MESSAGE("written: " << name);
}

void check_close(const Json& got, const Json& expected, double tolerance) {
  REQUIRE(got.size() == expected.size());
  for (const auto& [column, values] : expected.items()) {
    CAPTURE(column);
    REQUIRE(got.contains(column));
    REQUIRE(got[column].size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!values[i].is_number() || !got[column][i].is_number()) {
        CHECK(got[column][i] == values[i]);
        continue;
      }
      const double v = values[i], g = got[column][i];
      CHECK(std::abs(g - v) <= tolerance * std::max(1.0, std::abs(v)));
    }
  }
}

void check_golden(const std::string& name,
                  const std::function<std::unique_ptr<Model>(std::string& csv)>& make) {
  CAPTURE(name);
  const std::string path = kFolder + name;
  if (!std::filesystem::exists(path + ".cairn")) {
    if (!std::getenv("CAIRN_WRITE_GOLDEN_MODELS")) {
      FAIL_CHECK("there is no " << path
                                << ".cairn; CAIRN_WRITE_GOLDEN_MODELS=1 writes those that are missing");
      return;
    }
    std::string csv;
    const auto model = make(csv);
    write_new(name, *model, csv);
  }
  const Json recorded = Json::parse(read_file(path + ".json"));
  const auto model = load(path + ".cairn");
  const Json now = answers(*model, recorded["rows"]);
  check_close(now["predicted"], recorded["answers"]["predicted"],
              is_network(*model) ? kTolerance32 : kTolerance);
  check_close(now["transformed"], recorded["answers"]["transformed"], kTolerance);
}

}  // namespace

TEST_CASE("golden models: one a learner") {
  for (const Case& c : mixed_cases()) {
    const std::string name = std::string("learner_") + c.entry->name;
    // The last task served stands for the learner: its model has the most parts.
    const bool last = &c == &mixed_cases().back() || (&c + 1)->entry != c.entry;
    if (last)
      check_golden(name, [&](std::string& csv) {
        csv = c.entry->accepts.tables ? first_rows("penguins.csv", 6)
                                      : text_of_pictures(c.test.features().column(std::int64_t{0}), 6);
        return c.fit();
      });
  }
}

TEST_CASE("golden models: a blend") {
  check_golden("blend", [](std::string& csv) {
    csv = first_rows("penguins.csv", 6);
    const BlendCase blend = blend_case();
    return blend.pipeline->fit(blend.of->train);
  });
}

TEST_CASE("golden models: one a transform") {
  for (const TransformEntry& entry : builtin_registry().transforms)
    check_golden(std::string("transform_") + entry.name, [&](std::string& csv) -> std::unique_ptr<Model> {
      if (std::string_view(entry.name) == "pixels") {
        const Dataset pictures = picture_example(Task::binary);
        csv = text_of_pictures(pictures.features().column(std::int64_t{0}), 2);
        std::vector<std::unique_ptr<Transform>> steps;
        steps.push_back(entry.make());
        return Pipeline(std::move(steps), std::make_unique<Constant>(ConstantParams{})).fit(pictures);
      }
      csv = kRows;
      std::vector<std::unique_ptr<Transform>> steps;
      steps.push_back(entry.make());
      Roles roles{.target = "score"};
      if (steps[0]->name() == "lags") roles.time = "amount";
      if (steps[0]->name() == "pca") set_param(steps[0]->params(), "columns", "amount");  // takes no gaps
      if (steps[0]->name() == "hash") set_param(steps[0]->params(), "features", "8");
      if (steps[0]->name() == "interactions") set_param(steps[0]->params(), "folds", "2");
      const Dataset data(read_rows(csv, nullptr), {.roles = roles, .task = Task::regression});
      return Pipeline(std::move(steps), std::make_unique<Constant>(ConstantParams{})).fit(data);
    });
}
