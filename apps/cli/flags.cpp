#include "apps/cli/flags.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/base/isa.h"
#include "cairn/base/suggest.h"

namespace cairn::cli {
namespace {

std::string flag_of(const std::string& name) {
  std::string flag = "--" + name;
  std::ranges::replace(flag, '_', '-');
  return flag;
}

StopSource interrupt_source;

extern "C" void on_interrupt(int) {
  static volatile std::sig_atomic_t times = 0;
  times = times + 1;
  constexpr int kInterruptedWithoutSaving = 130;
  if (times > 1) ::_exit(kInterruptedWithoutSaving);
  interrupt_source.request();
  constexpr char kText[] = "\nstopping; press Ctrl-C again to leave at once\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kText, sizeof kText - 1);
}

}  // namespace

void add_common(CLI::App& verb, CommonFlags& flags) {
  verb.add_flag("--json", flags.json, "print exactly one JSON object on standard output")->group("Common");
  verb.add_flag("--quiet", flags.quiet, "no progress and no remarks")->group("Common");
  verb.add_option("--threads", flags.threads, "threads to use; default: all cores")
      ->check(CLI::Range(1, 1024))
      ->group("Common");
  // Verbs that read data and train declare these two with their parameters.
  if (!verb.get_option_no_throw("--isa"))
    verb.add_option("--isa", flags.isa,
                    "the widest instruction set to use, such as avx2; default: what there is")
        ->group("Common");
  if (!verb.get_option_no_throw("--max-memory"))
    verb.add_option("--max-memory", flags.max_memory, "refuse to use more memory than this, such as 8G")
        ->group("Common");
  verb.allow_extras();
}

void add_params(CLI::App& verb, const ParamsView& params) {
  for (const Param& p : *params.list) {
    const ParamValue value = p.get(params.object);
    std::string help = p.doc;
    if (p.type == ParamType::choice) help += fmt::format(" ({})", p.allowed());
    if (const std::string text = to_text(value); !text.empty() && p.type != ParamType::boolean)
      help += fmt::format(" [{}]", text);
    const auto set = [params, name = p.name](const std::string& text) {
      set_param(params, name, text);
      return true;
    };
    if (p.type == ParamType::boolean) {
      verb.add_flag_callback(flag_of(p.name), [set] { set("true"); }, help);
    } else {
      auto* option = verb.add_option_function<std::vector<std::string>>(
          flag_of(p.name),
          [set](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) set(text);
          },
          help);
      option->type_name(p.type == ParamType::integer || p.type == ParamType::number ? "N" : "TEXT")
          ->expected(1)
          ->allow_extra_args(false);
      option->multi_option_policy(p.type == ParamType::list ? CLI::MultiOptionPolicy::TakeAll
                                                            : CLI::MultiOptionPolicy::Throw);
    }
  }
}

void refuse_leftovers(const CLI::App& verb) {
  const auto left = verb.remaining();
  if (left.empty()) return;
  std::vector<std::string> known;
  for (const CLI::Option* option : verb.get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  const std::string flag = left[0].substr(0, left[0].find('='));
  if (flag.starts_with("-") && flag.size() > 1)
    throw UsageError(verb.get_name(), fmt::format("there is no flag '{}'", flag), suggestion(flag, known));
  throw UsageError(verb.get_name(), fmt::format("'{}' is one word too many", left[0]),
                   fmt::format("cairn {} --help shows what it takes.", verb.get_name()));
}

namespace {

// What follows `flag` on the command line, as "--flag value" or "--flag=value"; the last one counts.
std::string value_of(int argc, char** argv, std::string_view flag) {
  std::string value;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == flag && i + 1 < argc) value = argv[i + 1];
    if (word.starts_with(flag) && word.size() > flag.size() && word[flag.size()] == '=')
      value = word.substr(flag.size() + 1);
  }
  return value;
}

std::string isa_of_config(int argc, char** argv) {
  std::string path = value_of(argc, argv, "--config");
  if (const std::string folder = value_of(argc, argv, "--resume"); !folder.empty())
    path = folder + "/config.json";
  std::error_code error;
  if (path.empty() || !std::filesystem::is_regular_file(path, error)) return "";
  const Json config = Json::parse(read_file(path), nullptr, false);  // what is wrong with it is told later
  const auto train = config.is_object() ? config.find("train") : config.end();
  if (train == config.end() || !train->is_object()) return "";
  const auto isa = train->find("isa");
  return isa != train->end() && isa->is_string() ? isa->get<std::string>() : "";
}

bool stands(const EnvironmentValue& wanted) {
  const char* set = std::getenv(wanted.name.c_str());
  return set != nullptr && wanted.value == set;
}

}  // namespace

void keep_to_isa(int argc, char** argv) {
  std::string isa = value_of(argc, argv, "--isa");
  if (isa.empty()) isa = isa_of_config(argc, argv);
  if (isa.empty()) return;
  restrict_instruction_set(isa);
  const std::vector<EnvironmentValue> wanted = isa_environment(isa);
  if (std::ranges::all_of(wanted, stands)) return;
  for (const EnvironmentValue& v : wanted) ::setenv(v.name.c_str(), v.value.c_str(), 1);
  ::execv("/proc/self/exe", argv);
  throw NotSupported("--isa", fmt::format("this process cannot be started again: {}", std::strerror(errno)),
                     fmt::format("Set {}={} yourself.", wanted[0].name, wanted[0].value));
}

StopToken stop_on_interrupt() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  return interrupt_source.token();
}

}  // namespace cairn::cli
