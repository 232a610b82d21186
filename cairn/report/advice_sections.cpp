// What to do next, what is not worth it, what could not be examined; and the commands that use the run.
#include <fmt/format.h>

#include "cairn/report/format_internal.h"
#include "cairn/report/sections_internal.h"
#include "cairn/report/words_internal.h"

namespace cairn::report {
namespace {

void add_actions(Page& page, const Json& actions) {
  page.add("<ol class=\"actions\">\n");
  for (const Json& action : actions) {
    const Gain gain = gain_of(action);
    page.add(fmt::format("<li><div><h3>{}</h3>", escaped(text_at(action, "action"))));
    page.add("<p class=\"soft\">" + escaped(evidence_and_cost(action)) + "</p>");
    if (has(action, "command")) page.command(text_at(action, "command"));
    page.add("</div>");
    if (!gain.change.empty())
      page.add(fmt::format("<div class=\"gain{}\"><b>{}</b><span>{}</span></div>",
                           gain.proven ? "" : " unproven", escaped(gain.change), escaped(gain.interval)));
    page.add("</li>\n");
  }
  page.add("</ol>\n");
}

void add_minor(Page& page, const Json& entries, const char* heading, std::string (*name)(const Json&),
               std::string (*words)(const Json&)) {
  if (!entries.is_array() || entries.empty()) return;
  page.add(fmt::format("<h3>{}</h3>\n<dl class=\"minor\">\n", heading));
  for (const Json& entry : entries)
    page.add(
        fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(capitalised(name(entry))), escaped(words(entry))));
  page.add("</dl>\n");
}

}  // namespace

void add_advice(Page& page, const Json& result) {
  if (!has(result, "next") && !has(result, "not_worth") && !has(result, "could_not_examine")) return;
  page.open_section("next", "What to do next",
                    "Measured, not guessed: each action was tried in the small on this data. The change is "
                    "what to expect of the "
                    "metric; grey when its interval holds zero.");
  if (has(result, "next")) {
    add_actions(page, field(result, "next"));
  } else {
    page.paragraph("Nothing that was tried moves the result beyond the noise.");
  }
  add_minor(
      page, field(result, "not_worth"), "Not worth it", [](const Json& a) { return text_at(a, "action"); },
      not_worth_words);
  add_minor(
      page, field(result, "could_not_examine"), "Could not be examined",
      [](const Json& a) { return text_at(a, "what"); }, unexamined_words);
  page.close_section();
}

void add_commands(Page& page, const Json& result) {
  const Json& commands = field(result, "commands");
  if (!has(result, "commands")) return;
  page.open_section("commands", "Repeat it, use it",
                    "The same data and seed give the same model, to the byte.");
  page.add("<div class=\"commands\">\n");
  const struct {
    const char* key;
    const char* words;
  } kCommands[] = {{"predict", "Predict new rows"},
                   {"evaluate", "Judge the model on other rows"},
                   {"explain", "Explain single predictions"},
                   {"repeat", "Repeat this run"}};
  for (const auto& [key, words] : kCommands) {
    if (!has(commands, key)) continue;
    page.paragraph(words);
    page.command(text_at(commands, key));
  }
  page.add("</div>\n");
  page.close_section();
}

}  // namespace cairn::report
