// The data that learners are tried on, and every pair of a learner and a task it serves.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cairn/base/random.h"
#include "cairn/builtin/registry.h"
#include "cairn/data/csv.h"
#include "cairn/data/split.h"
#include "cairn/model/blend.h"
#include "cairn/model/evaluate.h"
#include "cairn/model/pipeline.h"
#include "tests/support/shared_data.h"

namespace cairn::test {

struct Example {
  const char* name;  // what LearnerEntry::example_* say
  const char* file;
  const char* target;
};
inline constexpr Example kExamples[] = {{"penguins", "penguins.csv", "species"},
                                        {"penguins_mass", "penguins.csv", "body_mass_g"},
                                        {"iris", "iris.csv", "species"},
                                        {"wine", "wine.csv", "cultivar"},
                                        {"breast_cancer", "breast_cancer.csv", "diagnosis"},
                                        {"diabetes", "diabetes.csv", "progression"}};

inline constexpr const char* kPictures = "bars";  // made here: for learners that take pictures only

// Pictures 6 x 6 of a bright bar on a dark, noisy ground: lying, standing or slanted.
inline Dataset picture_example(Task task) {
  constexpr std::int64_t kSide = 6, kRows = 160;
  const int classes = task == Task::binary ? 2 : 3;
  Tensor pixels = Tensor::empty({kRows, kSide, kSide, 1}, DType::u8);
  auto to = pixels.mutable_data<std::uint8_t>();
  std::vector<std::optional<std::string>> labels;
  Random random(3, "bars");
  for (std::int64_t r = 0; r < kRows; ++r) {
    const int kind = static_cast<int>(r) % classes;
    const auto place = static_cast<std::int64_t>(random.below(kSide));
    for (std::int64_t y = 0; y < kSide; ++y)
      for (std::int64_t x = 0; x < kSide; ++x) {
        const bool on = kind == 0 ? y == place : kind == 1 ? x == place : (x + y) % kSide == place;
        to[static_cast<std::size_t>((r * kSide + y) * kSide + x)] =
            static_cast<std::uint8_t>((on ? 160 : 0) + random.below(80));
      }
    labels.emplace_back(kind == 0 ? "lying" : kind == 1 ? "standing" : "slanted");
  }
  return Dataset(Table({Column::image("image", pixels), Column::category_of("bar", labels)}),
                 {.roles = {.target = "bar"}, .task = task});
}

// Pictures as text, for the rows that stand beside a golden model: "pictures 2 6 6 1" and two hexadecimal
// digits a byte.
inline std::string text_of_pictures(const Column& column, std::int64_t rows) {
  const Shape& shape = column.values().shape();
  std::string text = "pictures " + std::to_string(rows) + " " + std::to_string(shape[1]) + " " +
                     std::to_string(shape[2]) + " " + std::to_string(shape[3]) + "\n";
  for (std::int64_t r = 0; r < rows; ++r)
    for (const char c : column.picture_bytes(r)) {
      text += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
      text += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
    }
  return text + "\n";
}

inline Table pictures_of_text(const std::string& text) {
  std::istringstream stream(text);
  std::string word, digits;
  std::int64_t n = 0, h = 0, w = 0, c = 0;
  stream >> word >> n >> h >> w >> c >> digits;
  Tensor pixels = Tensor::empty({n, h, w, c}, DType::u8);
  auto to = pixels.mutable_data<std::uint8_t>();
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] = static_cast<std::uint8_t>(std::stoi(digits.substr(2 * i, 2), nullptr, 16));
  return Table({Column::image("image", pixels)});
}

// The rows beside a golden model: a table in CSV, or pictures.
inline Table rows_of_text(const std::string& text, const ReadOptions& options) {
  return text.starts_with("pictures ") ? pictures_of_text(text) : read_csv_text(text, "rows", options).table;
}

inline bool has_example(const std::string& name) {
  return name == kPictures ||
         std::ranges::any_of(kExamples, [&](const Example& e) { return name == e.name; });
}

// For a binary task an example of more classes keeps the rows of its first two.
inline Dataset example(const std::string& name, Task task) {
  if (name == kPictures) return picture_example(task);
  const auto* it = std::ranges::find_if(kExamples, [&](const Example& e) { return name == e.name; });
  if (it == std::end(kExamples)) throw std::runtime_error("there is no example " + name);
  Table table = read_csv(testing::shipped_data(it->file)).table;
  if (task == Task::binary) {
    const Column& target = table.column(it->target);
    std::vector<std::int64_t> rows;
    for (std::int64_t r = 0; r < target.size(); ++r)
      if (!target.is_missing(r) && target.codes()[static_cast<std::size_t>(r)] < 2) rows.push_back(r);
    table = table.select(rows);
  }
  return Dataset(table, {.roles = {.target = it->target}, .task = task});
}

// A learner at one task, with its declared example cut into training and test rows.
struct Case {
  const LearnerEntry* entry = nullptr;
  Task task = Task::regression;
  Dataset train, test;
  double required = 0;  // r2 or accuracy on the test rows

  std::string text() const { return std::string(entry->name) + ", " + name_of(task); }
  std::unique_ptr<Pipeline> pipeline(const Dataset& data) const {
    return prepare(entry->make(), *entry, data, builtin_registry());
  }
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {.seed = 1}) const {
    return pipeline(data)->fit(data, context);
  }
  std::unique_ptr<Model> fit() const { return fit(train); }
};

inline std::pair<Dataset, Dataset> train_and_test(const Dataset& data) {
  const Split parts = split(data, {.test = 0.25, .seed = 7});
  return {data.select(parts.train), data.select(parts.test)};
}

inline Case make_case(const LearnerEntry& entry, Task task, const std::string& example_name,
                      double required) {
  auto [train, test] = train_and_test(example(example_name, task));
  return {&entry, task, std::move(train), std::move(test), required};
}

// Every learner at every task that it serves, on its declared example.
inline const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> list;
    for (const LearnerEntry& e : builtin_registry().learners)
      for (const Task task : {Task::regression, Task::binary, Task::multiclass}) {
        if (!e.serves(task)) continue;
        std::string name = task == Task::regression ? e.example_regression : e.example_classification;
        if (task == Task::multiclass && name == "breast_cancer")
          name = "penguins";  // it has two classes only
        list.push_back(
            make_case(e, task, name, task == Task::regression ? e.example_r2 : e.example_accuracy));
      }
    return list;
  }();
  return all;
}

// The same on penguins: numbers, text columns and missing values. Learners of pictures stay with theirs.
inline const std::vector<Case>& mixed_cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> list;
    for (const Case& c : cases())
      list.push_back(make_case(*c.entry, c.task,
                               !c.entry->accepts.tables     ? kPictures
                               : c.task == Task::regression ? "penguins_mass"
                                                            : "penguins",
                               0));
    return list;
  }();
  return all;
}

// Two learners in one, on penguins: what select_learner() makes of several.
struct BlendCase {
  std::unique_ptr<Pipeline> pipeline;
  const Case* of = nullptr;  // its rows
};
inline BlendCase blend_case() {
  std::vector<std::shared_ptr<const Pipeline>> members;
  BlendCase blend;
  for (const Case& c : mixed_cases()) {
    const std::string name = c.entry->name;
    if (c.task != Task::regression || (name != "ridge" && name != "decision_tree")) continue;
    blend.of = &c;
    members.emplace_back(c.pipeline(c.train));
  }
  blend.pipeline =
      std::make_unique<Pipeline>(std::vector<std::unique_ptr<Transform>>{},
                                 std::make_unique<Blend>(members, std::vector{0.25, 0.75},
                                                         std::vector<std::string>{"ridge", "decision_tree"}));
  return blend;
}

// What the learner itself sees: the training data after the transforms that prepare() puts before it.
inline Dataset transformed(const Case& c, const Dataset& data) {
  const auto model = c.fit(data);
  return data.with_features(dynamic_cast<const PipelineModel&>(*model).transformed(data.features()));
}

inline double score(const Model& model, const Dataset& data) {
  const Judged judged = judge(model, data);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  return metric(data.task() == Task::regression ? "r2" : "accuracy").compute(judged.view()).value_or(nan);
}

// Every number that a prediction holds, class codes included.
inline std::vector<double> prediction_numbers(const Table& predicted) {
  std::vector<double> all;
  for (const Column& c : predicted.columns())
    for (std::int64_t r = 0; r < c.size(); ++r)
      all.push_back(c.kind() == ColumnKind::category ? c.codes()[static_cast<std::size_t>(r)]
                                                     : c.number_at(r));
  return all;
}

inline bool all_finite(const Table& predicted) {
  return std::ranges::all_of(prediction_numbers(predicted), [](double v) { return std::isfinite(v); });
}

// The largest difference of the numbers predicted (not of the decisions, which may flip at a tie): in units
// of `scale` for values, as it is for probabilities.
inline double prediction_difference(const Table& a, const Table& b, double scale) {
  double largest = 0;
  for (const Column& c : a.columns()) {
    if (c.kind() == ColumnKind::category) continue;
    for (std::int64_t r = 0; r < c.size(); ++r)
      largest = std::max(largest, std::abs(c.number_at(r) - b.column(c.name()).number_at(r)));
  }
  return largest / scale;
}

// The spread of a regression's target; 1 for classes.
inline double target_scale(const Dataset& data) {
  if (data.task() != Task::regression) return 1;
  const auto y = data.target_values();
  const auto [low, high] = std::ranges::minmax_element(y);
  return *high - *low;
}

// Networks compute in f32: their answers agree to fewer digits.
inline bool is_network(const Model& fitted) {
  return dynamic_cast<const PipelineModel&>(fitted).model().kind().ends_with("network");
}

}  // namespace cairn::test
