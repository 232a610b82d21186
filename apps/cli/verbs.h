// The verbs, in the order of a person's work. Each adds its flags to the program and says what it does when
// chosen.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "apps/cli/flags.h"

namespace cairn::cli {

// What a verb leaves behind when it was chosen: run() returns the exit code.
struct Verb {
  CLI::App* app = nullptr;
  std::shared_ptr<CommonFlags> common;
  std::function<int()> run;
};

Verb add_describe(CLI::App& program);
Verb add_train(CLI::App& program);
Verb add_tune(CLI::App& program);
Verb add_predict(CLI::App& program);
Verb add_evaluate(CLI::App& program);
Verb add_compare(CLI::App& program);
Verb add_explain(CLI::App& program);
Verb add_inspect(CLI::App& program);
Verb add_export(CLI::App& program);
Verb add_check(CLI::App& program);
Verb add_bench(CLI::App& program);
Verb add_list(CLI::App& program);
Verb add_recipe(CLI::App& program);
Verb add_help(CLI::App& program);

}  // namespace cairn::cli
