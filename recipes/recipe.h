// The courses' exercises on real data: one file a recipe, sorted by what a person wants to do. A recipe
// computes through the library's own code and sets its numbers beside those that the course prints.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/tensor/tensor.h"

namespace cairn::recipes {

// One number of ours beside the course's.
struct Check {
  std::string what;
  double ours = 0;
  std::string printed;  // as the course prints it: "7.93e4", "0.6931471806"; or a level: ">= 0.87"
  bool met = false;
};
// Met when our number, rounded to the digits that the course prints, is the one it prints.
Check printed(std::string what, double ours, std::string course);
// Met when our number reaches a level: ">= 0.8", "<= 1.5", or "about 2.5 +- 0.1".
Check level(std::string what, double ours, std::string bar);

struct Series {
  std::string name;
  std::string kind = "line";  // "line", "points", or "bars"
  std::vector<std::pair<double, double>> points;
};
struct Chart {
  std::string title, x, y;
  std::vector<Series> series;
  bool log_x = false, log_y = false;
};

// A grid of pictures, each with its words: u8 [H, W, 1 or 3].
struct Picture {
  Tensor pixels;
  std::string words;
};
struct Album {
  std::string title, about;
  std::vector<Picture> pictures;
};

struct Outcome {
  std::vector<Check> checks;
  std::vector<Chart> charts;
  std::vector<Album> albums;         // seen on the page
  std::vector<std::string> remarks;  // sentences worth reading beside the numbers
};

// Where a recipe finds files that do not ship: the folder in CAIRN_DATA, or the one beside the source tree.
class DataFolder {
 public:
  explicit DataFolder(std::string path) : path_(std::move(path)) {}
  std::string file(std::string_view name) const;  // FileError says what is missing and how to name the folder
  bool has(std::string_view name) const;          // for what a recipe can do without, and says so

 private:
  std::string path_;
};

struct Recipe {
  const char* name;     // "house-prices-gradient-descent"
  const char* course;   // the row of the course: "M1W1-L5"
  const char* title;    // what a learner sees: "Gradient descent for one variable"
  const char* teaches;  // one or two sentences
  const char* data;     // "" when the recipe carries its own numbers
  Outcome (*run)(const DataFolder& data);
  const char* takes = "";  // "4 minutes" where a person waits for it
  // The same on fewer examples or in fewer steps, judged by bars of its own: what every run of the tests can
  // bear. Null: `run` is quick.
  Outcome (*brief)(const DataFolder& data) = nullptr;
};

std::span<const Recipe> all_recipes();  // recipes/list.cpp
const Recipe& find_recipe(
    std::string_view name);  // UsageError with the nearest name; a course row is a name too

Json to_json(const Recipe& recipe, const Outcome& outcome);
bool all_met(const Outcome& outcome);

}  // namespace cairn::recipes
