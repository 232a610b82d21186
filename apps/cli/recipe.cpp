#include "recipes/recipe.h"

#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "apps/cli/terminal.h"
#include "apps/cli/verbs.h"
#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/base/suggest.h"
#include "cairn/report/report.h"

namespace cairn::cli {
namespace {

struct RecipeFlags {
  std::string action, name, html;
};

std::string data_folder() {
  const char* set = std::getenv("CAIRN_DATA");
  return set != nullptr && set[0] != '\0' ? set : "../shared/data";
}

int list_recipes(const CommonFlags& common) {
  Json list = Json::array();
  for (const recipes::Recipe& r : recipes::all_recipes()) {
    list.push_back({{"name", r.name},
                    {"course", r.course},
                    {"title", r.title},
                    {"teaches", r.teaches},
                    {"data", r.data},
                    {"takes", r.takes}});
    if (!common.json)
      fmt::print("{:<34} {:<10} {}{}{}\n", r.name, r.course, r.title,
                 r.data[0] ? fmt::format(" [needs {}]", r.data) : "",
                 r.takes[0] ? fmt::format(" [takes {}]", r.takes) : "");
  }
  if (common.json) fmt::print("{}\n", list.dump(2));
  return 0;
}

int run_one(const RecipeFlags& flags, const CommonFlags& common) {
  const recipes::Recipe& recipe = recipes::find_recipe(flags.name);
  const recipes::Outcome outcome = recipe.run(recipes::DataFolder(data_folder()));
  const Json result = to_json(recipe, outcome);
  const bool met = all_met(outcome);
  if (!flags.html.empty()) write_file(flags.html, recipe_html(result));
  if (common.json)
    fmt::print("{}\n", result.dump(2));
  else
    fmt::print("{}", recipe_text(result, use_colour(), terminal_width()));
  if (met) return 0;
  if (!common.json)
    print_error(FitError(recipe.name, "a number differs from the course's"), false);  // else "met" says so
  return static_cast<int>(ErrorKind::run_failed);
}

int run_recipe(const RecipeFlags& flags, const CommonFlags& common) {
  if (flags.action == "list" && !flags.html.empty())
    throw UsageError("--html", "belongs to `recipe run NAME`");
  if (flags.action == "run" && flags.name.empty())
    throw UsageError("recipe", "no recipe was named", "cairn recipe list shows them.");
  if (flags.action == "list") return list_recipes(common);
  if (flags.action == "run") return run_one(flags, common);
  const std::vector<std::string> known{"list", "run"};
  throw UsageError("recipe", fmt::format("'{}' is neither list nor run", flags.action),
                   suggestion(flags.action, known));
}

}  // namespace

Verb add_recipe(CLI::App& program) {
  auto* app = program.add_subcommand("recipe", "the courses' exercises, their printed numbers beside ours");
  app->footer("Example: cairn recipe run gradient-descent-one-variable");
  auto flags = std::make_shared<RecipeFlags>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("ACTION", flags->action, "list, or run NAME")->required();
  app->add_option("NAME", flags->name, "a recipe or a course row, such as M1W1-L5");
  app->add_option("--html", flags->html, "write a page with the pictures");
  add_common(*app, *common);
  return {app, common, [=] { return run_recipe(*flags, *common); }};
}

}  // namespace cairn::cli
