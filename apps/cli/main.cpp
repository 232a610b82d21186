#include <fmt/format.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "apps/cli/terminal.h"
#include "apps/cli/verbs.h"
#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/base/isa.h"
#include "cairn/base/parallel.h"
#include "cairn/base/suggest.h"
#include "cairn/base/version.h"
#include "cairn/run/quantities.h"

namespace cairn::cli {
namespace {

std::string version_text() {
  return fmt::format("cairn {} ({}; {}; {}, OpenBLAS, Highway)", version(), build(), instruction_set(),
                     scheduler());
}

bool wants_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (std::string_view(argv[i]) == "--json") return true;
  return false;
}

void check_verb(const CLI::App& program, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* verb : program.get_subcommands({})) names.push_back(verb->get_name());
  if (word.starts_with("-") || std::ranges::find(names, word) != names.end()) return;
  throw UsageError("cairn", fmt::format("there is no verb '{}'", word), suggestion(word, names));
}

// Freed columns go back to the system at once. Left to itself the C library keeps ever larger blocks, with
// the first large one that is freed, and a tenth of a big table's memory lies idle in between.
void give_large_blocks_back() {
#ifdef __GLIBC__
  constexpr int kLarge = 1 << 20;
  mallopt(M_MMAP_THRESHOLD, kLarge);
  mallopt(M_TRIM_THRESHOLD, kLarge);  // which the other would freeze at 128 KiB
#endif
}

int run(int argc, char** argv) {
  give_large_blocks_back();
  keep_to_isa(argc, argv);
  CLI::App program{"Machine learning, from a table to a tested, explained, saved model.", "cairn"};
  program.set_version_flag("--version", version_text());
  program.require_subcommand(0, 1);
  program.get_formatter()->column_width(34);
  std::vector<Verb> verbs{add_describe(program), add_train(program),    add_tune(program),
                          add_predict(program),  add_evaluate(program), add_compare(program),
                          add_explain(program),  add_inspect(program),  add_export(program),
                          add_check(program),    add_bench(program),    add_list(program),
                          add_recipe(program),   add_help(program)};
  if (argc > 1) check_verb(program, argv[1]);
  program.add_option("--isa", "the widest instruction set to use");  // read by keep_to_isa
  try {
    program.parse(argc, argv);
  } catch (const CLI::CallForHelp& e) {
    return program.exit(e);
  } catch (const CLI::CallForVersion& e) {
    return program.exit(e);
  } catch (const CLI::ParseError& e) {
    throw UsageError(argc > 1 ? argv[1] : "cairn", e.what());
  }
  for (const Verb& verb : verbs) {
    if (!verb.app->parsed()) continue;
    refuse_leftovers(*verb.app);
    if (verb.common->threads > 0) set_num_threads(verb.common->threads);
    parse_bytes("--max-memory", verb.common->max_memory);  // a typing error is one for every verb
    return verb.run();
  }
  fmt::print("{}", program.help());
  return 0;
}

}  // namespace

// What still stands in the buffer reaches its place or is missed: a full disk is no success.
void finish_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  refuse_to_write("standard output", "written", errno);
}

}  // namespace cairn::cli

int main(int argc, char** argv) {
  using namespace cairn;
  const bool json = cli::wants_json(argc, argv);
  try {
    const int code = cli::run(argc, argv);
    cli::finish_output();
    return code;
  } catch (const Error& e) {
    cli::print_error(e, json);
    return e.exit_code();
  } catch (const std::bad_alloc&) {
    const ResourceError e("memory", "there is not enough of it for this work",
                          "Use fewer rows or columns, or raise --max-memory.");
    cli::print_error(e, json);
    return e.exit_code();
  } catch (const std::system_error& e) {  // what fmt throws when a stream refuses
    try {
      refuse_to_write("standard output", "written", e.code().value());
    } catch (const Error& full) {
      cli::print_error(full, false);
      return full.exit_code();
    }
  } catch (const std::exception& e) {
    const InternalError internal(
        "cairn", e.what(), "This is a defect of ours; please report it with the command that led here.");
    cli::print_error(internal, json);
    return internal.exit_code();
  }
}
