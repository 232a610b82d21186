#include "recipes/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/hash.h"
#include "cairn/base/suggest.h"
#include "cairn/image/picture.h"

namespace cairn::recipes {
namespace {

double parse(std::string_view text) {
  if (text.starts_with("+")) text.remove_prefix(1);
  double value = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || at != text.data() + text.size())
    throw InternalError("recipe", fmt::format("'{}' is not a number the course could print", text));
  return value;
}

// Half a unit of the last digit that stands in `text`: "7.93e4" is exact to 0.005e4.
double half_unit(std::string_view text) {
  const auto e = text.find_first_of("eE");
  const std::string_view mantissa = text.substr(0, e);
  const double exponent = e == std::string_view::npos ? 0 : parse(text.substr(e + 1));
  const auto point = mantissa.find('.');
  const double digits =
      point == std::string_view::npos ? 0 : static_cast<double>(mantissa.size() - point - 1);
  return 0.5 * std::pow(10.0, exponent - digits);
}

}  // namespace

Check printed(std::string what, double ours, std::string course) {
  // Beyond half a unit of the last printed digit only what f64 cannot keep: prints of 16 and 17 digits end in
  // the rounding of one exp and one order of summation. 14 digits always hold.
  constexpr double kRounding = 1e-14;
  const double expected = parse(course);
  const double allowed = half_unit(course) * (1 + 1e-9) + kRounding * std::abs(expected);
  const bool met = std::abs(ours - expected) <= allowed;
  return {std::move(what), ours, std::move(course), met};
}

Check level(std::string what, double ours, std::string bar) {
  bool met = false;
  if (bar.starts_with(">= "))
    met = ours >= parse(bar.substr(3));
  else if (bar.starts_with("<= "))
    met = ours <= parse(bar.substr(3));
  else {
    const auto sign = bar.find(" +- ");
    if (!bar.starts_with("about ") || sign == std::string::npos)
      throw InternalError("recipe", fmt::format("'{}' is no level", bar));
    met = std::abs(ours - parse(std::string_view(bar).substr(6, sign - 6))) <=
          parse(std::string_view(bar).substr(sign + 4));
  }
  return {std::move(what), ours, std::move(bar), met};
}

bool DataFolder::has(std::string_view name) const {
  std::error_code error;
  return std::filesystem::exists(path_ + "/" + std::string(name), error);
}

std::string DataFolder::file(std::string_view name) const {
  const std::string path = path_ + "/" + std::string(name);
  if (!has(name))
    throw FileError(path, "is not there; the recipe needs it",
                    "Name the folder of the course's data in CAIRN_DATA.");
  return path;
}

const Recipe& find_recipe(std::string_view name) {
  std::vector<std::string> names;
  for (const Recipe& r : all_recipes()) {
    if (name == r.name || name == r.course) return r;
    names.emplace_back(r.name);
  }
  throw UsageError("recipe", fmt::format("there is no recipe '{}'", name), suggestion(name, names));
}

bool all_met(const Outcome& outcome) { return std::ranges::all_of(outcome.checks, &Check::met); }

namespace {

Json albums_to_json(const std::vector<Album>& albums) {
  Json all = Json::array();
  for (const Album& album : albums) {
    Json pictures = Json::array();
    for (const Picture& p : album.pictures)
      pictures.push_back({{"png", base64(png_bytes(p.pixels))}, {"words", p.words}});
    all.push_back({{"title", album.title}, {"about", album.about}, {"pictures", std::move(pictures)}});
  }
  return all;
}

}  // namespace

Json to_json(const Recipe& recipe, const Outcome& outcome) {
  const auto number = [](double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); };
  Json checks = Json::array(), charts = Json::array();
  for (const Check& c : outcome.checks)
    checks.push_back({{"what", c.what}, {"ours", number(c.ours)}, {"course", c.printed}, {"met", c.met}});
  for (const Chart& c : outcome.charts) {
    Json series = Json::array();
    for (const Series& s : c.series) {
      Json points = Json::array();
      for (const auto& [x, y] : s.points) points.push_back({number(x), number(y)});
      series.push_back({{"name", s.name}, {"kind", s.kind}, {"points", std::move(points)}});
    }
    charts.push_back({{"title", c.title},
                      {"x", c.x},
                      {"y", c.y},
                      {"log_x", c.log_x},
                      {"log_y", c.log_y},
                      {"series", std::move(series)}});
  }
  return {{"recipe", recipe.name},
          {"course", recipe.course},
          {"title", recipe.title},
          {"teaches", recipe.teaches},
          {"data", recipe.data},
          {"met", all_met(outcome)},
          {"checks", std::move(checks)},
          {"charts", std::move(charts)},
          {"albums", albums_to_json(outcome.albums)},
          {"remarks", outcome.remarks}};
}

}  // namespace cairn::recipes
